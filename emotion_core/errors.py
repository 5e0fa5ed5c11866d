"""The tree of errors. Each message says what was wrong and what to do about it.

    EmotionError
    ├── ImageError           (ValueError)         the picture cannot be used
    │   └── ImageLimitError                       it is too large, or too much work to decode
    ├── VideoError           (ValueError)         the video cannot be used
    │   └── VideoLimitError                       it is too long, too large or too wide
    ├── DataError            (ValueError)         a data set cannot be read, or lacks what is asked of it
    ├── TrainingError        (ValueError)         a training cannot be run as it is asked for
    ├── ReportError          (ValueError)         a report cannot be made of what is recorded
    ├── BundleError          (ValueError)         a model bundle is broken or unsafe
    │   └── HashMismatchError                     a file is not the one that was published
    ├── SettingsError        (ValueError)         an environment variable does not fit
    ├── ModelNotFoundError   (FileNotFoundError)  no model of that name, here or on the Hub
    ├── UploadGoneError      (FileNotFoundError)  an upload was deleted before it was used
    ├── OutputError          (OSError)            an answer cannot be written
    ├── HubError             (ConnectionError)    the Hub did not answer, or refused
    ├── MissingPackageError  (ImportError)        an optional package is not installed
    ├── ToolError            (RuntimeError)       another program that was asked for help failed
    └── BusyError            (RuntimeError)       every place of the server is taken

Every class is also a child of the built-in error that fits it, so that callers who know
nothing of this package catch what they expect. What a program may want to know of an error
is an attribute of it: a limit, a path, the packages that are missing.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path


class EmotionError(Exception):
    """Anything that this package refuses to do."""


class _LimitError(EmotionError):
    """What was sent is valid, but over a limit.

    limit_name: of the limit, which tells its unit (``max_bytes``, ``max_seconds``...). measured: what was
    sent, in that unit; 0 where it was not measured to its end.
    """

    def __init__(self, message: str, limit_name: str = "", measured: float = 0, limit: float = 0) -> None:
        super().__init__(message)
        self.limit_name, self.measured, self.limit = limit_name, measured, limit


class ImageError(EmotionError, ValueError):
    """The input is not a usable picture."""


class ImageLimitError(_LimitError, ImageError):
    """The picture is over a limit: ``max_pixels``, ``min_side``, ``max_scans``, ``max_memory``, ``max_tile`` or
    ``max_bytes``; see ``measured`` and ``limit``."""


class VideoError(EmotionError, ValueError):
    """The input is not a usable video."""


class VideoLimitError(_LimitError, VideoError):
    """The video is over one of ``VideoLimits``, which ``limit_name`` names; see ``measured`` and ``limit``."""


class DataError(EmotionError, ValueError):
    """A data set, or a row or file of it, cannot be read, or does not have what is asked of it."""


class TrainingError(EmotionError, ValueError):
    """A training cannot be run as it is asked for: settings, initial weights, teachers or its folder do not fit."""


class ReportError(EmotionError, ValueError):
    """A report asks for what no run has recorded, or for what its network does not have."""


class BundleError(EmotionError, ValueError):
    """A model bundle is incomplete, inconsistent, or would run code when loaded."""


class HashMismatchError(BundleError):
    """A file's SHA-256 differs from the recorded one."""


class SettingsError(EmotionError, ValueError):
    """An ``EMOTION_*`` environment variable is unknown, or its value does not fit."""


class ModelNotFoundError(EmotionError, FileNotFoundError):
    """No bundle at that path, and no such repository, revision or file on the Hub."""


class UploadGoneError(EmotionError, FileNotFoundError):
    """An upload was deleted, as all are after a while, before it was used."""


class OutputError(EmotionError, OSError):
    """An answer cannot be written. path: the file or the folder, None where several would be one."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class HubError(EmotionError, ConnectionError):
    """The Hugging Face Hub could not be reached in time, or denied access."""


class MissingPackageError(EmotionError, ImportError):
    """A package is not installed. packages: which ones; extra: the extra of this package that brings them."""

    def __init__(self, message: str, packages: Sequence[str] = (), extra: str = "") -> None:
        super().__init__(message)
        self.packages, self.extra = tuple(packages), extra

    @classmethod
    def for_extra(cls, what: str, packages: Sequence[str], extra: str) -> "MissingPackageError":
        """With the message that says how to install them."""
        names, are = " and ".join(packages), "is" if len(packages) == 1 else "are"
        return cls(
            f"{what} needs {names}, which {are} not installed. In the clone: pip install '.[{extra}]'.",
            packages,
            extra,
        )


class ToolError(EmotionError, RuntimeError):
    """Another program (npm, a browser, Ray's workers) failed at what it was asked to do."""


class BusyError(EmotionError, RuntimeError):
    """Every place of the server is taken now; the same request may be answered a little later."""


def in_words(error: Exception) -> str:
    """For whoever gave the input: ours say what to do about it; of others the name of their class tells, too."""
    return str(error) if isinstance(error, EmotionError) else f"{type(error).__name__}: {error}"


def did_you_mean(word: str, known: Sequence[str], prefix: str = "") -> str:
    """The end of a message on an unknown name: ``: do you mean X?``, or which names there are.

    prefix: what all names begin with, which makes none of them nearer.
    """
    nearest = difflib.get_close_matches(word.removeprefix(prefix), [name.removeprefix(prefix) for name in known], 1)
    if nearest:
        return f": do you mean {prefix}{nearest[0]}?"
    return f": there are {', '.join(known)}." if known else "."
