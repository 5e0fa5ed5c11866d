"""The project's public address, and everything that links to it: documents, notebooks, cards."""

import re
from pathlib import Path
from typing import Final

from .. import project
from ..errors import ReportError
from ..project import NOTEBOOKS
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import CONFIG
from ..training.card import table

ROOT: Final = Path(__file__).parents[2]
_GITHUB: Final = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")


def notebook_table() -> str:
    """A Markdown row per notebook, with Colab and Kaggle links once the project is published."""
    header, rows = ["the question", "notebook", "on two cores"], []
    for number, (file, notebook) in enumerate(NOTEBOOKS.items(), 1):
        rows.append([notebook.question, f"[{number}. {notebook.title}](../training_notebooks/{file})", notebook.takes])
        if project.REPOSITORY:
            at = f"blob/main/training_notebooks/{file}"
            colab = f"https://colab.research.google.com/github/{project.REPOSITORY.removeprefix('https://github.com/')}/{at}"
            kaggle = f"https://kaggle.com/kernels/welcome?src={project.REPOSITORY}/{at}"
            rows[-1].append(f"[Colab]({colab}), [Kaggle]({kaggle})")
    return table([*header, *(["open in"] if project.REPOSITORY else [])], rows)


def clone_command() -> str:
    """How to get the project, as Markdown; a shallow clone, as the history holds old weights."""
    if project.REPOSITORY is None:
        return "In a clone (`git clone --depth 1`: the history holds old weights), with Python 3.11 or later:\n"
    name = project.REPOSITORY.rpartition("/")[2]
    return f"```bash\ngit clone --depth 1 {project.REPOSITORY} && cd {name}\n```\n\nThen, with Python 3.11 or later:\n"


def write_address(address: str | None, root: Path = ROOT) -> list[Path]:
    """Write it into ``project.py``, the notebooks and the embedded bundles' cards; returns the changed files.

    None: not published. Documents get it from ``records.rewrite``. Raises ReportError unless the address is
    a GitHub repository, which Colab and Kaggle can open.
    """
    from ..training.export import write_config  # imports TensorFlow, which tables do not need

    if address is not None and not _GITHUB.fullmatch(address):
        raise ReportError(f"{address!r} is not a repository's address: give https://github.com/OWNER/NAME, or none.")
    project.REPOSITORY = address
    value = f'"{address}"' if address else "None"
    changed = [
        _put(
            root / "emotion_core/project.py", r"(?m)^REPOSITORY: str \| None = .*$", f"REPOSITORY: str | None = {value}"
        )
    ]
    for file in NOTEBOOKS:
        line = f'"REPOSITORY = \\"{address or ""}\\"\\n"'
        changed.append(_put(root / "training_notebooks" / file, r'"REPOSITORY = \\".*?\\"\\n"', line))
    for config in sorted((root / "emotion_core/bundles").glob(f"*/{CONFIG}")):
        before = config.read_text()
        write_config(config.parent, Bundle.open(config.parent).config)
        changed.append(config if config.read_text() != before else None)
    return [path for path in changed if path]


def _put(path: Path, pattern: str, new: str) -> Path | None:
    text = path.read_text()
    renewed, times = re.subn(pattern, lambda _: new, text)
    if times != 1:
        raise ReportError(f"{path.name} has {times} lines for the project's address; it needs exactly one.")
    if renewed == text:
        return None
    path.write_text(renewed)
    return path
