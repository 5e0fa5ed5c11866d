"""The Gradio page, one module per tab. Handlers are thin: they decode, call the core, and display."""

from .gradio_import import import_less

import_less()  # here, since every module of the page imports Gradio
