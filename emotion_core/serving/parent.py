"""For a process that the server starts: it ends with the server."""

import ctypes
import os
import signal
import sys
from typing import Final

#: From the system's <sys/prctl.h>; its signal comes when the thread ends that started the process, which waits for it.
_PR_SET_PDEATHSIG: Final = 1


def end_with(parent: int) -> None:
    """Have the system kill this process when the one of that id ends: nobody would watch its memory any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that
            sys.exit(1)
