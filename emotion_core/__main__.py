"""``python -m emotion_core``."""

import signal
import sys

from .cli.main import main

if __name__ == "__main__":
    # As Ctrl-C does: what is half done is put away, and the exit status says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
