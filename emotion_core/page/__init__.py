"""The Gradio page, one module per tab. Handlers are thin: they decode, call the core, and display."""
