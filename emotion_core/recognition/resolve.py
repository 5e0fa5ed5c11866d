"""Which model answers: what the user named, else the pinned Hub repository, else the embedded one."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..errors import EmotionError, ModelNotFoundError
from .bundle import SERVABLE, Bundle, check_sha256, embedded
from .bundle_config import CONFIG, BundleConfig
from .detectors import FaceDetector, HaarDetector, YuNetDetector
from .hub import PATIENCE, YUNET, HubRef, fetch, within

log = logging.getLogger(__name__)

#: Written when a model is published: the repository, the commit and the files' hashes.
PIN: Final = Path(__file__).parents[1] / "pin.json"


@dataclass(frozen=True)
class Resolved:
    """A bundle, and what the visitor should be told about how it was chosen ("" for nothing)."""

    bundle: Bundle
    notice: str = ""


def resolve_bundle(named: str | Path | None = None, pin_file: Path = PIN) -> Resolved:
    """Find the bundle to serve.

    named: a folder, the name of an embedded bundle, or ``owner/repo[@revision]``; if it
    cannot be had, an EmotionError says why. Without a name, the pinned Hub repository is
    used if it answers within ``PATIENCE`` seconds, and the embedded bundle otherwise.
    """
    if named:
        return Resolved(_named(named))
    pin, local = HubRef.from_pin(pin_file), embedded()
    if pin is None or (local is not None and _same(pin, local)):
        if local is None:
            raise ModelNotFoundError("There is no embedded model and none is pinned: set EMOTION_MODEL.")
        return Resolved(local)
    if local is None:
        return Resolved(fetch_bundle(pin))
    try:
        return Resolved(within(PATIENCE, lambda: fetch_bundle(pin)))
    except EmotionError as error:
        notice = f"Using the embedded model: {error}"
        log.warning("%s", notice)
        return Resolved(local, notice)


def resolve_detector(named: str = "auto") -> tuple[FaceDetector, str]:
    """The detector and a notice. named: ``yunet`` (an error if it cannot be had), ``haar``, or
    ``auto``: YuNet if the Hub or its cache gives it within ``PATIENCE`` seconds, else Haar.
    """
    if named == "haar":
        return HaarDetector(), ""
    if named == "yunet":
        return YuNetDetector(yunet_file()), ""
    if named != "auto":
        raise ModelNotFoundError(f"Unknown face detector {named!r}: use auto, yunet or haar.")
    try:
        return YuNetDetector(within(PATIENCE, yunet_file)), ""
    except EmotionError as error:
        notice = f"Finding faces with OpenCV's Haar cascade, which misses more of them than YuNet: {error}"
        log.warning("%s", notice)
        return HaarDetector(), notice


def fetch_bundle(ref: HubRef) -> Bundle:
    """Fetch what serving needs of a repository: its config and one servable file."""
    origin, path = str(ref), fetch(ref, CONFIG)
    ref = replace(ref, revision=path.parent.name)  # a branch may move between one file and the next
    listed = ref.sha256 or BundleConfig.from_json(path.read_bytes()).files
    wanted = [name for name in SERVABLE if name in listed] or list(SERVABLE)
    # What the cache holds of this commit goes first: without a network the others only fail.
    wanted.sort(key=lambda name: not (path.parent / name).is_file())
    for name in wanted:
        try:
            fetch(ref, name)
            break
        except ModelNotFoundError:
            if name == wanted[-1]:
                raise
    return Bundle.open(path.parent, origin)


def yunet_file() -> bytes:
    """YuNet's graph, from the Hub or its cache; an EmotionError when it cannot be had."""
    [name] = YUNET.sha256
    return fetch(YUNET, name).read_bytes()


def _named(named: str | Path) -> Bundle:
    folder = Path(named).expanduser()
    if folder.is_dir():
        return Bundle.open(folder)
    text = str(named)
    if "/" not in text and (local := embedded(text)) is not None:
        return local
    ref = HubRef.parse(text)
    if ref is None:
        raise ModelNotFoundError(
            f"No model {text!r}: give a folder, the name of an embedded bundle, or owner/repo[@revision]."
        )
    return fetch_bundle(ref)


def _same(pin: HubRef, local: Bundle) -> bool:
    """Whether the pinned config and graph are the embedded ones, so that nothing need be fetched."""
    try:
        for name in (CONFIG, local.serves_from()):
            check_sha256((local.folder / name).read_bytes(), pin.sha256.get(name, ""), name)
    except EmotionError:
        return False
    return True
