"""Makes the import of Gradio lighter: without type stubs, and without the package ``mcp``.

For every class of a component, Gradio 6 parses its source file and the stub beside it, and writes the stub again
where it differs: two fifths of the processor time of importing Gradio, at every start, and files in the clone. Only
editors read stubs.

Where ``mcp`` is installed, Gradio imports it whole, for a server that the page does not use: a quarter of what is left,
and 24 megabytes.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, Final

_MAKES_STUBS: Final = ("gradio.component_meta", "create_or_modify_pyi")
_IMPORTS_MCP: Final = "gradio.mcp"


class _WithoutStubs(SourceFileLoader):
    """Loads the module, and replaces its function that makes stubs."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        setattr(module, _MAKES_STUBS[1], _no_stub)


class _WithoutMcp(SourceFileLoader):
    """Loads the module as where ``mcp`` is not installed."""

    def exec_module(self, module: ModuleType) -> None:
        loaded = sys.modules.get("mcp")
        sys.modules["mcp"] = None  # type: ignore[assignment]
        try:
            super().exec_module(module)
        finally:
            del sys.modules["mcp"]
            if loaded:
                sys.modules["mcp"] = loaded


class _Finder(MetaPathFinder):
    _loaders: Final = {_MAKES_STUBS[0]: _WithoutStubs, _IMPORTS_MCP: _WithoutMcp}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader = self._loaders.get(fullname)
        spec = PathFinder.find_spec(fullname, path, target) if loader else None
        if loader and spec is not None and spec.origin is not None:
            spec.loader = loader(fullname, spec.origin)
        return spec


def _no_stub(*_: Any) -> None:
    pass


def import_less() -> None:
    """To be called before Gradio is imported; called again it does nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    if loaded := sys.modules.get(_MAKES_STUBS[0]):
        setattr(loaded, _MAKES_STUBS[1], _no_stub)
