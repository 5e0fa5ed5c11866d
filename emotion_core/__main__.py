"""The command-line program: ``emotion`` or ``python -m emotion_core``."""

import io
import signal
import sys

from .cli.main import main


def run() -> None:
    """Run the command given on the command line and exit with its status."""
    # Handle SIGTERM like Ctrl-C: clean up unfinished work, and report it in the exit status.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # File names may be undecodable, or not displayable on an old console: print them escaped.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())


if __name__ == "__main__":
    run()
