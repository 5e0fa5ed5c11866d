"""Files in stores (``s3://``, ``gs://``, ``hf://`` and whatever else fsspec knows) beside those of this machine.

An address is reached through one of pyarrow's file systems: its own for S3 and Google's, fsspec's for all others.
``file://`` is another way of writing a path. Credentials, region and endpoint are taken from the environment, as each
store's own tools do.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..errors import DataError, ImageLimitError, MissingPackageError

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
#: What ``Path`` makes of an address.
_COLLAPSED: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/[^/]")
#: Variables that lead to another server than the store's own, such as MinIO or an emulator.
_ENDPOINTS: Final = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    **dict.fromkeys(("gs", "gcs"), ("CLOUD_STORAGE_EMULATOR_ENDPOINT",)),
}
#: Packages that fsspec needs for a scheme, when its own message names none.
_PACKAGES: Final = {"hf": "huggingface_hub", "az": "adlfs", "abfs": "adlfs", "http": "aiohttp", "https": "aiohttp"}


def is_address(text: str) -> bool:
    """Whether a text is ``scheme://...``, and no path of this machine."""
    return _ADDRESS.fullmatch(text) is not None


def plain(text: str) -> str:
    """A place as written by its user: ``file://`` becomes a path, anything else stays.

    Raises DataError for ``s3:/bucket``, which ``Path("s3://bucket")`` turns into and which would name a folder, and
    for a ``file://`` address of another machine.
    """
    if _COLLAPSED.match(text):
        raise DataError(f"{text} is an address that lost a slash: give it as text, such as s3://bucket/folder.")
    if not text.lower().startswith("file://"):
        return text
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise DataError(f"{text} names a folder called {parts.netloc!r} as if it were a machine. Write file:///path.")
    path = unquote(text.split("://", 1)[1].removeprefix(parts.netloc))
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def absolute(text: str) -> str:
    """``plain``, as an absolute path or an address without a final slash."""
    place = plain(text)
    found = _ADDRESS.fullmatch(place)
    return f"{found[1]}://{found[2].rstrip('/')}" if found else os.path.abspath(place)


def reach(place: str) -> tuple[Any, str]:
    """The pyarrow file system of an absolute path or an address, and the path within it.

    Raises MissingPackageError, saying what to install, and DataError when there is no such store.
    """
    found = _ADDRESS.fullmatch(place)
    if found is None:
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem(), place
    scheme, rest = found[1].lower(), found[2].rstrip("/")
    if not rest:
        raise DataError(f"{place} names no bucket. Write {scheme}://bucket/folder.")
    try:
        endpoint = next((os.environ[name] for name in _ENDPOINTS.get(scheme, ()) if os.environ.get(name)), None)
        system, strip = _system(scheme, rest.split("/", 1)[0], endpoint)
    except ImportError as error:
        package = _PACKAGES.get(scheme)
        told = f"Install it: pip install {package}" if package else str(error)
        raise MissingPackageError(
            f"{scheme}:// needs a package that is not here. {told}.", [package or scheme]
        ) from error
    except (ValueError, OSError) as error:  # no such scheme; no region to be had
        raise DataError(f"{place} cannot be reached: {error}") from error
    return system, strip(place) if strip else rest


@lru_cache(maxsize=64)
def _system(scheme: str, bucket: str, endpoint: str | None) -> tuple[Any, Any]:
    """A file system, and what turns an address into its path (None: what follows the scheme)."""
    from pyarrow import fs

    if scheme == "s3":
        if endpoint or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
            return fs.S3FileSystem(endpoint_override=endpoint), None
        return fs.FileSystem.from_uri(f"s3://{bucket}")[0], None  # asks which region the bucket is in
    if scheme in ("gs", "gcs"):
        return fs.GcsFileSystem(anonymous=endpoint is not None), None
    import fsspec

    system = fsspec.filesystem(scheme, use_listings_cache=False)  # as other workers write, too
    return fs.PyFileSystem(fs.FSSpecHandler(system)), system._strip_protocol


def read(place: str, most: int) -> bytes:
    """A picture's bytes; ImageLimitError if it has more than ``most`` of them, OSError if it cannot be read."""
    system, path = reach(place)
    with system.open_input_file(path) as file:
        if (size := file.size()) > most:
            message = f"The file has {size:,} bytes, more than the {most:,} that a store is asked for. Copy it here."
            raise ImageLimitError(message, "max_bytes", size, most)
        return bytes(file.read())


def fetch(place: str, target: Path) -> None:
    """Copy a file of a store to this machine; OSError if that fails."""
    system, path = reach(place)
    with system.open_input_stream(path) as source, target.open("wb") as file:
        while block := source.read(2**23):
            file.write(block)
