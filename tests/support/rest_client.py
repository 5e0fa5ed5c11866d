"""The client that REST tests use."""

from typing import Any

import httpx

KEY = "a key of the tests"


def analyze(url: str, *files: bytes, **options: Any) -> httpx.Response:
    return httpx.post(f"{url}/api/v1/analyze", files=[("image", file) for file in files], timeout=20, **options)
