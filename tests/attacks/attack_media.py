"""Attacks with photos, frames and videos; each for as long as its target says."""

import base64
import functools
import io
import json
import time
import uuid
from typing import Any

import httpx
import numpy as np
from PIL import Image

from support.hostile_pictures import (
    exif_bomb,
    large_canvas,
    large_frame,
    large_tiles,
    many_scans,
    saved,
    slow_notes,
    with_segments,
)
from support.hostile_videos import beside, many_samples, with_sound
from support.keeping_video import keeping

from .target import Target


@functools.cache
def hostile_photos() -> list[bytes]:
    """Scans within and over the limit; tiles, frames and canvases larger than declared; notes that unpack to much."""
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    large = Image.fromarray(noise).resize((8_000, 6_000))
    return [
        many_scans(400),
        many_scans(60),
        many_scans(60, 2_500, 2_500),
        large_tiles(100, 45_056),
        large_frame(),
        large_canvas(4_500),
        large_canvas(7_000, "PNG"),
        exif_bomb(300_000),
        noted_frame(),
        saved(large, "JPEG", quality=60),
    ]


def noted_frame() -> bytes:
    """A small JPEG whose EXIF data, in five segments, name the same bytes again and again."""
    bomb, size = exif_bomb(300_000), 65_000
    pieces = (b"Exif\0\0" + bomb[start : start + size] for start in range(0, len(bomb), size))
    return with_segments(saved(Image.new("RGB", (64, 64)), "JPEG"), b"\xe1", *pieces)


def photos_as_files(target: Target) -> None:
    """Expensive pictures, many at a time, through REST, the page, and its explanation of an answer."""
    photos = hostile_photos()

    def send(client: httpx.Client, number: int) -> httpx.Response:
        photo = photos[number % len(photos)]
        match number % 3:
            case 0:
                return client.post("page/photo?picture=1", content=photo)
            case 1:
                return client.post("page/why?label=happy", content=photo)
        return client.post("api/v1/analyze", files={"image": ("x", photo)})

    target.together(send, 24)


def slow_photos(target: Target) -> None:
    """Pictures of a few pixels that take as long as the time for one allows, from ten addresses at once."""
    photo = slow_notes(700)

    def send(client: httpx.Client, _: int) -> httpx.Response:
        return client.post("api/v1/analyze", files={"image": ("x", photo)})

    target.together(send, 20)


def photos_past_the_queue(target: Target) -> None:
    """The same through the route that bypasses Gradio's queue."""
    photos = hostile_photos()

    def send(client: httpx.Client, number: int) -> httpx.Response:
        uploaded = client.post("gradio_api/upload", files={"files": ("x.jpg", photos[number % len(photos)])})
        if uploaded.status_code != 200:
            return uploaded
        photo = {"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}
        return client.post("gradio_api/run/analyze_image", json={"data": [photo, None]})

    target.together(send, 16)


def refused_photos(target: Target) -> None:
    """Photos of 48 megapixels to be searched by a detector that there is not, and megabytes that are no photo."""
    photo = saved(Image.new("RGB", (8_000, 6_000), "gray"), "JPEG")
    sent = [
        ("photo?detector=x", photo),
        ("photo", b"\xff\xd8\xff" + bytes(9_000_000)),
        ("why?label=happy", bytes(9_000_000)),
    ]

    def send(client: httpx.Client, number: int) -> httpx.Response:
        address, content = sent[number % len(sent)]
        return client.post(f"page/{address}", content=content)

    target.together(send, 10)


def base64_by_rest(target: Target) -> None:
    """Large pictures in JSON, within and over the limit."""
    photo = hostile_photos()[-1]
    bodies = [
        json.dumps({"image": base64.b64encode(photo + bytes(size - len(photo))).decode()}).encode()
        for size in (7_000_000, 12_000_000)
    ]

    def send(client: httpx.Client, number: int) -> httpx.Response:
        return client.post("api/v1/analyze", content=bodies[number % 2], headers={"Content-Type": "application/json"})

    target.together(send, 10)


def webcam(target: Target) -> None:
    """Places that are opened, used with large frames, and dropped midway without being released."""
    frames = [
        "data:image/png;base64," + base64.b64encode(large_canvas(6_000, "PNG")).decode(),
        "data:image/jpeg;base64," + base64.b64encode(noted_frame()).decode(),
    ]
    good = "data:image/jpeg;base64," + base64.b64encode(saved(Image.new("RGB", (640, 480)), "JPEG")).decode()
    with target.client() as client:
        parts = client.get("config").json()["components"]
    component = next(part["id"] for part in parts if part["props"].get("elem_id") == "webcam")

    def call(client: httpx.Client, name: str, data: Any) -> httpx.Response:
        body = {"component_id": component, "fn_name": name, "session_hash": uuid.uuid4().hex, "data": data}
        return client.post("gradio_api/component_server", json=body)

    def stream(client: httpx.Client, number: int) -> httpx.Response:
        opened = call(client, "webcam_open", {})
        token = opened.json().get("token") if opened.status_code == 200 else None
        if token is None:
            time.sleep(0.05)
            return opened
        call(client, "webcam_frame", {"token": token, "picture": good})
        if number % 2:
            call(client, "webcam_close", token)
        return call(client, "webcam_frame", {"token": token, "picture": frames[number // 2 % 2]})

    target.together(stream, 14)


def videos(target: Target) -> None:
    """Nonsense, pictures and tables of forty million frames sent as videos, more than there are places for.

    And small ones that have FFmpeg take gigabytes: for sound, for other tracks, for frames that its decoder keeps.
    """
    gif = io.BytesIO()
    frames = [Image.new("L", (1_000, 1_000), number) for number in range(30)]
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], duration=0)

    contents = [b"\0\0\0\x18ftypmp42" + bytes(1_000_000), gif.getvalue(), many_samples(40_000_000)]
    contents += [with_sound(b"A_PCM/INT/LIT", 10, b"\0" * 30_000_000), beside(255, 8)]
    contents += [keeping(64, 64, 30, kept=4, waiting=1) + keeping(3840, 2160)]

    def send(client: httpx.Client, number: int) -> httpx.Response:
        answer = client.post("api/v1/video", files={"video": ("x.mp4", contents[number % len(contents)])})
        time.sleep(0.1)
        return answer

    target.together(send, 8)
