"""What the page makes of a large photo takes little memory beside the photo."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core.page.album import _save

#: Prints the bytes taken beyond a photo of 48 megapixels, at most, by one line.
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from emotion_core.page.album import _save
from emotion_core.page.photo_answer import PhotoAnswer
from emotion_core.page.photo_view import _copy
from emotion_core.render import annotate_over
from emotion_core.results import FrameResult

def most():
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

photo = np.full((6_000, 8_000, 3), 90, np.uint8)
nobody = FrameResult(8_000, 6_000, (), "a model", "a detector")
before = most()
{line}
print(most() - before)
"""
SMALL_COPY = """assert _copy(PhotoAnswer(photo, nobody, photo[:0])).startswith("data:image/jpeg;base64,")"""
ANNOTATED = """_save(annotate_over(photo, nobody), Path(sys.argv[1]))"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most that a process held is read as on Linux")
@pytest.mark.parametrize("line", [SMALL_COPY, ANNOTATED], ids=["small copy", "annotated"])
def test_no_second_photo_is_held(line: str, tmp_path: Path) -> None:
    """Pillow would make copies of it, a third larger than the photo."""
    program = PROGRAM.replace("{line}", line)
    command = [sys.executable, "-c", program, str(tmp_path / "annotated.jpg")]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(said.stdout) < 40_000_000


def test_an_annotated_photo_keeps_its_colours(tmp_path: Path) -> None:
    rgb = np.empty((700, 520, 3), np.uint8)
    rgb[:] = (200, 120, 40)
    _save(rgb, tmp_path / "a.jpg")
    assert abs(np.array(Image.open(tmp_path / "a.jpg")).mean((0, 1)) - (200, 120, 40)).max() < 3
