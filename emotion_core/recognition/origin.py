"""Where a data set came from, for the card and the page: recorded when it is read, never guessed later."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any, Final

from ..labels import FER2013, FERPLUS
from .bundle_config import BundleConfig

#: Who split the faces into training, validation and test sets.
OFFICIAL: Final = "official"  # the data set's authors
GIVEN: Final = "given"  # the user's folder or table
MADE: Final = "made"  # this program, by content
#: The ground truth.
LABELS: Final = "labels"
VOTES: Final = "votes"


@dataclass(frozen=True)
class Origin:
    """name: of the data set or folder. splits: ``official``, ``given`` or ``made``. truth: ``labels``
    or ``votes``. sought: faces were detected and cropped from photos, as in serving; else pictures were
    used unchanged. asked: how many Training faces were asked for, of more; 0: all.
    """

    name: str = "data of its own"
    splits: str = GIVEN
    truth: str = LABELS
    sought: bool = False
    asked: int = 0

    def as_json(self) -> dict[str, Any]:
        """As recorded with a run; what was asked for only where it was a part, so that earlier records stay equal."""
        told = asdict(self)
        if not self.asked:
            del told["asked"]
        return told


def origin_of(config: BundleConfig, stage: Mapping[str, Any] | None = None) -> Origin:
    """Where a stage's data came from, by default the last stage's. Runs that predate this record used FER-2013."""
    told: Any = {"stages": [stage]} if stage is not None else config.training
    match told:  # a bundle may come from anywhere, and its training record is not validated
        case {"stages": [*_, {"data": {"name": str(name), **more}}]}:
            known: dict[str, Any] = {key: more[key] for key in ("splits", "truth") if key in more}
            asked = more.get("asked", 0)
            return Origin(name, sought=bool(more.get("sought")), asked=asked if isinstance(asked, int) else 0, **known)
    if config.labels in (FER2013, FERPLUS):
        return Origin("FER-2013", "official", VOTES if config.labels == FERPLUS else "labels")
    return Origin()


def data_name(origin: Origin) -> str:
    """The data set's name for headings; FER-2013 with votes is FER+."""
    whole = replace(origin, asked=0)
    return "FER+" if whole == Origin("FER-2013", "official", VOTES) else origin.name


def is_fer(origin: Origin) -> bool:
    """Whether the data is FER-2013 or FER+, so that known facts about it apply."""
    return data_name(origin) in ("FER-2013", "FER+")


def stages_of(config: BundleConfig) -> list[dict[str, Any]]:
    """The recorded stages of a bundle's training, in order; [] if none were recorded in this form."""
    stages = config.training.get("stages", [])
    return [stage for stage in stages if isinstance(stage, dict)] if isinstance(stages, list) else []


def begun_when_known(config: BundleConfig) -> list[int]:
    """The stages, counted from 1, that started from an exported bundle, which was thus measured on every split."""
    settings = [stage.get("config") for stage in stages_of(config)]
    starts = [str(one.get("init") or "") if isinstance(one, dict) else "" for one in settings]
    return [number for number, start in enumerate(starts, 1) if start and PurePath(start).suffix not in (".h5", ".npz")]
