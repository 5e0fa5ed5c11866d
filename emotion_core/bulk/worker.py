"""A worker: it holds the model and turns one shard after another of the plan into Parquet."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..recognition.bundle import Bundle
from ..recognition.bundle_config import CONFIG
from ..recognition.classifier import Classifier
from ..recognition.detectors import FaceDetector, WholePicture, YuNetDetector
from ..recognition.recognizer import EmotionRecognizer
from ..recognition.resolve import DETECTORS, detector_at_hand, resolve_bundle, resolve_detector, yunet_file
from ..settings import Settings
from ..video.results import VideoOptions
from .ahead import Ahead
from .codes import WORKERS_DIED
from .folder import Folder
from .metadata import metadata_of
from .plan import read_plan
from .score import failure, score
from .tables import FACES, FAILURES, FILES, ShardWriter, shard_file
from .trail import trail_of


@dataclass(frozen=True)
class Parts:
    """The model and the detector as bytes: loaded once, so that all workers have exactly the same, and
    none needs the Hub or the model's folder.
    """

    bundle: Mapping[str, bytes]
    origin: str
    detector: str
    yunet: bytes | None = None

    @classmethod
    def collect(cls, model: str | None, detector: str | None, faces: bool) -> "Parts":
        """Resolve them as every command does; faces: pictures are faces already and need no detector.

        Raises an EmotionError when a model or detector given by name is not available.
        """
        settings = Settings.from_environment()
        bundle = resolve_bundle(model or settings.model).bundle
        names = (CONFIG, bundle.serves_from())
        files = {name: (bundle.folder / name).read_bytes() for name in names}
        found: FaceDetector = WholePicture() if faces else resolve_detector(detector or settings.detector)[0]
        # Just resolved above, so this comes from the cache.
        yunet = yunet_file() if isinstance(found, YuNetDetector) else None
        return cls(files, bundle.origin, found.name, yunet)

    def hashes(self) -> dict[str, str]:
        """The SHA-256 of the network's file and of the config, which has the calibration."""
        files = {("config_sha256" if name == CONFIG else "model_sha256"): name for name in self.bundle}
        return {what: hashlib.sha256(self.bundle[name]).hexdigest() for what, name in files.items()}

    def recognizer(self, threads: int | None = 1) -> EmotionRecognizer:
        """Load them; threads: for LiteRT, one when every core has a worker."""
        with tempfile.TemporaryDirectory() as name:
            for file, content in self.bundle.items():
                (Path(name) / file).write_bytes(content)
            classifier = Classifier.from_bundle(Bundle.open(name, self.origin), threads)
        detector: FaceDetector
        if self.yunet is not None:
            detector = YuNetDetector(self.yunet)
        elif self.detector == WholePicture.name:
            detector = WholePicture()
        else:
            asked = next(asked for asked, called in DETECTORS.items() if called == self.detector)
            detector = detector_at_hand(asked)
        return EmotionRecognizer(classifier, detector, self.origin)


class ShardWorker:
    """The actor that Ray Data runs, one per core."""

    def __init__(self, parts: Any, folder: str, run: str) -> None:
        """parts: ``Parts`` in Ray's store; folder: OUT; run: an id that distinguishes this run from earlier ones."""
        import ray

        cv2.setNumThreads(1)  # the other cores have their own workers
        self._plan = read_plan(Folder(folder))
        self._recognizer = ray.get(parts).recognizer()
        self._run = run

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Shard numbers under ``shard`` -> files, faces and failures per shard."""
        done = [self.work(int(shard)) for shard in batch["shard"]]
        return {name: np.array([row[name] for row in done], np.int64) for name in ("shard", "files", "faces", "failed")}

    def work(self, shard: int) -> dict[str, int]:
        """Score one shard, unless finished: the worker that wrote it may have died before reporting."""
        plan = self._plan
        if plan.folder.has(shard_file(FILES, shard)):
            return {"shard": shard, "files": plan.sizes[shard], "faces": 0, "failed": 0}
        planned = plan.rows(shard)
        paths = planned["path"].to_pylist()
        trail = trail_of(plan.folder, self._run, shard)
        deadly = trail.deadly()
        died = "Workers died on this file. Look at it separately."
        scored = [failure(paths[position], died, WORKERS_DIED) for position in deadly]
        with Ahead(path for position, path in enumerate(paths) if position not in deadly) as content:
            videos = VideoOptions(rate=plan.asked["rate"])
            scored += score(self._recognizer, trail.follow(paths, deadly), videos, content)
        order = {path: position for position, path in enumerate(paths)}
        scored.sort(key=lambda one: order[one.path])
        rows = {
            FACES: [row for one in scored for row in one.faces],
            FAILURES: [{"path": one.path, "code": one.code, "error": one.error} for one in scored if one.error],
            FILES: [one.file_row() for one in scored],
        }
        kept = planned.schema.remove(0).remove_metadata()
        by = plan.asked["partition_by"]
        ShardWriter(plan.folder, plan.labels, kept, metadata_of(plan.asked), by).write(shard, planned, rows)
        trail.forget()
        return {"shard": shard, "files": len(paths), "faces": len(rows[FACES]), "failed": len(rows[FAILURES])}
