"""Run a notebook top to bottom, by papermill, and keep it as a reader wants it: its outputs, nothing of the machine."""

import ast
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import ReportError
from ..files import unfinished

_ABSOLUTE: Final = re.compile(r"""(["'])(?:/|[A-Za-z]:\\)[^"']*?([^/\\"']+)\1""")


def execute(notebook: str | Path, out: str | Path, parameters: Mapping[str, Any] | None = None) -> Path:
    """Run with other parameters than the notebook's own, from its folder; returns ``out``, which is written anew.

    Progress bars are kept as their last state. Raises ReportError where a cell fails; ``out``
    then holds what was reached, with the error.
    """
    import nbformat
    import papermill

    notebook, out = Path(notebook).resolve(), Path(out).resolve()
    if not notebook.is_file():
        raise ReportError(f"There is no notebook {notebook.name} in {notebook.parent}. Check the path.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # Not to ``out`` as it goes: the notebook would find itself changed, and say so of its code.
        reached = Path(folder) / notebook.name
        try:
            papermill.execute_notebook(
                notebook,
                reached,
                dict(parameters or {}),
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
    """A parameter from the command line: the Python value that it writes, or else itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def tidied(content: Any) -> Any:
    """The notebook without the runner's notes and the libraries' logs; of files given as parameters only names."""
    content.metadata.pop("papermill", None)
    for cell in content.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        if "injected-parameters" in tags:
            cell.source = _ABSOLUTE.sub(r"\1\2\1", cell.source).rstrip()
    return content
