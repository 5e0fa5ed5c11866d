"""Keeps Gradio from making type stubs while it is imported.

For every class of a component, Gradio 6 parses its source file and the stub beside it, and writes the stub again
where it differs: two fifths of the processor time of importing Gradio, at every start, and files in the clone. Only
editors read stubs.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, Final

_MODULE: Final = "gradio.component_meta"
_MAKES_STUBS: Final = "create_or_modify_pyi"


class _Loader(SourceFileLoader):
    """Loads the module, and replaces its function that makes stubs."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        setattr(module, _MAKES_STUBS, _no_stub)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == _MODULE else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def _no_stub(*_: Any) -> None:
    pass


def make_no_stubs() -> None:
    """To be called before Gradio is imported; called again it does nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    if loaded := sys.modules.get(_MODULE):
        setattr(loaded, _MAKES_STUBS, _no_stub)
