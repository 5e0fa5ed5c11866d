"""``emotion``, or ``python -m emotion_core``: the command line as a program."""

import signal
import sys

from .cli.main import main


def run() -> None:
    """Run the command that the program was started with, and exit with its status."""
    # As Ctrl-C does: what is half done is put away, and the exit status says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())


if __name__ == "__main__":
    run()
