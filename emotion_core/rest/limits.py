"""Access to the REST interface, and how a form is read."""

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from ..serving.bodies import has_many_parameters
from ..serving.callers import Callers
from ..serving.refusals import ApiError
from ..settings import Settings


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
    """Starlette's, which refuses a part before it parses very many parameters of its header."""

    def on_headers_finished(self) -> None:
        if has_many_parameters(self._current_part.content_disposition or b""):
            raise MultiPartException("A part's header has too many parameters.")
        super().on_headers_finished()


async def read_form(request: Request) -> FormData:
    """Parse a multipart body; ApiError 400. Files over 1 MB go to unnamed temporary files: close the form."""
    try:
        return await _Parser(request.headers, request.stream()).parse()
    except MultiPartException as error:
        raise ApiError(400, f"The multipart body cannot be read: {error.message}") from error
