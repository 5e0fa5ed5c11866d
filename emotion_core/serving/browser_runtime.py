"""LiteRT for browsers: the pinned files of the npm package ``@litertjs/core``, in a folder the operator makes.

None of it is in the repository. ``make_runtime`` takes the files from npm, or from the public CDN for npm
packages, and keeps only those that match the SHA-256 below; ``open_runtime`` checks them again before a
server serves them.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import EmotionError, HashMismatchError, HubError, OutputError, SettingsError, ToolError
from ..files import sha256_of, unfinished
from ..recognition.hub import YUNET
from ..recognition.resolve import yunet_file

#: The value of ``EMOTION_BROWSER_RUNTIME`` that makes the page load the files from the public CDN.
CDN: Final = "cdn"
CDN_HOST: Final = "https://cdn.jsdelivr.net"
CORE: Final = "@litertjs/core@2.5.3"
UTILITIES: Final = "@litertjs/wasm-utils@2.5.3"
#: Limits on downloads: bytes of one file, and seconds for one request or for npm.
MAX_BYTES: Final = 20_000_000
_REQUEST_SECONDS: Final = 60
_NPM_SECONDS: Final = 300
_NOTE: Final = f"""LiteRT for browsers: files of the npm packages {CORE} and {UTILITIES} (Apache-2.0,
Google LLC, https://github.com/google-ai-edge/LiteRT), unchanged, each with a copy compressed by Brotli;
and YuNet's face detector (MIT, https://huggingface.co/opencv/face_detection_yunet), unchanged.
Made by: python -m emotion_core browser-runtime
"""


@dataclass(frozen=True)
class RuntimeFile:
    """A file of an npm package, and the SHA-256 it must have."""

    package: str
    path: str
    sha256: str

    @property
    def address(self) -> str:
        """Its URL on the CDN."""
        return f"{CDN_HOST}/npm/{self.package}/{self.path}"


def _build(name: str, script: str, binary: str) -> tuple[RuntimeFile, RuntimeFile]:
    path = f"wasm/litert_wasm_{name}internal"
    return RuntimeFile(CORE, f"{path}.js", script), RuntimeFile(CORE, f"{path}.wasm", binary)


_PLAIN: Final = _build(
    "",
    "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
    "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
)
_COMPAT: Final = _build(
    "compat_",
    "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
    "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
)
_THREADED: Final = _build(
    "threaded_",
    "92fe7a720c6deedaa1194c011c79a005ea4f6fc98f533b661cf7900760ab4849",
    "b5e54eca10f043497edf9a02186332707cae260c550d7ea22b2cae55669596cf",
)
#: The files by the names the page requests. A browser loads one build: with threads, with relaxed SIMD
#: instructions, or with neither.
FILES: Final = {
    "core.js": RuntimeFile(CORE, "dist/index.js", "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3"),
    "utilities.js": RuntimeFile(
        UTILITIES, "dist/index.js", "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2"
    ),
    "plain.js": _PLAIN[0],
    "plain.wasm": _PLAIN[1],
    "compat.js": _COMPAT[0],
    "compat.wasm": _COMPAT[1],
    "threaded.js": _THREADED[0],
    "threaded.wasm": _THREADED[1],
}
[YUNET_NAME] = YUNET.sha256
#: Every file of the folder -> its SHA-256.
CONTENT: Final = {name: file.sha256 for name, file in FILES.items()} | dict(YUNET.sha256)


@dataclass(frozen=True)
class BrowserRuntime:
    """A checked folder. Each of the runtime's files has a Brotli-compressed copy, ``NAME.br``."""

    folder: Path

    def yunet(self) -> bytes:
        """YuNet's ONNX file."""
        return (self.folder / YUNET_NAME).read_bytes()


def open_runtime(folder: str | Path) -> BrowserRuntime:
    """Check every file of a folder that ``make_runtime`` made.

    Raises SettingsError when one is missing, and HashMismatchError when one differs.
    """
    folder = Path(folder).expanduser()
    for name, sha256 in CONTENT.items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise SettingsError(
                f"EMOTION_BROWSER_RUNTIME: {folder} has no readable {name}. Make the folder by "
                f"`python -m emotion_core browser-runtime {folder}`, or say `{CDN}`."
            ) from error
        _check(name, content, sha256)
    return BrowserRuntime(folder)


def make_runtime(folder: Path, source: str | None = None, host: str = CDN_HOST) -> BrowserRuntime:
    """Fetch, check, write and compress the files; those already there and correct are kept.

    source: ``npm`` (the program, which knows the user's registry), ``cdn``, or None for npm if it is
    installed, else the CDN. Raises HashMismatchError when a file is not the pinned one, and EmotionError
    when the files cannot be fetched or written.
    """
    import brotli

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            fetch = _fetcher(source or ("npm" if shutil.which("npm") else CDN), host, Path(scratch))
            for name, file in FILES.items():
                if not _is_there(folder / name, file.sha256):
                    _write(folder / name, _check(name, fetch(file), file.sha256))
                compressed = folder / f"{name}.br"
                if not compressed.is_file() or compressed.stat().st_mtime < (folder / name).stat().st_mtime:
                    _write(compressed, brotli.compress((folder / name).read_bytes(), quality=9))
        if not _is_there(folder / YUNET_NAME, CONTENT[YUNET_NAME]):
            _write(folder / YUNET_NAME, yunet_file())
        _write(folder / "README.txt", _NOTE.encode())
    except OSError as error:
        if isinstance(error, EmotionError):
            raise
        message = f"{folder} cannot be written: {error.strerror or error}. Choose another folder."
        raise OutputError(message, folder) from error
    return open_runtime(folder)


def _fetcher(source: str, host: str, scratch: Path) -> Callable[[RuntimeFile], bytes]:
    if source == "npm":
        return _Npm(scratch).read
    return lambda file: _download(file.address.replace(CDN_HOST, host, 1))


class _Npm:
    """Packages from ``npm pack``, each fetched once."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._packed: dict[str, Path] = {}

    def read(self, file: RuntimeFile) -> bytes:
        if file.package not in self._packed:
            self._packed[file.package] = self._pack(file.package)
        with tarfile.open(self._packed[file.package]) as archive:
            member = archive.getmember(f"package/{file.path}")
            content = archive.extractfile(member) if member.isfile() and member.size <= MAX_BYTES else None
            if content is None:
                raise HashMismatchError(f"{file.package} has no usable {file.path}; it is not used.")
            return content.read()

    def _pack(self, package: str) -> Path:
        folder = self._scratch / str(len(self._packed))
        folder.mkdir()
        command = ["npm", "pack", package, "--ignore-scripts", "--silent", "--pack-destination", str(folder)]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolError(f"npm could not be run for {package}. Try --source cdn.") from error
        packed = list(folder.glob("*.tgz"))
        if done.returncode != 0 or len(packed) != 1:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ToolError(f"npm did not give {package}: {last[:200]}. Try --source cdn.")
        return packed[0]


def _download(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 (an address of ours)
            content = bytes(answer.read(MAX_BYTES + 1))
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise HubError(f"{address} could not be fetched ({type(error).__name__}). Try --source npm.") from error
    if len(content) > MAX_BYTES:
        raise HashMismatchError(f"{address} is larger than the published file; it is not used.")
    return content


def _check(name: str, content: bytes, sha256: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise HashMismatchError(
            f"{name} is not the file that was published: its SHA-256 differs. Delete it and make the folder again."
        )
    return content


def _is_there(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _write(path: Path, content: bytes) -> None:
    with unfinished(path) as part:
        part.write_bytes(content)
