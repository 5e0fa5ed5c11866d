"""Object stores on 127.0.0.1: moto's S3 and an emulator of Google's, real HTTP for the real clients."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from .waiting import free_port, is_up, until

needs_s3 = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("ray", "pyarrow", "moto", "flask", "flask_cors"))),
    reason="pip install '.[bulk-dev]': Ray, pyarrow and a server of S3 are 500 MB that nothing else needs",
)
needs_gs = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("ray", "pyarrow", "gcp_storage_emulator"))),
    reason="pip install '.[bulk-dev]': Ray, pyarrow and an emulator of Google's store",
)
BUCKET = "bucket"
_S3 = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"
_GS = "gcp_storage_emulator start --host 127.0.0.1 --in-memory --default-bucket"


@contextmanager
def s3() -> Iterator[dict[str, str]]:
    """Start S3 with an empty bucket; the environment that leads to it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _running([sys.executable, "-c", _S3, str(port)], f"{url}/moto-api/"):
        httpx.put(f"{url}/{BUCKET}").raise_for_status()
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
        yield {"AWS_ENDPOINT_URL": url, **keys}


@contextmanager
def gs() -> Iterator[dict[str, str]]:
    """Start Google's store with an empty bucket; the environment that leads to it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", *_GS.split(), BUCKET, "--port", str(port)]
    with _running(command, f"{url}/storage/v1/b/{BUCKET}"):
        yield {"CLOUD_STORAGE_EMULATOR_ENDPOINT": url}


def upload(folder: Path, address: str) -> None:
    """Copy a folder of this machine into a store."""
    from pyarrow.fs import LocalFileSystem, copy_files

    from emotion_core.bulk.places import reach

    system, path = reach(address)
    copy_files(str(folder), path, source_filesystem=LocalFileSystem(), destination_filesystem=system)


@contextmanager
def _running(command: list[str], address: str) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until(lambda: is_up(address), 60, server)
            yield
        finally:
            server.kill()
