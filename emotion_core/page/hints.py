"""What Gradio's page will load, named in its head, so that a browser fetches all of it at once.

Gradio 6.31's program finds out in four steps, each a round trip after the last, what else it needs. Its build (by
Vite) lists for every import the files that come with it; those lists are read here. Whatever a later Gradio writes
in another way is left out, and loads as it did.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import gradio as gr

_FRONTEND: Final = Path(gr.__file__).parent / "templates" / "frontend"
_ENTRY: Final = re.compile(r"\./assets/(index-[\w-]+\.js)")
_FILES: Final = re.compile(r"m\.f=\[([^\]]*)\]")
_IMPORT: Final = r"import\(`\./(%s)`\)[^_]*?__vite__mapDeps\(\[([\d,]*)\]\)"
#: The programs that every Gradio page imports, by the one that does: the application, its state, its layout.
_OWN: Final = {"index": r"(?:Index|core)-[\w-]+\.js", "Index": r"Blocks-[\w-]+\.js"}


def kinds_shown(page: gr.Blocks) -> list[str]:
    """The kinds of component that the page shows: for all hidden ones Gradio loads one program, that of a state."""
    config: Any = page.get_config_file()
    shown = [part["props"].get("visible", True) is not False for part in config["components"]]
    kinds = (part["type"] if seen else "state" for part, seen in zip(config["components"], shown, strict=True))
    return list(dict.fromkeys(kinds))


def asset_hints(kinds: Iterable[str], frontend: Path = _FRONTEND) -> tuple[str, ...]:
    """The files below ``assets/`` that a page with these kinds of component will load after its first program.

    In the order of their need. frontend: Gradio's built page.
    """
    parts = list(kinds)
    document = _text(frontend / "index.html")
    entry = _ENTRY.search(document)
    if entry is None:
        return ()
    assets = frontend / "assets"
    found: dict[str, None] = {}
    programs = [entry[1]]
    for name in programs:  # grows: an imported program imports others
        text, kind = _text(assets / name), name.partition("-")[0]
        wanted = list(_imports(text, _OWN[kind])) if kind in _OWN else []
        programs += [program for program, _ in wanted]
        if kind == "core":
            wanted = [one for part in parts for one in _component(text, part)]
        for program, files in wanted:
            found |= dict.fromkeys([program, *files])
    return tuple(name for name in found if name not in document and (assets / name).is_file())


def _imports(text: str, name: str) -> Iterable[tuple[str, list[str]]]:
    """Each import of a program whose name matches, with the files that come with it."""
    listed = _FILES.search(text)
    files = re.findall(r"\./([\w.-]+)", listed[1]) if listed else []
    for program, places in re.findall(_IMPORT % name, text):
        yield program, [files[int(place)] for place in places.split(",") if place and int(place) < len(files)]


def _component(text: str, kind: str) -> Iterable[tuple[str, list[str]]]:
    """The same for one kind of component."""
    start = re.search(rf"[{{,]{re.escape(kind)}:\{{", text)
    part = re.search(r"component:.*?import\.meta\.url", text[start.end() :]) if start else None
    listed = _FILES.search(text)
    return _imports(listed[0] + part[0], r"[\w.-]+\.js") if listed and part else ()


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
