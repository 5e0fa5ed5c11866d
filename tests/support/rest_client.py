"""The client that REST tests use."""

from typing import Any

import httpx
from PIL import Image
from skimage import data as pictures

from .hostile_pictures import saved

KEY = "a key of the tests"


def analyze(url: str, *files: bytes, **options: Any) -> httpx.Response:
    return httpx.post(f"{url}/api/v1/analyze", files=[("image", file) for file in files], timeout=20, **options)


def detector_of(url: str) -> str:
    """What finds the faces on this server; ``url`` ends in a slash."""
    photo = saved(Image.fromarray(pictures.astronaut()), "JPEG")
    answer = httpx.post(f"{url}api/v1/analyze", files={"image": ("photo.jpg", photo)}, timeout=60)
    return str(answer.raise_for_status().json()["results"][0]["detector"])
