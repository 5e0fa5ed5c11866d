"""What ``fuzz.py`` tries: for each kind, our own valid files, how to break them, and the code that reads them."""

import asyncio
import base64
import functools
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from breaking import broken, broken_image, broken_json, zipped
from PIL import Image

from emotion_core import Bundle, BundleConfig, EmotionError
from emotion_core.images import load_image
from emotion_core.recognition.bundle import EMBEDDED, GRAPH
from emotion_core.recognition.bundle_config import CONFIG
from emotion_core.recognition.classifier import Classifier
from emotion_core.rest.pictures import file_of, from_form, from_json
from emotion_core.settings import Settings
from emotion_core.video.probe import VideoLimits, probe
from emotion_core.video.reader import VideoReader

LIMITS = VideoLimits(max_seconds=5, max_bytes=10_000_000, max_pixels=640 * 480, max_frames=60)


@dataclass(frozen=True)
class Kind:
    """seeds: valid inputs. use: passes one to the project; it returns, or raises the error to be judged."""

    seeds: Callable[[], Sequence[bytes]]
    mutate: Callable[[random.Random, Sequence[bytes]], bytes]
    use: Callable[[bytes, Path], object]
    packages: tuple[str, ...]


@functools.cache
def pictures() -> list[bytes]:
    """A small drawing in each supported format, mode and depth."""
    slope = np.add.outer(np.arange(40), np.arange(56)).astype(np.uint8) * 2
    rgb = Image.fromarray(np.stack([slope, slope[::-1], slope[:, ::-1]], axis=2))
    deep = Image.fromarray(slope.astype(np.uint16) * 256)
    exif = Image.Exif()
    exif[274] = 6
    found = [_saved(rgb, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")]
    found += [_saved(rgb.convert(mode), "PNG") for mode in ("L", "P", "1", "LA", "RGBA")]
    found += [_saved(deep, "PNG"), _saved(deep, "TIFF"), _saved(rgb, "JPEG", exif=exif, progressive=True)]
    found += [_saved(rgb, "TIFF", compression=way) for way in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg")]
    found += [_saved(rgb.convert("CMYK"), "JPEG"), _saved(rgb, "GIF", save_all=True, append_images=[rgb.rotate(90)])]
    return found


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def use_image(content: bytes, _folder: Path) -> None:
    rgb = load_image(content)
    assert rgb.dtype == np.uint8
    assert rgb.ndim == 3
    assert rgb.shape[2] == 3
    assert min(rgb.shape[:2]) >= 16


@functools.cache
def clips() -> list[bytes]:
    """Eight small frames in four containers: small enough for thousands of mutations in minutes."""
    import av

    from support.clips import encode

    slope = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    frames = [np.repeat(np.roll(slope, 5 * number, axis=1)[..., None], 3, axis=2) for number in range(8)]
    with tempfile.TemporaryDirectory() as name:
        source = encode(Path(name) / "clip.mp4", frames)
        found = [source.read_bytes()]
        for ending in ("mkv", "mov", "ts"):
            copy = Path(name) / f"copy.{ending}"
            with av.open(source) as read, av.open(copy, "w") as write:
                stream = write.add_stream_from_template(read.streams.video[0])
                for packet in read.demux(video=0):
                    if packet.dts is not None:
                        packet.stream = stream
                        write.mux(packet)
            found.append(copy.read_bytes())
    return found


def use_video(content: bytes, folder: Path) -> None:
    path = folder / "clip"
    path.write_bytes(content)
    with VideoReader(path, probe(path, LIMITS), LIMITS, 320) as reader:
        assert sum(1 for _ in reader) < 10_000
        reader.notices()


def bodies() -> list[bytes]:
    texts = [base64.b64encode(content).decode() for content in pictures()[:4]]
    found = [{"image": texts[0]}, {"images": texts[1:3]}, {"image": f"data:image/png;base64,{texts[0]}"}]
    form = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + content + b"\r\n"
        for content in pictures()[:2]
    )
    return [*(json.dumps(body).encode() for body in found), form + b"--x--\r\n"]


def broken_body(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    return broken(rng, seeds) if rng.random() < 0.4 else broken_json(rng, seeds[:-1])


def use_body(content: bytes, _folder: Path) -> None:
    """Like REST: a form if it starts like one, else JSON; then every picture on its own."""
    if not content.startswith(b"--"):
        sent = from_json(content, 8)
    else:
        from starlette.requests import Request

        from emotion_core.rest.limits import read_form
        from emotion_core.rest.pictures import too_many_pictures

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        head = [(b"content-type", b"multipart/form-data; boundary=x")]
        form = asyncio.run(read_form(Request({"type": "http", "headers": head}, receive), 8, too_many_pictures(8)))
        sent = from_form(form, 8)
    refused: EmotionError | None = None
    for picture in sent:
        try:
            load_image(file_of(picture))
        except EmotionError as error:
            refused = error
    if refused:
        raise refused


def configs() -> list[bytes]:
    whole = json.loads((EMBEDDED / "fer2013-resnet50v2" / CONFIG).read_bytes())
    short = {key: whole[key] for key in ("name", "arch", "labels", "input", "temperature", "bias", "uncertain")}
    return [json.dumps(short).encode(), json.dumps({**short, "files": {"a": "b"}, "metrics": {"public": {}}}).encode()]


def use_config(content: bytes, _folder: Path) -> None:
    config = BundleConfig.from_json(content)
    assert BundleConfig.from_json(config.to_json()) == config
    if len(content) < 200:  # also operators' mistakes
        with patch.dict("os.environ", EMOTION_MAX_IMAGES=content.decode(errors="replace").replace("\0", "")):
            Settings.from_environment()


def use_bundle(content: bytes, folder: Path) -> None:
    """A bundle's config, NUL, and its graph; not protected by hashes."""
    config, _, graph = content.partition(b"\0")
    (folder / CONFIG).write_bytes(config)
    (folder / GRAPH).write_bytes(graph)
    bundle = Bundle.open(folder)
    classifier = Classifier.from_bundle(bundle)
    shape = (2, bundle.config.height, bundle.config.width, bundle.config.channels)
    assert classifier.probabilities(np.full(shape, 99, np.uint8)).shape == (2, len(bundle.config.labels))


@functools.cache
def bundles() -> list[bytes]:
    """A tiny bundle: it loads quickly, and most mutations of its graph hit structure rather than weights."""
    # In its own process: TensorFlow's threads and the runner's forks do not mix.
    program = (
        "import sys, tensorflow as tf; from support import tiny\n"
        "from emotion_core.recognition.architectures import build\n"
        "graph = tf.lite.TFLiteConverter.from_keras_model(build(tiny.register(), 7)).convert()\n"
        "open(sys.argv[1], 'wb').write(graph)"
    )
    here = Path(__file__).parent
    places = os.pathsep.join(map(str, here.parents[:2]))
    environment = {**os.environ, "PYTHONPATH": places, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as name:
        graph = Path(name) / "graph"
        subprocess.run([sys.executable, "-c", program, graph], env=environment, check=True, capture_output=True)
        return [configs()[0] + b"\0" + graph.read_bytes()]


def broken_bundle(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """The config mutated by structure, or the graph truncated or replaced."""
    config, _, graph = seeds[0].partition(b"\0")
    if rng.random() < 0.7:
        return broken_json(rng, [config]) + b"\0" + graph
    other = (
        graph[: rng.randrange(len(graph))],
        b"",
        b"TFL3" * 99,
        rng.randbytes(5000),
        pictures()[0],
        zipped({"a": b"b"}),
    )
    return config + b"\0" + rng.choice(other)


def broken_graph(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    config, _, graph = seeds[0].partition(b"\0")
    return config + b"\0" + broken(rng, [graph], 4000)


def data_zips() -> list[bytes]:
    """Data sets as zip files: class folders, a listing, and FER-2013's table."""
    picture = pictures()[0]
    folders = {f"{split}/{name}/{n}.png": picture for split in ("train", "val") for name in "ab" for n in range(2)}
    listing = {
        "labels.csv": b"path,label,set\na/1.png,happy,train\nb/1.png,sad,val\n",
        "a/1.png": picture,
        "b/1.png": picture,
    }
    row = "3," + " ".join(["7"] * 2304) + ",Training\n"
    return [zipped(folders), zipped(listing), zipped({"fer2013.csv": ("emotion,pixels,Usage\n" + row).encode()})]


def use_data(content: bytes, folder: Path) -> None:
    from emotion_core.datasets.faces import load

    # A command line user gives this path, so a refusal may show it, but only its name.
    os.chdir(folder)
    Path("data.zip").write_bytes(content)
    load("data.zip")


KINDS = {
    "images": Kind(pictures, broken_image, use_image, ("pillow", "numpy")),
    "videos": Kind(clips, broken, use_video, ("av",)),
    "bodies": Kind(bodies, broken_body, use_body, ("pydantic", "starlette", "python-multipart", "pillow")),
    "configs": Kind(configs, broken_json, use_config, ("numpy",)),
    "bundles": Kind(bundles, broken_bundle, use_bundle, ("ai-edge-litert", "numpy")),
    "graphs": Kind(bundles, broken_graph, use_bundle, ("ai-edge-litert", "tensorflow")),
    "data": Kind(data_zips, broken, use_data, ("pillow", "numpy")),
}
