"""Run a notebook top to bottom with papermill, and keep its outputs but no traces of the machine."""

import ast
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import ReportError
from ..files import unfinished
from ..recognition.litert import silent_stderr

_ABSOLUTE: Final = re.compile(r"""["'](?:/|~/|[A-Za-z]:[\\/])""")
_INJECTED: Final = "injected-parameters"


def execute(notebook: str | Path, out: str | Path, parameters: Mapping[str, Any] | None = None) -> Path:
    """Run a notebook from its folder, overriding its parameters; returns ``out``, which is overwritten.

    Parameters set by an earlier run stay set. Local paths are removed, as nobody else has them. Progress
    bars are kept in their last state. Raises ReportError when a cell fails; ``out`` then holds the outputs
    up to there, with the error.
    """
    import nbformat
    import papermill

    notebook, out = Path(notebook).resolve(), Path(out).resolve()
    if not notebook.is_file():
        raise ReportError(f"There is no notebook {notebook.name} in {notebook.parent}. Check the path.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # Not straight to ``out``: the notebook would then report its own code as changed.
        reached = Path(folder) / notebook.name
        try:
            with silent_stderr():  # which the kernel inherits: its native log lines say nothing that a cell does not
                papermill.execute_notebook(
                    notebook,
                    reached,
                    {**set_before(nbformat.read(notebook, as_version=4)), **(parameters or {})},
                    cwd=notebook.parent,
                    progress_bar=False,
                    coalesce_streams=True,
                )
        except papermill.PapermillExecutionError as error:
            raise ReportError(f"{notebook.name}, cell {error.exec_count}: {error.ename}: {error.evalue}") from error
        finally:
            if reached.is_file():
                with unfinished(out) as part:
                    nbformat.write(tidied(nbformat.read(reached, as_version=4)), part)
    return out


def value_of(text: str) -> Any:
    """A parameter from the command line: parsed as a Python literal, or else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def set_before(content: Any) -> dict[str, Any]:
    """The parameters set by an earlier run of the notebook."""
    cells = [cell.source for cell in content.cells if _INJECTED in cell.metadata.get("tags", [])]
    return {name: ast.literal_eval(value) for source in cells for name, value, _ in _assignments(source)}


def tidied(content: Any) -> Any:
    """The notebook without papermill's metadata, library logs and parameters that hold local paths."""
    content.metadata.pop("papermill", None)
    for cell in content.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        if _INJECTED in tags:
            kept = [line for _, value, line in _assignments(cell.source) if not _ABSOLUTE.search(value)]
            cell.source = "\n".join(["# Parameters", *kept]) if kept else ""
    content.cells = [cell for cell in content.cells if cell.source or _INJECTED not in cell.metadata.get("tags", [])]
    return content


def _assignments(source: str) -> list[tuple[str, str, str]]:
    """(name, value's source, whole source) of each of a cell's assignments."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    return [(ast.unparse(node.targets[0]), ast.unparse(node.value), ast.unparse(node)) for node in found]
