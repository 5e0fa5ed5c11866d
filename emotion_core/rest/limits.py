"""Access to the REST interface, and how a form is read."""

import math
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from ..serving.callers import Callers
from ..serving.refusals import ApiError
from ..serving.request_heads import has_many_parameters
from ..settings import Settings

#: Bytes of one form's files in memory; the rest of them lies in temporary files.
MAX_IN_MEMORY: Final = 1_000_000
#: Texts of a form, which are refused by name once all is read, and bytes of each.
MAX_TEXTS: Final = 10
MAX_TEXT: Final = 10_000


class Gate:
    """Access control: the key, if one is set, and the rate limit per address. A FastAPI dependency."""

    def __init__(self, settings: Settings) -> None:
        self._callers = Callers(settings)

    async def __call__(self, request: Request) -> None:
        """Raises ApiError 401 or 429. Requests that make the server work cost a token, and so does a wrong key."""
        self._callers.admit(request.scope, works=request.method == "POST")


def media_type(request: Request) -> str:
    """The body's media type without parameters: ``multipart/form-data``."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Parser(MultiPartParser):
    """Starlette's, with limits on what it keeps in memory or open: files, and texts, which no form of REST has.

    Also refuses a part before it parses very many parameters of its header.
    """

    def __init__(self, request: Request, most_files: int, too_many: ApiError) -> None:
        super().__init__(
            request.headers,
            request.stream(),
            max_files=math.inf,
            max_fields=MAX_TEXTS,
            max_part_size=MAX_TEXT,
        )
        self._most, self._too_many = most_files, too_many

    def on_headers_finished(self) -> None:
        if has_many_parameters(self._current_part.content_disposition or b""):
            raise MultiPartException("A part's header has too many parameters.")
        # Half of what is left, so that all files together stay below the limit however many there are.
        self.spool_max_size = max(MAX_IN_MEMORY >> (self._current_files + 1), 1)  # 0 would set no limit
        super().on_headers_finished()
        if self._current_files > self._most:
            raise self._too_many


async def read_form(request: Request, most_files: int, too_many: ApiError) -> FormData:
    """Parse a multipart body; ApiError 400, or ``too_many`` files. Large ones go to unnamed files: close the form."""
    try:
        return await _Parser(request, most_files, too_many).parse()
    except MultiPartException as error:
        raise ApiError(400, f"The multipart body cannot be read: {error.message}") from error
