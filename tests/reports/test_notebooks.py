"""The notebooks: essays without their own logic, which run top to bottom on little data."""

import ast
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest

from emotion_core import project
from emotion_core.cli.main import main
from emotion_core.datasets.sources import DRAWN
from emotion_core.reports.execute import execute, set_before

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "training_notebooks").glob("*.ipynb"))
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
SMALL = {"EPOCHS": 1, "BATCH_SIZE": 32}
#: Parameters that make each notebook quick, by its number.
SMOKE: dict[str, dict[str, Any]] = {
    "01": {**SMALL, "SOURCE": DRAWN, "PICTURES": 80, "SIDE": 32, "WIDTH": 8},
    "02": {},
    "03": {**SMALL, "FACES": 200, "WIDTH": 8},
    "04": {
        **SMALL,
        "FACES": 200,
        "NETWORKS": {"custom_cnn": {"width": 8}, "residual_cnn": {"image_size": 32}},
        "TEACHERS": ["fer2013-custom-cnn"],  # ResNet50V2 takes a minute to answer about all of them
        "TRAIN_FROM": {},
        "WEIGHTS": None,
        "EPOCHS": {"custom_cnn": 1, "residual_cnn": 1},
        "RATES": {"custom_cnn": 2e-3, "residual_cnn": 2e-3},
    },
    "05": {**SMALL, "FACES": 100, "OPTIONS": {"width": 8}, "SWITCHES_TRIED": ["plain", "mixup 0.2"], "SEEDS": 1},
    "06": {**SMALL, "FACES": 200, "IMAGE_SIZE": 32},
    "07": {"FACES": 400, "COVERED": 2, "MODEL": "fer2013-custom-cnn"},
    "08": {
        **SMALL,
        "FACES": 120,
        "MODEL": "fer2013-custom-cnn",  # ResNet50V2 takes a minute to convert
        "DETECTOR": "haar",
        "FORMS": ["dynamic-range int8"],
    },
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Every 40th face of FER-2013 with its votes, if both are available; else the word for drawn faces."""
    whole = Path(os.environ.get("FER2013_DIR", "nowhere"))
    little = tmp_path_factory.mktemp("fer2013")
    for name in ("fer2013.csv", "fer2013new.csv"):
        if not (whole / name).is_file():
            return DRAWN
        with (whole / name).open() as rows, (little / name).open("w") as kept:
            kept.writelines(row for number, row in enumerate(rows) if number == 0 or number % 40 == 1)
    return str(little)


@pytest.mark.notebooks
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_as_committed(notebook: Path, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own folder, next to the package, on any machine; only the parameters that make it quick are set."""
    folder = tmp_path / "training_notebooks"
    folder.mkdir()
    (tmp_path / "emotion_core").symlink_to(ROOT / "emotion_core")
    (folder / "runs").symlink_to(notebook.parent / "runs")
    own = Path(shutil.copy(notebook, folder))
    monkeypatch.delenv("PEER_HDF5", raising=False)
    parameters = dict(SMOKE[notebook.stem[:2]])
    if source == DRAWN:
        parameters["SOURCE"] = DRAWN
    else:
        monkeypatch.setenv("FER2013_DIR", source)
    done = nbformat.read(execute(own, tmp_path / "done.ipynb", parameters), as_version=4)
    assert outputs_of(done)
    assert not [output for output in outputs_of(done) if output.output_type == "error"]
    assert {cell.execution_count for cell in done.cells if cell.cell_type == "code"} >= {1, 2, 3}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_was_set_names_no_file(notebook: Path) -> None:
    """Parameters set by a run are committed with the notebook; a file name among them would fail for everyone else."""
    content = nbformat.read(notebook, as_version=4)
    assert not re.search(r"\.(npz|h5|hdf5|keras|csv|zip|onnx)\b|/", json.dumps(set_before(content)))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_an_essay(notebook: Path) -> None:
    content = nbformat.read(notebook, as_version=4)
    nbformat.validate(content)
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    for cell in code:
        python = re.sub(r"^(\s*)[!%].*$", r"\1pass", cell.source, flags=re.MULTILINE)
        own = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
        assert not [node for node in ast.walk(ast.parse(python)) if isinstance(node, own)], cell.source
    assert f'REPOSITORY = "{project.REPOSITORY or ""}"' in code[0].source
    assert f'introduce("{notebook.stem}")' in code[0].source
    assert parameters_cell(notebook)
    told = "\n".join(cell.source for cell in content.cells if cell.cell_type == "markdown")
    assert len(told.split()) > 400
    assert re.search(r"Try it(?s:.)*<details><summary>[^<]+</summary>[^<]+</details>", told)  # and the answer below
    for link in re.findall(r"\]\((\d\d_\w+\.ipynb)\)", "".join(cell.source for cell in content.cells)):
        assert (notebook.parent / link).is_file(), link


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_imports_from_two_or_three_places(notebook: Path) -> None:
    """And every imported name exists."""
    places = {"emotion_core", "emotion_core.reports.toolkit", "emotion_core.training.toolkit"}
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    for number, source in enumerate(cells):
        python = re.sub(r"^(\s*)[!%].*$", r"\1pass", source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(python)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("emotion_core"):
                assert node.module in places or number == 0, node.module
                module = importlib.import_module(node.module)
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_what_they_import_comes_with_training() -> None:
    """Whoever installs what docs/training.md says can run them all; the tests' own packages are not needed."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    listed = [*(ROOT / "requirements.txt").read_text().splitlines(), *extras["train"]]
    installed = {re.split(r"[\[<>=; ]", line)[0].lower() for line in listed}
    holders = importlib.metadata.packages_distributions()
    for notebook in NOTEBOOKS:
        for cell in nbformat.read(notebook, as_version=4).cells:
            if cell.cell_type == "code":
                for name in re.findall(r"^ *(?:from|import) (\w+)", cell.source, re.MULTILINE):
                    own = name == "emotion_core" or name in sys.stdlib_module_names
                    assert own or installed & {holder.lower() for holder in holders[name]}, f"{notebook.name}: {name}"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_outputs_can_be_published(notebook: Path) -> None:
    assert notebook.stat().st_size < 2_000_000
    content = nbformat.read(notebook, as_version=4)
    for output in outputs_of(content):
        assert output.output_type != "error"
        text = output.get("text") or "".join(map(str, output.get("data", {}).values()))
        assert not re.search(r"(?<![\w:/.])/(home|root|tmp|work|content|kaggle|Users|mnt)/", text), text[:300]


def test_there_are_eight_and_the_guide_names_each() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == list(SMOKE)
    assert list(project.NOTEBOOKS) == [path.name for path in NOTEBOOKS]
    guide = (ROOT / "docs/training.md").read_text()
    for notebook in NOTEBOOKS:
        assert f"(../training_notebooks/{notebook.name})" in guide


def test_the_command_runs_one_in_its_place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cells = [nbformat.v4.new_code_cell("N = 1", metadata={"tags": ["parameters"]})]
    cells.append(nbformat.v4.new_code_cell("print(12 // N)"))
    path = tmp_path / "small.ipynb"
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}),
        path,
    )
    assert main(["notebook", str(path), "--set", "N", "3"]) == 0
    assert capfd.readouterr().err == ""  # of the kernel, which writes there what its libraries log
    [output] = outputs_of(nbformat.read(path, as_version=4))
    assert output.text == "4\n"
    first = nbformat.read(path, as_version=4)
    assert set_before(first) == {"N": 3}
    assert main(["notebook", str(path), "--set", "OTHER", "/a/path"]) == 0
    merged = nbformat.read(path, as_version=4)
    assert set_before(merged) == {"N": 3}  # still set, but a local path is removed
    assert main(["notebook", str(path), "--set", "N", "0"]) == 1
    assert "small.ipynb, cell 3: ZeroDivisionError" in capfd.readouterr().err


def test_ruff_is_clean_on_them() -> None:
    for command in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, ROOT / "training_notebooks"], check=True, cwd=ROOT)


def parameters_cell(notebook: Path) -> Any:
    """The only parameters cell."""
    cells = nbformat.read(notebook, as_version=4).cells
    [cell] = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    return cell


def outputs_of(content: Any) -> list[Any]:
    return [output for cell in content.cells if cell.cell_type == "code" for output in cell.outputs]
