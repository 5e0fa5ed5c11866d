"""Calls that do not fit, at Gradio's own addresses: answered as what they are, and not as failures of the server.

Gradio 6.31 answers 500 to too few values, a function's or component's number that does not exist, and JSON that it
cannot send back in its own complaint about it.
"""

import traceback
from typing import Any, Final

import gradio as gr
from fastapi import FastAPI, Request, Response
from gradio import route_utils, routes
from gradio.route_utils import FnIndexInferError
from gradio_client import utils as client_utils

from ..serving.refusals import NO_ROOM, ApiError, answer_invalid, respond
from .visitor import refused

_LIST: Final = "GET /gradio_api/info lists what there is."
_MISFIT: Final = f"The call's values do not fit the function. {_LIST}"
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

    prepare = page.preprocess_data

    async def preprocess_data(*arguments: Any, **more: Any) -> Any:
        """As the page's own, which raises errors of many kinds for values of a wrong number or type."""
        try:
            return await prepare(*arguments, **more)
        except gr.Error:  # in words already
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            raise refused(_MISFIT) from error

    page.preprocess_data = preprocess_data  # type: ignore[method-assign]
