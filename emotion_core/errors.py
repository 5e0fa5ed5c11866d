"""The error hierarchy. Each message says what was wrong and what to do about it.

    EmotionError
    ├── ImageError           (ValueError)         the picture cannot be used
    │   └── ImageLimitError                       it is too large, or too much work to decode
    ├── VideoError           (ValueError)         the video cannot be used
    │   └── VideoLimitError                       it is too long, too large or too wide
    ├── DataError            (ValueError)         a data set cannot be read, or lacks something required
    ├── TrainingError        (ValueError)         a training cannot run with these settings
    ├── ReportError          (ValueError)         a report cannot be made from what is recorded
    ├── BundleError          (ValueError)         a model bundle is broken or unsafe
    │   └── HashMismatchError                     a file is not the one that was published
    ├── SettingsError        (ValueError)         an environment variable is invalid
    ├── ModelNotFoundError   (FileNotFoundError)  no model of that name, here or on the Hub
    ├── UploadGoneError      (FileNotFoundError)  an upload was deleted before it was used
    ├── OutputError          (OSError)            a result cannot be written
    ├── HubError             (ConnectionError)    the Hub did not answer, or refused
    ├── MissingPackageError  (ImportError)        an optional package is not installed
    ├── ToolError            (RuntimeError)       an external program failed
    └── BusyError            (RuntimeError)       the server is at capacity

Every class also inherits from the matching built-in error, so that callers who do not know
this package catch what they expect. Details for programs are attributes: a limit, a path,
the missing packages.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path


class EmotionError(Exception):
    """Base class of all errors of this package."""


class _LimitError(EmotionError):
    """The input is valid, but over a limit.

    limit_name: the limit's name, which implies its unit (``max_bytes``, ``max_seconds``...). measured: the
    input's value in that unit; 0 if it was not fully measured.
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
    """The video exceeds one of ``VideoLimits``, named by ``limit_name``; see ``measured`` and ``limit``."""


class DataError(EmotionError, ValueError):
    """A data set, or a row or file of it, cannot be read or lacks something required."""


class TrainingError(EmotionError, ValueError):
    """A training cannot run: its settings, initial weights, teachers or folder are unsuitable."""


class ReportError(EmotionError, ValueError):
    """A report needs something that no run has recorded, or that its network does not have."""


class BundleError(EmotionError, ValueError):
    """A model bundle is incomplete, inconsistent, or would run code when loaded."""


class HashMismatchError(BundleError):
    """A file's SHA-256 differs from the recorded one."""


class SettingsError(EmotionError, ValueError):
    """An ``EMOTION_*`` environment variable is unknown or has an invalid value."""


class ModelNotFoundError(EmotionError, FileNotFoundError):
    """No bundle at that path, and no such repository, revision or file on the Hub."""


class UploadGoneError(EmotionError, FileNotFoundError):
    """An upload expired and was deleted before it was used."""


class OutputError(EmotionError, OSError):
    """A result cannot be written. path: the file or folder; None if several results share one name."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class HubError(EmotionError, ConnectionError):
    """The Hugging Face Hub could not be reached in time, or denied access."""


class MissingPackageError(EmotionError, ImportError):
    """A package is not installed. packages: their names; extra: the extra of this package that installs them."""

    def __init__(self, message: str, packages: Sequence[str] = (), extra: str = "") -> None:
        super().__init__(message)
        self.packages, self.extra = tuple(packages), extra

    @classmethod
    def for_extra(cls, what: str, packages: Sequence[str], extra: str) -> "MissingPackageError":
        """An error whose message says how to install them."""
        names, are = " and ".join(packages), "is" if len(packages) == 1 else "are"
        return cls(
            f"{what} needs {names}, which {are} not installed. In the clone: pip install -e '.[{extra}]'.",
            packages,
            extra,
        )


class ToolError(EmotionError, RuntimeError):
    """An external program (npm, a browser, Ray's workers) failed."""


class BusyError(EmotionError, RuntimeError):
    """The server is at capacity; the same request may succeed a little later."""


def in_words(error: Exception) -> str:
    """The error as text for users: our own messages suffice, others are prefixed with the class name."""
    return str(error) if isinstance(error, EmotionError) else f"{type(error).__name__}: {error}"


def did_you_mean(word: str, known: Sequence[str], prefix: str = "") -> str:
    """The end of a message about an unknown name: ``: do you mean X?``, or the known names.

    prefix: common to all names, so ignored when comparing.
    """
    nearest = difflib.get_close_matches(word.removeprefix(prefix), [name.removeprefix(prefix) for name in known], 1)
    if nearest:
        return f": do you mean {prefix}{nearest[0]}?"
    return f": there are {', '.join(known)}." if known else "."
