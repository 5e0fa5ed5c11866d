"""The Gradio page, one module per tab. Handlers are thin: they decode, call the core, and display."""

from .gradio_stubs import make_no_stubs

make_no_stubs()  # here, since every module of the page imports Gradio
