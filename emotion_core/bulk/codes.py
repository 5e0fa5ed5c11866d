"""Why a file cannot be used, as a code for programs beside the words for people."""

import os
from collections.abc import Iterator
from typing import Final

from ..errors import ImageError, ImageLimitError, VideoError, VideoLimitError

WORKERS_DIED: Final = "workers_died"
#: Every code and its meaning. Codes stay what they are; new ones may come.
CODES: Final = {
    "missing": "there is no such file",
    "forbidden": "it may not be read",
    "unreadable": "the disk or the store did not give it",
    "not_a_picture": "its content is no picture, or a broken one",
    "picture_limit": "a picture that is too large, too small, or too much work to decode",
    "not_a_video": "its content is no video, or a broken one",
    "video_limit": "a video over a limit",
    WORKERS_DIED: "workers died on it, several times",
    "internal": "anything else: a fault of this program, worth a report",
}


def code_of(error: BaseException, path: str = "") -> str:
    """The code of an error that a file caused, by the first cause that tells; path: of a file of this machine."""
    if path and not os.path.lexists(path):
        return "missing"
    if path and not os.path.isfile(path):
        return "unreadable"
    for cause in _causes(error):
        if isinstance(cause, FileNotFoundError | NotADirectoryError):
            return "missing"
        if isinstance(cause, PermissionError) or (isinstance(cause, OSError) and "ACCESS_DENIED" in str(cause)):
            return "forbidden"
        if isinstance(cause, OSError) and (cause.errno or not isinstance(error, ImageError | VideoError)):
            return "unreadable"
    kinds = (
        (ImageLimitError, "picture_limit"),
        (VideoLimitError, "video_limit"),
        (ImageError, "not_a_picture"),
        (VideoError, "not_a_video"),
    )
    return next((code for kind, code in kinds if isinstance(error, kind)), "internal")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
