"""The tree of errors. Each message says what was wrong and what to do about it.

    EmotionError
    ├── ImageError          (ValueError)         the picture cannot be used
    ├── VideoError          (ValueError)         the video cannot be used
    │   └── VideoLimitError                      it is too long, too large or too wide
    ├── DataError           (ValueError)         a data set cannot be read
    ├── BundleError         (ValueError)         a model bundle is broken or unsafe
    │   └── HashMismatchError                    a file is not the one that was published
    ├── SettingsError       (ValueError)         an environment variable does not fit
    ├── ModelNotFoundError  (FileNotFoundError)  no model of that name, here or on the Hub
    ├── HubError            (ConnectionError)    the Hub did not answer, or refused
    └── BusyError                                every place of the server is taken

Every class is also a child of the built-in error that fits it, so that callers who know
nothing of this package catch what they expect.
"""

import difflib
from collections.abc import Sequence


class EmotionError(Exception):
    """Anything that this package refuses to do."""


class ImageError(EmotionError, ValueError):
    """The input is not a usable picture."""


class VideoError(EmotionError, ValueError):
    """The input is not a usable video."""


class VideoLimitError(VideoError):
    """The video is a fine one, but more than was agreed to."""


class DataError(EmotionError, ValueError):
    """A data set, or a row or file of it, cannot be read."""


class BundleError(EmotionError, ValueError):
    """A model bundle is incomplete, inconsistent, or would run code when loaded."""


class HashMismatchError(BundleError):
    """A file's SHA-256 differs from the recorded one."""


class SettingsError(EmotionError, ValueError):
    """An ``EMOTION_*`` environment variable is unknown, or its value does not fit."""


class ModelNotFoundError(EmotionError, FileNotFoundError):
    """No bundle at that path, and no such repository, revision or file on the Hub."""


class HubError(EmotionError, ConnectionError):
    """The Hugging Face Hub could not be reached in time, or denied access."""


class BusyError(EmotionError):
    """Every place of the server is taken now; the same request may be answered a little later."""


def did_you_mean(word: str, known: Sequence[str], prefix: str = "") -> str:
    """The end of a message on an unknown name: ``: do you mean X?``, or which names there are.

    prefix: what all names begin with, which makes none of them nearer.
    """
    nearest = difflib.get_close_matches(word.removeprefix(prefix), [name.removeprefix(prefix) for name in known], 1)
    if nearest:
        return f": do you mean {prefix}{nearest[0]}?"
    return f": there are {', '.join(known)}." if known else "."
