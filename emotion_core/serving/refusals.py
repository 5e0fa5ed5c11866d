"""One shape for every REST error: ``{"error": {"code", "message", "field"?}}``."""

import errno
import logging
import traceback
from collections.abc import Mapping
from typing import Any, Final, NotRequired

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from typing_extensions import TypedDict


class ErrorBody(TypedDict):
    """code: for programs; message: for people, with what to do; field: the part of the request that is wrong."""

    code: str
    message: str
    field: NotRequired[str]


class ErrorDict(TypedDict):
    """A refusal as JSON."""

    error: ErrorBody


#: Status -> code, and a message for when nothing more is known.
CODES: Final = {
    400: ("bad_request", "The request cannot be read. Send multipart/form-data or JSON as /docs shows."),
    401: ("unauthorized", "Give the server's key: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."),
    404: ("not_found", "There is nothing at this address. /docs lists what there is."),
    405: ("method_not_allowed", "This address does not take that method. /docs lists what it takes."),
    408: ("upload_timeout", "The request took too long to arrive. Send smaller files, or use a faster line."),
    409: ("not_ready", "There is no result yet. Ask for the status until it says done."),
    413: ("too_large", "The request is too large. Send less at a time."),
    415: ("unsupported_media_type", "Send multipart/form-data with files, or application/json."),
    422: ("invalid_request", "The request does not fit. /docs shows what it takes."),
    429: ("rate_limited", "Too many requests from this address. Wait, then go on more slowly."),
    500: ("internal_error", "The server failed. It is not your request's fault; try again later."),
    503: ("overloaded", "The server is busy. Try again in a few seconds."),
}

#: A full disk, a quota, and a limit of the process.
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM: Final = "The server has no room for this file now. Try again later, or send a smaller one."
log = logging.getLogger(__name__)


class ApiError(Exception):
    """A refusal with its HTTP status; code and message default to those of the status."""

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        code: str | None = None,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        usual_code, usual_message = CODES[status]
        self.status, self.headers = status, dict(headers or {})
        self.body: ErrorBody = {"code": code or usual_code, "message": message or usual_message}
        if field:
            self.body["field"] = field
        super().__init__(self.body["message"])

    def to_dict(self) -> ErrorDict:
        """As JSON types."""
        return {"error": self.body}


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's ``responses``: each status with the error shape and an example."""
    return {
        status: {
            "model": ErrorDict,
            "description": CODES[status][1],
            "content": {"application/json": {"example": ApiError(status).to_dict()}},
        }
        for status in statuses
    }


def respond(error: ApiError) -> Response:
    """The refusal as an HTTP response."""
    return JSONResponse(error.to_dict(), error.status, error.headers)


def answer_errors(app: FastAPI) -> None:
    """Give every error of the app's routes the same shape, FastAPI's own included."""
    answer_lost_uploads(app)
    answer_invalid(app)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> Response:
        status = error.status_code if error.status_code in CODES else 400
        return respond(ApiError(status, headers=error.headers))

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        # This response is made outside the guard, which would have added its headers.
        return respond(ApiError(500, headers={"X-Content-Type-Options": "nosniff"}))


def answer_invalid(app: FastAPI) -> None:
    """On any application, tell which part of a request is wrong. FastAPI sends it back, and fails at NaN or half of a
    surrogate pair.
    """

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])).encode(errors="replace").decode()
        return respond(ApiError(422, f"{first['msg']}.", field=field))


def answer_lost_uploads(app: FastAPI) -> None:
    """On any application, handle a client that disconnects during an upload, one that is refused in the middle of it,
    and a disk with no room for one.
    """

    @app.exception_handler(ApiError)
    async def refused(_request: Request, error: ApiError) -> Response:
        return respond(error)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody is left to read it

    @app.exception_handler(OSError)
    async def full(_request: Request, error: OSError) -> Response:
        if error.errno not in NO_ROOM:
            raise error
        log.error("There is no room for an upload: %s.", error.strerror)
        return respond(no_room())


def place_of(error: BaseException) -> str:
    """What a log may say of a failure: its type and place, but not the message, which may quote what a visitor sent.

    One line, as there may be many.
    """
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {last.name} ({last.filename}, line {last.lineno})"


def no_room() -> ApiError:
    """The refusal of a file the disk has no room for."""
    return ApiError(503, _NO_ROOM, code="no_room", headers={"Retry-After": "60"})
