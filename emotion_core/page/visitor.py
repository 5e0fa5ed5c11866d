"""The visitor whose call a page handler is serving, and how to refuse it."""

import gradio as gr
from gradio.context import LocalContext

from ..errors import BusyError
from ..serving.answer import fail_with
from ..serving.workshop import Workshop


def visitor(workshop: Workshop) -> str:
    """The caller's address inside any Gradio handler; "" outside one."""
    request = LocalContext.request.get(None)
    # Event handlers get Gradio's wrapper, server functions of a component the request itself.
    scope = getattr(getattr(request, "request", None) or request, "scope", None)
    return "" if scope is None else workshop.address_of(scope)


def refused(why: Exception | str, status: int = 422) -> gr.Error:
    """The error for a handler to raise, shown to the caller. A call that bypasses the queue gets the status, or 503."""
    fail_with(503 if isinstance(why, BusyError) else status)
    return gr.Error(str(why), print_exception=False)
