"""Models published on the stand-in Hub, pinned and queried."""

import hashlib
import json
from pathlib import Path

import numpy as np

from emotion_core import Bundle
from emotion_core.recognition.bundle import GRAPH
from emotion_core.recognition.bundle_config import CONFIG
from emotion_core.recognition.classifier import Classifier
from emotion_core.recognition.hub import HubRef
from emotion_core.recognition.resolve import Resolved, bundle_behind, resolve_bundle
from support.stand_in_hub import Repo

SERVED = (CONFIG, GRAPH)


def published(bundle: Bundle, fault: str = "") -> Repo:
    return Repo({path.name: path.read_bytes() for path in bundle.folder.iterdir() if path.is_file()}, fault=fault)


def pin(tmp_path: Path, repo_id: str, repo: Repo) -> Path:
    hashes = {name: hashlib.sha256(repo.files[name]).hexdigest() for name in SERVED}
    path = tmp_path / "pin.json"
    path.write_text(json.dumps({"repo_id": repo_id, "revision": repo.commit, "sha256": hashes}))
    return path


def answers(bundle: Bundle) -> bool:
    config = bundle.config
    crops = np.zeros((2, config.height, config.width, config.channels), np.uint8)
    return bool(np.allclose(Classifier.from_bundle(bundle).probabilities(crops).sum(axis=1), 1))


def fetched(pinned: Path) -> Resolved:
    """What a start resolves after an earlier one has fetched what it could, with no failure remembered."""
    pin_of = HubRef.from_pin(pinned)
    assert pin_of is not None
    behind = bundle_behind(pin_of)
    behind.forgive()
    resolve_bundle(pin_file=pinned)
    behind.wait(60)
    return resolve_bundle(pin_file=pinned)
