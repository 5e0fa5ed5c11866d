"""``emotion``, or ``python -m emotion_core``: the command line as a program."""

import io
import signal
import sys

from .cli.main import main


def run() -> None:
    """Run the command that the program was started with, and exit with its status."""
    # As Ctrl-C does: what is half done is put away, and the exit status says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # Names of files may be no text, or none that an old console can show: they are told all the same.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())


if __name__ == "__main__":
    run()
