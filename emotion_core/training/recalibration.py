"""Calibrate a finished bundle again, in place."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..datasets.faces import FaceData
from ..errors import TrainingError
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import Calibration
from ..recognition.classifier import Classifier, softmax
from .comparison import photos_for
from .evaluate import label_calibrated
from .export import calibrated, measured, write_config
from .matrix_scaling import fit_to_labels
from .two_truths import majority_on

#: The training record's entry for how many photos had a part in choosing the calibration, beside PublicTest.
_PHOTOS: Final = "calibrated_on_photos"


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

    training = {name: value for name, value in bundle.config.training.items() if name != _PHOTOS}
    if found:
        training[_PHOTOS] = len(found.truth) + len(found.missed)
    config = replace(bundle.config, training=training)
    config = calibrated(classifier.one_view, config, public, score if found else None)
    write_config(bundle.folder, measured(classifier.one_view, config, data))
    return Bundle.open(bundle.folder)


def refit_labels(bundle: Bundle, data: FaceData) -> Bundle:
    """Fit the labels' own calibration anew on PublicTest, measure it on the recorded splits, rewrite config and card.

    What serves, and every other figure, stays as recorded. Raises TrainingError for a bundle that keeps no such
    calibration, DataError if the data lacks a recorded split.
    """
    config, classifier = bundle.config, Classifier.from_bundle(bundle)
    if "labels" not in config.calibrations:
        raise TrainingError(f"{bundle.origin} serves by its labels' calibration: calibrate it without --labels-only.")
    public = data.of("public")
    kept = replace(fit_to_labels(classifier.logits(public.faces), public.emotion), fitted_anew=bool(config.metrics))
    figures: Any = {}
    for split, recorded in config.metrics.items():
        part = data.of(split)
        told = label_calibrated(kept, classifier.logits(part.faces), part, config.labels)
        figures[split] = {**recorded, "label_calibrated": told}
    write_config(bundle.folder, replace(config, calibrations={**config.calibrations, "labels": kept}, metrics=figures))
    return Bundle.open(bundle.folder)
