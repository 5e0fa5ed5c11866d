"""A film for Chromium's fake camera, with a real, moving face."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emotion_core.images import RGB
from support.page_server import CHROMIUM, FLAGS

WIDTH, HEIGHT, FPS = 640, 480, 30


def write_film(path: Path, portrait: RGB, seconds: float = 4.0) -> Path:
    """Write y4m, which Chromium loops: the portrait, 512x512, sways from side to side."""
    frames = round(seconds * FPS)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420\n".encode())
        for index in range(frames):
            angle = 2 * np.pi * index / frames
            move = np.array([[0.9, 0, 90 + 70 * np.sin(angle)], [0, 0.9, 10 + 10 * np.cos(angle)]])
            pixels = cv2.warpAffine(portrait, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            file.write(b"FRAME\n" + np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420)).tobytes())
    return path


def chromium(playwright: Any, film: Path, *flags: str) -> Any:
    """Chromium with the film as its camera, without permission prompts."""
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, *camera, f"--use-file-for-fake-video-capture={film}", *flags]
    )
