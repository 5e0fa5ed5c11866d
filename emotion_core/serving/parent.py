"""For a process that the server starts: it ends with the server, however that ends."""

import os
import sys
import threading


def end_with_parent() -> None:
    """End this process when its standard input does, which the server holds open: nobody would watch its memory.

    Linux can send a signal then; but already when the thread ends that started the process.
    """

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # not by sys.stdin, whose lock must be free as the program ends
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()
