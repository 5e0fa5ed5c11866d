"""Where a data set came from, as a card and the page must tell it: recorded when it is read, never guessed later."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..labels import FER2013, FERPLUS
from .bundle_config import BundleConfig

#: Who divided the faces into those to learn from, to choose by and to be measured on.
OFFICIAL: Final = "official"  # the set's authors
GIVEN: Final = "given"  # whoever laid out the folder or the table
MADE: Final = "made"  # this program, by content
#: What the truth is.
LABELS: Final = "labels"
VOTES: Final = "votes"


@dataclass(frozen=True)
class Origin:
    """name: of the set, or of the folder. splits: ``official``, ``given`` or ``made``. truth: ``labels``
    or ``votes``. sought: faces were found and cut out of photos, as serving does; else pictures were
    taken as they are.
    """

    name: str = "data of its own"
    splits: str = GIVEN
    truth: str = LABELS
    sought: bool = False

    def as_json(self) -> dict[str, Any]:
        """As recorded with a run."""
        return asdict(self)


def origin_of(config: BundleConfig, stage: Mapping[str, Any] | None = None) -> Origin:
    """Where a stage's data came from, by default the last one's. Runs from before this was recorded had FER-2013."""
    told: Any = {"stages": [stage]} if stage is not None else config.training
    match told:  # a bundle may come from anywhere, and what it tells of its training is not checked
        case {"stages": [*_, {"data": {"name": str(name), **more}}]}:
            known: dict[str, Any] = {key: more[key] for key in ("splits", "truth") if key in more}
            return Origin(name, sought=bool(more.get("sought")), **known)
    if config.labels in (FER2013, FERPLUS):
        return Origin("FER-2013", "official", VOTES if config.labels == FERPLUS else "labels")
    return Origin()


def data_name(origin: Origin) -> str:
    """The set's name, as figures are headed by; FER-2013 by its votes is FER+."""
    return "FER+" if origin == Origin("FER-2013", "official", VOTES) else origin.name


def is_fer(origin: Origin) -> bool:
    """Whether what is known of FER-2013 holds for the data."""
    return data_name(origin) in ("FER-2013", "FER+")
