"""Programs that the server starts to read what visitors send."""

import os
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]
#: One thread, and large buffers are returned to the system at once.
_SMALL: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
}


def program_of(module: str, niceness: int = 0) -> str:
    """The text of a program that calls ``main`` of a module of this folder with its arguments, strings.

    niceness: as in nice(1), already while it imports. It imports only what the module needs: the package's own
    __init__ would import everything, three times the size.
    """
    return f"""
import os, sys, types
if sys.platform != "win32":
    os.nice({niceness})
package = sys.modules["emotion_core"] = types.ModuleType("emotion_core")
package.__path__ = [{str(_PACKAGE)!r}]
from emotion_core.serving.{module} import main
main(*sys.argv[1:])
"""


def environment() -> dict[str, str]:
    """Of a program that reads what visitors send: a small one.

    Its temporary files lie among visitors', which are swept: it is ended at any time, and then leaves them behind.
    """
    swept = os.environ.get("GRADIO_TEMP_DIR")
    return {**os.environ, **_SMALL, **({"TMPDIR": swept} if swept else {})}
