"""Measure a bundle on a split as it serves: quantised, calibrated, with its configured views."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData, as_ferplus
from ..errors import DataError, TrainingError
from ..labels import FERPLUS
from ..recognition.bundle_config import KeptCalibration
from ..recognition.classifier import Classifier, is_uncertain, probabilities_by, softmax
from .calibration import coverage
from .metrics import metrics, nll_of_votes, number
from .two_truths import majority_on, two_truths

#: Views of a face: one, with its mirror image, or ten crops of 44/48 as in the literature.
VIEWS: Final = ("one", "flip", "ten")


def evaluate(classifier: Classifier, data: FaceData, split: str, views: str | None = None) -> dict[str, Any]:
    """Measure on one split of the data; see ``metrics`` for the result.

    views: one of ``VIEWS``; None: as the bundle serves (``accuracy_one_view`` then gives the figure
    for streams, which are served one view). A bundle with FER+ labels is measured against the
    FER+ majority if the data has votes. ``without_twins`` repeats the main figures without the
    faces that are byte-identical to a Training face. Raises DataError when the bundle's labels
    differ from the data's.
    """
    data = matching(data, classifier.labels)
    part = data.of(split)
    looked = views or ("flip" if classifier.config.flip else "one")
    logits = seen_logits(classifier, part.faces, looked)
    probabilities = softmax(logits, classifier.config.temperature, classifier.config.bias)
    alone = probabilities if looked == "one" else seen(classifier, part.faces, "one")
    known = set(data.of("train").hashes())
    own = np.array([digest not in known for digest in part.hashes()])
    certain = ~is_uncertain(probabilities, classifier.config.uncertain)
    right = probabilities.argmax(axis=1) == part.emotion
    both = two_truths(probabilities, part, classifier.labels)
    more: dict[str, Any] = {name: both[name] for name in ("majority", "ece_of_votes") if name in both}
    if "majority" in both:
        more["coverage"] = coverage(probabilities, majority_on(part, classifier.labels), classifier.config.uncertain)
    if literature := classifier.config.calibrations.get("labels"):
        more["label_calibrated"] = label_calibrated(literature, logits, part, classifier.labels)
    without = metrics(probabilities[own], part.emotion[own], classifier.labels)
    return {
        **metrics(probabilities, part.emotion, classifier.labels),
        "views": looked,
        "accuracy_one_view": number((alone.argmax(axis=1) == part.emotion).mean()),
        "nll_of_votes": nll_of_votes(probabilities, part),
        "uncertain_share": number(1 - certain.mean()),
        "accuracy_when_certain": number(right[certain].mean()) if certain.any() else None,
        "without_twins": {name: without[name] for name in ("faces", "accuracy", "macro_f1", "ece")},
        **more,
    }


def label_calibrated(
    calibration: KeptCalibration, logits: NDArray[np.float32], part: FaceData, labels: tuple[str, ...]
) -> dict[str, float]:
    """What logits (N, C) of these faces reach by the labels' own calibration, as recorded with a split."""
    found = two_truths(probabilities_by(calibration, logits), part, labels)
    people = {"majority": found["majority"]["accuracy"]} if "majority" in found else {}
    return {"accuracy": found["label"]["accuracy"], **people, "nll": found["nll"], "ece": found["ece"]}


def matching(data: FaceData, labels: tuple[str, ...]) -> FaceData:
    """The data with these labels: unchanged, or relabelled by its FER+ votes; DataError if neither fits."""
    if labels == data.labels:
        return data
    if labels == FERPLUS and data.votes is not None:
        return as_ferplus(data)
    hint = " Give fer2013new.csv with --votes." if labels == FERPLUS else ""
    raise DataError(f"The model knows {', '.join(labels)}; the data has {', '.join(data.labels)}.{hint}")


def seen(classifier: Classifier, faces: NDArray[np.uint8], views: str) -> NDArray[np.float64]:
    """Calibrated probabilities, float64 (N, C), of the mean logits over the views."""
    return softmax(seen_logits(classifier, faces, views), classifier.config.temperature, classifier.config.bias)


def seen_logits(classifier: Classifier, faces: NDArray[np.uint8], views: str) -> NDArray[np.float32]:
    """The mean logits over the views, float32 (N, C)."""
    if views not in VIEWS:
        raise TrainingError(f"Unknown views {views!r}: use one of {', '.join(VIEWS)}.")
    looks = ten_crops(faces) if views == "ten" else [faces, mirror(faces)] if views == "flip" else [faces]
    return np.asarray(np.mean([classifier.one_view(look) for look in looks], axis=0), np.float32)


def mirror(faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mirror images of uint8 (N, H, W, C)."""
    return np.ascontiguousarray(faces[:, :, ::-1])


def ten_crops(faces: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Four corners and the centre, 11/12 of the side, enlarged back, each with its mirror image."""
    import cv2

    side = faces.shape[1]
    inner = side * 11 // 12
    gap, middle = side - inner, (side - inner) // 2
    crops = []
    for top, left in ((0, 0), (0, gap), (gap, 0), (gap, gap), (middle, middle)):
        cut = faces[:, top : top + inner, left : left + inner]
        large = np.stack([cv2.resize(face, (side, side), interpolation=cv2.INTER_LINEAR) for face in cut])
        crops.append(large.reshape(faces.shape).astype(np.uint8))
    return crops + [mirror(crop) for crop in crops]
