"""Attacks on what visitors share: places, the page's queue, the page that is kept, Gradio's tables of names."""

import functools
import time
import uuid
from collections.abc import Callable

import httpx
import numpy as np
from PIL import Image
from skimage.data import astronaut

from support.hostile_pictures import saved
from support.hostile_videos import many_samples

from .target import Target


@functools.cache
def crowd(rows: int = 18, columns: int = 74, side: int = 77) -> bytes:
    """A light picture of more than a thousand faces: to find them is quick, to name them takes many seconds."""
    face = Image.fromarray(astronaut()[20:220, 120:320]).resize((side, side), Image.Resampling.LANCZOS)
    return saved(Image.fromarray(np.tile(np.asarray(face), (rows, columns, 1))), "JPEG", quality=80)


def crowds(target: Target) -> None:
    """Pictures of more than a thousand faces, through REST, the page and the page's queue."""
    photo = crowd()

    def send(client: httpx.Client, number: int) -> httpx.Response:
        if number % 3 < 2:
            return _sent(client, photo, by_rest=number % 3 == 1)
        return _joined(client, "analyze_image", photo, "")

    target.together(send, 12)


def long_files(target: Target) -> None:
    """A small photo, and fifty megabytes behind it, through the page and REST."""
    photo = saved(Image.fromarray(astronaut()), "JPEG")
    photo += bytes(49_000_000 - len(photo))

    def send(client: httpx.Client, number: int) -> httpx.Response:
        return _sent(client, photo, by_rest=number % 2 == 1)

    target.together(send, 24)


@functools.cache
def costly_photos() -> list[bytes]:
    """Fourteen megapixels of noise in a long file; and four megapixels in ten scans, of ninety faces."""
    noise = np.random.default_rng(0).integers(0, 255, (3300, 4300, 3), np.uint8)
    face = Image.fromarray(astronaut()[20:220, 120:320])
    faces = Image.fromarray(np.tile(np.asarray(face), (9, 10, 1))).resize((2000, 1990))
    return [saved(Image.fromarray(noise), "JPEG", quality=92), saved(faces, "JPEG", progressive=True)]


def just_light(target: Target) -> None:
    """Photos that cost as much as any that is not called heavy, through the page and REST."""
    photos = costly_photos()

    def send(client: httpx.Client, number: int) -> httpx.Response:
        return _sent(client, photos[number % 2], by_rest=number // 2 % 2 == 1)

    target.together(send, 20)


def slow_videos(target: Target) -> None:
    """Videos that take seconds to open, put into the page's queue from one address again and again."""
    video = many_samples(1_000, tracks=1_000)

    def send(client: httpx.Client, _: int) -> httpx.Response:
        return _joined(client, "analyze_video", video, "", 0, 0.4, True)

    target.together(send, 6)


def _sent(client: httpx.Client, photo: bytes, by_rest: bool) -> httpx.Response:
    """Send a photo through REST, or as the page does."""
    if by_rest:
        return client.post("api/v1/analyze", files={"image": ("x", photo)})
    return client.post("page/photo?picture=1", content=photo)


def _joined(client: httpx.Client, function: str, content: bytes, *more: object) -> httpx.Response:
    """Upload a file and put a call with it into the queue; nobody fetches the answer."""
    uploaded = client.post("gradio_api/upload", files={"files": ("x", content)})
    if uploaded.status_code != 200:
        return uploaded
    file = {"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}
    answer = client.post(f"gradio_api/call/{function}", json={"data": [file, *more]})
    if answer.status_code != 200:
        time.sleep(0.05)
    return answer


def session_names(target: Target) -> None:
    """A new session name each time, through every route that takes one."""
    doors: list[Callable[[httpx.Client, str], httpx.Response]] = [
        lambda client, name: client.post("gradio_api/run/models", json={"data": [], "session_hash": name}),
        lambda client, name: client.post(
            "gradio_api/component_server",
            json={"data": 1, "component_id": 1, "fn_name": "x", "session_hash": name},
        ),
        lambda client, name: client.post("gradio_api/call/models", json={"data": [], "session_hash": name}),
        lambda client, name: client.post(
            "gradio_api/queue/join", json={"data": [], "fn_index": 0, "session_hash": name}
        ),
        lambda client, name: client.get("gradio_api/queue/data", params={"session_hash": name}),
        lambda client, name: client.post(
            "gradio_api/upload", params={"upload_id": name}, files={"files": ("a.txt", name.encode())}
        ),
        lambda client, name: client.post(
            "gradio_api/cancel", json={"session_hash": name, "fn_index": 0, "event_id": name}
        ),
    ]

    def send(client: httpx.Client, number: int) -> httpx.Response:
        return doors[number % len(doors)](client, uuid.uuid4().hex)

    target.together(send, 12)


def new_pages(target: Target) -> None:
    """The page under addresses and host names that nobody asked for before."""

    def send(client: httpx.Client, number: int) -> httpx.Response:
        name = uuid.uuid4().hex
        address = ("/", "config")[number % 4 == 0]
        if number % 2:
            return client.get(address, params={name: name})
        return client.get(address, headers={"X-Forwarded-Host": f"{name}.example", "X-Forwarded-Proto": "https"})

    target.together(send, 20)


def odd_forms(target: Target) -> None:
    """A megabyte of separators where a form or a login is expected."""
    body = b"username=u&password=p" + b"&" * 1_100_000
    addresses = ("login", "gradio_api/upload", "gradio_api/run/x", "api/v1/analyze", "page/photo")

    def send(client: httpx.Client, number: int) -> httpx.Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return client.post(addresses[number % len(addresses)], content=body, headers=kind)

    target.together(send, 10)
