"""Films for the page: some to analyse, some to refuse."""

from pathlib import Path

import numpy as np

from support import clips


def write_films(folder: Path) -> Path:
    """walk.mp4: two persons, with sound. long.mp4: many seconds of work. overlong.mp4, garbage.mp4: refused.
    cut.mp4: its end is missing."""
    paths = {1: clips.across(10, 20), 2: clips.across(200, -10, top=66)}
    frames = [clips.scene(paths, index / 10)[0] for index in range(20)]
    clips.encode(folder / "walk.mp4", frames, rate=10, sound="aac")
    clips.encode(folder / "long.mp4", frames * 20, rate=25)
    clips.encode(folder / "overlong.mp4", frames * 2, rate=1)
    whole = clips.encode(folder / "whole.mp4", frames * 2, rate=10, options={"movflags": "+faststart"}).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "garbage.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    return folder
