"""What the page makes of a large photo takes little memory beside the photo."""

import subprocess
import sys
from pathlib import Path

import pytest

#: Prints the bytes taken beyond the photo, at most, by the small copy that some browsers are sent.
COPY = """
from pathlib import Path
import numpy as np
from emotion_core.page.photo_answer import PhotoAnswer
from emotion_core.page.photo_view import _copy

def most():
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

photo = np.full((6_000, 8_000, 3), 90, np.uint8)
before = most()
assert _copy(PhotoAnswer(photo, None, None)).startswith("data:image/jpeg;base64,")
print(most() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most that a process held is read as on Linux")
def test_a_small_copy_of_a_large_photo() -> None:
    """Pillow would make a large one first, a third larger than the photo."""
    said = subprocess.run([sys.executable, "-c", COPY], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 40_000_000
