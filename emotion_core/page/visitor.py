"""Whose call a handler of the page is working on: the address that limits are counted by."""

from gradio.context import LocalContext

from ..serving.workshop import Workshop


def visitor(workshop: Workshop) -> str:
    """The caller's address, inside of any handler of Gradio; "" outside of one."""
    request = LocalContext.request.get(None)
    # Handlers are given a wrapper of Gradio's own, functions of a component the request itself.
    scope = getattr(getattr(request, "request", None) or request, "scope", None)
    return "" if scope is None else workshop.address_of(scope)
