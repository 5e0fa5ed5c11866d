"""The command line: every command is a module in this package."""

import argparse
import os
import sys
from pathlib import Path

from ..errors import EmotionError
from ..recognition.hub import quiet_hub
from .browser_runtime import add_browser_runtime
from .bulk import add_bulk
from .face_weights import add_face_weights
from .image import add_image
from .mcp import add_mcp
from .publish import add_publish
from .reports import add_reports
from .training import add_commands
from .video import add_video


def parser() -> argparse.ArgumentParser:
    """All commands and their options; nothing here imports a training library."""
    program = "emotion" if Path(sys.argv[0]).stem == "emotion" else "python -m emotion_core"
    main_parser = argparse.ArgumentParser(prog=program, description="The perceived expression of every face.")
    commands = main_parser.add_subparsers(dest="command", required=True)
    adds = (
        add_image,
        add_video,
        add_publish,
        add_browser_runtime,
        add_mcp,
        add_bulk,
        add_commands,
        add_face_weights,
        add_reports,
    )
    for add in adds:
        try:
            add(commands)
        except ModuleNotFoundError as error:
            # Docker images and Spaces omit packages that serving does not need, and so their commands.
            if not (error.name or "").startswith("emotion_core."):
                raise
    return main_parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 on an error, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    quiet_hub()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow would tell of its processor and of no GPU
    try:
        return int(options.run(options))
    except EmotionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of the output, such as ``head``, has closed it; nothing more may be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a missing folder or a full disk, in any command
        where = f"{error.filename}: " if error.filename else ""
        print(
            f"Error: {where}{error.strerror or error}. Check the path, and that it can be written to.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
