"""Calls that do not fit, at Gradio's own addresses: answered as what they are, and not as failures of the server.

Gradio 6.31 answers 500 to too few values, a choice that a list does not have, a function's or component's number that
does not exist, a function of the page's script alone, an event of another shape than the page's own, and JSON that it
cannot send back in its own complaint about it.
"""

import traceback
from typing import Any, Final, cast

import gradio as gr
from fastapi import FastAPI, Request, Response
from gradio import processing_utils, route_utils, routes
from gradio.route_utils import FnIndexInferError
from gradio_client import utils as client_utils

from ..serving.refusals import NO_ROOM, ApiError, answer_invalid, respond
from .visitor import refused

_LIST: Final = "GET /gradio_api/info lists what there is."
_MISFIT: Final = f"The call's values do not fit the function. {_LIST}"
_SCRIPT: Final = f"The server has no such function: it is of the page's script alone. {_LIST}"
#: Where Gradio takes a request apart. What fails in these files themselves, it found in the request.
_READERS: Final = frozenset(str(module.__file__) for module in (routes, route_utils, client_utils))


def answer_bad_calls(page: gr.Blocks, app: FastAPI) -> None:
    """On a mounted page and its application, refuse what does not fit with 404 or 422, in words."""
    answer_invalid(app)

    async def unknown(_request: Request, _error: Exception) -> Response:
        return respond(ApiError(404, f"There is no function of that name. {_LIST}"))

    async def misfit(request: Request, error: Exception) -> Response:
        if traceback.extract_tb(error.__traceback__)[-1].filename not in _READERS:
            raise error
        if isinstance(error, KeyError):
            return await unknown(request, error)
        return respond(ApiError(422, _MISFIT))

    app.add_exception_handler(FnIndexInferError, unknown)
    for kind in (AttributeError, KeyError, TypeError, ValueError):
        app.add_exception_handler(kind, misfit)
    _refuse_misfits(page)


def _refuse_misfits(page: gr.Blocks) -> None:
    """Where the page's own functions fail at what was sent, have them refuse it, past the queue and through it."""
    prepare, call = page.preprocess_data, page.call_function

    async def preprocess_data(*arguments: Any, **more: Any) -> Any:
        """As the page's own, which raises errors of many kinds for values of a wrong number or type."""
        try:
            return await prepare(*arguments, **more)
        except Exception as error:
            if isinstance(error, gr.Error) and not error.print_exception:  # our own, in words already
                raise
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            raise refused(_MISFIT) from error

    async def call_function(function: Any, *arguments: Any, **more: Any) -> Any:
        """As the page's own, which fails for a function that it has not, and for an event of another shape."""
        if not function.fn:
            raise refused(_SCRIPT, 404)
        for one in (*arguments, *more.values()):
            if isinstance(one, gr.EventData):
                _check_event(one)
        return await call(function, *arguments, **more)

    page.preprocess_data = preprocess_data  # type: ignore[method-assign]
    page.call_function = call_function  # type: ignore[assignment, method-assign]


def _check_event(event: gr.EventData) -> None:
    """Raise gr.Error for what Gradio would fail at: an event that names files of others. One of no fields has none."""
    if not isinstance(event._data, dict):
        event._data = {}
    try:
        processing_utils.check_all_files_in_cache(cast("Any", event._data))
    except Exception as error:
        raise refused(_MISFIT) from error
