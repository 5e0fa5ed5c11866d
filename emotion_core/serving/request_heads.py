"""What a request's address and headers may be: what takes long to parse, or has no meaning, is refused beforehand."""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from .doors import has_body
from .refusals import ApiError

#: Bytes of a request's path and query, of Host and of cookies: what reads them takes a tenth of a second for 60 kB.
MAX_ADDRESS: Final = 8000
#: Bytes of a path and of a name in it: no file's are longer, and Gradio fails when it looks for one.
MAX_PATH: Final = 2000
MAX_NAME: Final = 255
MAX_HOST: Final = 300
MAX_COOKIES: Final = 16_000
#: What no name holds; Gradio makes addresses of names it is given, and fails at these.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
#: Parameters of a header; names of files hold some. Python's parser, on the event loop, takes a time of their square.
MAX_PARAMETERS: Final = 100
#: The only charset that is taken. Others make text of a body, on the event loop: of a megabyte in a minute (punycode).
_CHARSET: Final = re.compile(r"charset=(utf-?8|\"utf-?8\")\s*(;|$)")
#: Forms without files, which nothing here takes: a megabyte of ``&`` is parsed for a second, on the event loop.
_FORM: Final = "application/x-www-form-urlencoded"
#: Forms with files, which Gradio also takes for a component's functions: of one that is cut short it leaves a file in
#: the system's temporary folder for ever, where nobody sweeps and nothing is counted.
_FILES: Final = "multipart/"


def unparsed(scope: Scope, headers: Headers) -> ApiError | None:
    """The refusal of a request by its address or headers, which nothing has parsed yet, or None."""
    path = scope["path"].encode(errors="replace")
    whole = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
    if whole > MAX_ADDRESS or len(path) > MAX_PATH or max(map(len, path.split(b"/"))) > MAX_NAME:
        return ApiError(400, "The address is too long.")
    if _CONTROL.search(scope["path"]):
        return ApiError(404)
    if len(headers.get("host", "")) > MAX_HOST or sum(map(len, headers.getlist("cookie"))) > MAX_COOKIES:
        return ApiError(400, "The headers are too long.")
    kind = headers.get("content-type", "").lower()
    if kind.count("charset") > len(_CHARSET.findall(kind)):
        return ApiError(415, "Send text as UTF-8: no other charset is read.")
    if (_FORM in kind or (_FILES in kind and _takes_no_files(scope["path"]))) and has_body(headers):
        return ApiError(415, "Send application/json, or files as multipart/form-data where files are taken.")
    return ApiError(400) if has_many_parameters(kind.encode()) else None


def _takes_no_files(path: str) -> bool:
    """Whether it is one of Gradio's addresses, but for that of uploads."""
    first, *rest = (*filter(None, path.split("/")), "")
    return first == "gradio_api" and rest[0] != "upload"


def has_many_parameters(header: bytes) -> bool:
    """Whether a header's value, of a request or of a form's part, has more parameters than are parsed."""
    return header.count(b";") > MAX_PARAMETERS
