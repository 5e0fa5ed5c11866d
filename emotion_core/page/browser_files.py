"""What the server hands out so that a visitor's own browser can answer: code, runtime, detector, networks.

Every file lies under its hash and may be kept for ever; ``browser/manifest.json`` tells the page what there is.
"""

import base64
import hashlib
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import BundleError, EmotionError
from ..labels import SYMBOLS, colour_of, ink_on
from ..recognition.bundle import GRAPH, Bundle
from ..recognition.catalogue import Catalogue
from ..recognition.graph_marks import batch_marks, marked_yunet
from ..recognition.hub import PATIENCE, within
from ..recognition.resolve import yunet_file
from ..serving.browser_runtime import CDN, CDN_HOST, CONTENT, FILES, BrowserRuntime, open_runtime
from ..serving.refusals import ApiError
from .words import words_of

log = logging.getLogger(__name__)

CODE: Final = Path(__file__).parent / "browser"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
#: How long to wait before asking again for a detector that could not be fetched, in seconds.
_RETRY_SECONDS: Final = 60.0
#: The worker sees the pictures, and may not connect to anything at all.
WORKER_POLICY: Final = (
    "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src blob:; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Cache-Control": _FOR_EVER,
    "Content-Security-Policy": WORKER_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Vary": "Accept-Encoding",
}
_TYPES: Final = {".js": "text/javascript", ".wasm": "application/wasm"}


@dataclass(frozen=True)
class Asset:
    """A file, or bytes made here; compressed: a Brotli copy of the file."""

    content: Path | bytes
    media_type: str = "application/octet-stream"
    compressed: Path | None = None

    def response(self, accepted: str) -> Response:
        """The answer to a browser that accepts these encodings."""
        if isinstance(self.content, bytes):
            return Response(self.content, media_type=self.media_type, headers=_HEADERS)
        if self.compressed is not None and "br" in {part.split(";")[0].strip() for part in accepted.split(",")}:
            headers = _HEADERS | {"Content-Encoding": "br"}
            return FileResponse(self.compressed, media_type=self.media_type, headers=headers)
        return FileResponse(self.content, media_type=self.media_type, headers=_HEADERS)


class BrowserFiles:
    """The files and the manifest. setting: ``EMOTION_BROWSER_RUNTIME``: a folder, ``cdn``, or None for none.

    Raises an EmotionError when the folder is not one that ``browser-runtime`` made.
    """

    def __init__(self, catalogue: Catalogue, setting: str | None) -> None:
        self._runtime = open_runtime(setting) if setting and setting != CDN else None
        self._catalogue, self._setting = catalogue, setting
        self._assets: dict[str, Asset] = {}
        self._lock = threading.Lock()
        self._made: dict[str, Any] | None = None
        self._failed_at = -_RETRY_SECONDS
        modules = sorted(CODE.glob("*.js"))
        version = hashlib.sha256(b"".join(module.name.encode() + module.read_bytes() for module in modules))
        self._code = f"browser/{version.hexdigest()[:16]}"
        for module in modules:
            self._assets[f"{self._code}/{module.name}"] = Asset(module, _TYPES[".js"])

    def routes(self) -> list[Route]:
        """For an application, ahead of whatever takes every other address."""
        return [
            Route("/browser/manifest.json", self._manifest, methods=["GET"], include_in_schema=False),
            Route("/browser/{rest:path}", self._file, methods=["GET"], include_in_schema=False),
        ]

    def manifest(self) -> dict[str, Any]:
        """What the page needs to know; ``device`` is None where browsers cannot answer by themselves.

        May wait for the Hub for a moment, for the detector's file.
        """
        with self._lock:
            if self._setting and self._made is None and time.monotonic() - self._failed_at >= _RETRY_SECONDS:
                try:
                    self._made = self._device()
                except EmotionError as error:
                    self._failed_at = time.monotonic()
                    log.warning("Browsers cannot answer by themselves: %s", error)
            return {"entry": f"{self._code}/page.js", "device": self._made}

    def _device(self) -> dict[str, Any]:
        yunet = marked_yunet(self._runtime.yunet() if self._runtime else within(PATIENCE, yunet_file))
        bundles = [bundle for bundle in self._catalogue.bundles() if bundle.serves_from() == GRAPH]
        networks = [self._network(bundle) for bundle in bundles]
        if not networks:
            raise BundleError("None of the models has a LiteRT graph.")
        # The first answer should come soon: the smallest network that knows the default one's labels.
        first = networks[0]["labels"]
        small = min(
            (network for network in networks if network["labels"] == first), key=lambda one: int(one["file"]["bytes"])
        )
        return {
            "worker": f"{self._code}/worker.js",
            "host": "" if self._runtime else CDN_HOST.removeprefix("https://"),
            "runtime": {name: self._runtime_file(name, self._runtime) for name in FILES},
            "detector": {"file": self._hand_out("yunet.tflite", Asset(yunet.graph)), "sides": yunet.sides},
            "networks": networks,
            "first": small["name"],
        }

    def _runtime_file(self, name: str, runtime: BrowserRuntime | None) -> dict[str, Any]:
        if runtime is None:
            return _handed_out(FILES[name].address, CONTENT[name])
        url = f"browser/{CONTENT[name]}/{name}"
        path = runtime.folder / name
        self._assets[url] = Asset(path, _TYPES[path.suffix], path.with_name(f"{name}.br"))
        return _handed_out(url, CONTENT[name])

    def _network(self, bundle: Bundle) -> dict[str, Any]:
        config, path = bundle.config, bundle.folder / GRAPH
        return {
            "name": config.name,
            "title": words_of(config).title,
            "file": self._hand_out(f"{config.name}.tflite", Asset(path)),
            "batch": batch_marks(path.read_bytes()),
            "labels": described_labels(config.labels),
            "input": {"height": config.height, "width": config.width, "channels": config.channels},
            "temperature": config.temperature,
            "bias": list(config.bias),
            "uncertain": {
                "minConfidence": config.uncertain.min_confidence,
                "minMargin": config.uncertain.min_margin,
                "minSide": config.uncertain.min_side,
            },
        }

    def _hand_out(self, name: str, asset: Asset) -> dict[str, Any]:
        content = asset.content if isinstance(asset.content, bytes) else asset.content.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        url = f"browser/{sha256}/{name}"
        self._assets[url] = asset
        return _handed_out(url, sha256) | {"bytes": len(content)}

    def _manifest(self, request: Request) -> Response:
        answer = JSONResponse(self.manifest())
        tag = f'"{hashlib.sha256(bytes(answer.body)).hexdigest()[:32]}"'
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        answer.headers.update(headers)
        return answer

    async def _file(self, request: Request) -> Response:
        asset = self._assets.get(f"browser/{request.path_params['rest']}")
        if asset is None:
            raise ApiError(404)
        return asset.response(request.headers.get("accept-encoding", ""))


def described_labels(labels: tuple[str, ...]) -> list[dict[str, str | None]]:
    """Labels with what the page shows of them."""
    return [
        {"name": label, "colour": colour_of(label), "ink": ink_on(colour_of(label)), "symbol": SYMBOLS.get(label)}
        for label in labels
    ]


def _handed_out(url: str, sha256: str) -> dict[str, Any]:
    return {"url": url, "integrity": f"sha256-{base64.b64encode(bytes.fromhex(sha256)).decode()}"}
