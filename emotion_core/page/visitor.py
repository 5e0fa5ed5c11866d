"""Whose call a handler of the page is working on, and how it is refused."""

import gradio as gr
from gradio.context import LocalContext

from ..errors import BusyError
from ..serving.answer import fail_with
from ..serving.workshop import Workshop


def visitor(workshop: Workshop) -> str:
    """The caller's address, inside of any handler of Gradio; "" outside of one."""
    request = LocalContext.request.get(None)
    # Handlers are given a wrapper of Gradio's own, functions of a component the request itself.
    scope = getattr(getattr(request, "request", None) or request, "scope", None)
    return "" if scope is None else workshop.address_of(scope)


def refused(why: Exception | str) -> gr.Error:
    """What a handler raises: words that the caller is shown. A call that bypasses the queue is answered 422 or 503."""
    fail_with(503 if isinstance(why, BusyError) else 422)
    return gr.Error(str(why), print_exception=False)
