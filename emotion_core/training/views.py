"""A few augmented views of every face, and the teachers' answers to exactly those views.

Answers to clean faces would tell a student that a dark, turned or blurred face still looks as
it did (Beyer et al. 2022, "A good teacher is patient and consistent", arXiv:2106.05237). Running
large teachers on every picture of every epoch would cost more than training the student, so a few
views of each face are drawn and answered in advance, and the epochs cycle through them.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..files import sha256_of, unfinished
from ..recognition.bundle import Bundle
from ..recognition.classifier import Classifier, softmax
from .config import TrainConfig
from .targets import asked_weights, served_logits, taking, targets, without_teachers

#: Faces drawn at once.
_BLOCK: Final = 1024


class Views:
    """Augmented crops, uint8 (N, H, W, C), and their targets, float32 (N, classes), by epoch."""

    def __init__(self, data: FaceData, config: TrainConfig, folder: Path | None = None) -> None:
        """``folder`` caches the answers for a resumed run.

        Raises TrainingError for a teacher that lacks a label, or takes other crops.
        """
        self._data, self._config, self._folder = data, config, folder
        self._goal = targets(data, without_teachers(config))
        self._teachers = {each: taking(Bundle.open(Path(each)), data) for each in config.teachers}

    def of_epoch(self, epoch: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The crops of all faces in this epoch, and their targets."""
        view = epoch % self._config.teacher_views
        faces = self._drawn(view)
        share = self._config.distil_share
        return faces, np.asarray(self._goal * (1 - share) + share * self._answers(view, faces), np.float32)

    def _drawn(self, view: int) -> NDArray[np.uint8]:
        config, faces = self._config, self._data.faces
        drawn = np.empty_like(faces)
        # The strength varies over the views as it would over the epochs.
        strength = config.strength(view * config.epochs // config.teacher_views)
        for start in range(0, len(faces), _BLOCK):
            rng = np.random.default_rng((config.seed, view, start))
            seen = config.augmentation.apply(rng, faces[start : start + _BLOCK], faces.shape[1], strength)
            drawn[start : start + _BLOCK] = np.round(seen)
        return drawn

    def _answers(self, view: int, faces: NDArray[np.uint8]) -> NDArray[np.float64]:
        told = [sha256_of(asked_weights(self._teachers[each])) for each in self._config.teachers]
        kept = self._folder / f"view-{view}.npz" if self._folder else None
        if kept and kept.is_file():
            with np.load(kept, allow_pickle=False) as file:
                if list(file["teachers"]) == told:
                    return np.asarray(file["answers"], np.float64)
        known = {each: self._asked(teacher, faces) for each, teacher in self._teachers.items()}
        answers = np.mean([known[each] for each in self._config.teachers], axis=0)
        if kept:
            with unfinished(kept) as part, part.open("wb") as file:
                np.savez(file, answers=answers.astype(np.float16), teachers=np.array(told))
        return np.asarray(answers, np.float64)

    def _asked(self, teacher: Bundle, faces: NDArray[np.uint8]) -> NDArray[np.float64]:
        logits = Classifier.from_bundle(teacher).unmirrored().logits(faces)
        return softmax(served_logits(logits, teacher, self._data.labels), self._config.distil_temperature)
