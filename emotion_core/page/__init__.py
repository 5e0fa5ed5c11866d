"""The Gradio page, a module for every tab. Handlers are thin: they decode, call the core, and show."""
