"""Small picture data sets for testing the readers."""

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

RNG = np.random.default_rng(1)


def picture(path: Path, gray: int | None = None, size: tuple[int, int] = (48, 48)) -> Path:
    """A noisy or uniformly gray picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = RNG.integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    Image.fromarray(noise if gray is None else np.full_like(noise, gray)).save(path)
    return path


def classes(root: Path, *names: str, count: int = 10) -> Path:
    for name in names:
        for number in range(count):
            picture(root / name / f"{number}.png")
    return root


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return path


HEADER = "emotion,pixels,Usage\n"


GOOD = "3," + " ".join(["7"] * 2304) + ",Training\n"
