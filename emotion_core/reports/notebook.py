"""Shared code of the notebooks: the origin of their outputs, trained or loaded runs, tables of runs."""

import logging
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow, which warns about missing GPUs

import keras
from matplotlib.figure import Figure
from PIL import Image

from ..datasets.faces import FaceData
from ..recognition.architectures import options_of
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import CONFIG, BundleConfig
from ..training.config import TrainConfig
from ..training.pipeline import train_bundle
from ..training.run_folder import RUN, RUNS, code_version, code_words, read_json
from .charts import truths
from .experiments import ablation_size, ablation_table, best_settings
from .gallery import SHOWN_DPI, png
from .records import ORDER, comparison_table, read_runs
from .trained_alike import ALIKE, alike_size, alike_table


def introduce(name: str) -> None:
    """Print what produced the outputs that follow: notebook, code, date, hardware, libraries.

    From here on TensorFlow logs errors only.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    print(f"{name}, run on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {code_words(code_version())}")
    devices = ", ".join(keras.distribution.list_devices())
    print(f"{os.cpu_count()} {platform.machine()} cores; devices: {devices}")
    print(f"Python {platform.python_version()}, Keras {version('keras')} on {keras.backend.backend()}")


def show(*parts: str | Figure | Image.Image) -> None:
    """Display Markdown, charts and pictures, as small PNG."""
    from IPython.display import Image as Shown
    from IPython.display import Markdown, display

    for part in parts:
        width = round(part.get_figwidth() * SHOWN_DPI) if isinstance(part, Figure) else None
        display(Markdown(part) if isinstance(part, str) else Shown(data=png(part), width=width))


def trained(data: FaceData, config: TrainConfig, out: str | Path, flip: bool = False) -> Bundle:
    """The bundle of a run: loaded if finished, resumed if interrupted, else trained.

    Raises TrainingError as ``train_bundle`` does.
    """
    out = Path(out)
    if (out / CONFIG).is_file() and (out / "run" / RUN).is_file():
        bundle = Bundle.open(out)
        if _is_of(read_json(out / "run" / RUN), bundle.config, data, config, flip):
            return bundle
    return train_bundle(data, config, out, resume=True, flip=flip)


def reached(
    data: FaceData, config: TrainConfig, out: str | Path, flip: bool = False, recorded_in: Path = RUNS
) -> BundleConfig:
    """The config of a run with its figures: from the project's records if it is there, else from ``trained``.

    This saves training again for the figures of a network whose weights are not shipped.
    """
    record = recorded_in / f"{Path(out).name}.json"
    if record.is_file():
        run = BundleConfig.from_json(record.read_bytes())
        if _is_of(run.training["stages"][-1], run, data, config, flip):
            return run
    return trained(data, config, out, flip).config


def _is_of(begun: dict[str, Any], run: BundleConfig, data: FaceData, config: TrainConfig, flip: bool) -> bool:
    """Whether the finished ``run``, started as in ``begun``, is the requested one; if so, print its origin."""
    asked = (_whole(config.as_json()), data.digest(), data.votes_digest(), flip)
    if (_whole(begun["config"]), begun["data_sha256"], begun["votes_sha256"], run.flip) != asked:
        return False
    hours, hardware = run.training["hours"], run.training["hardware"]
    print(f"{run.name} is finished: {hours} hours on {hardware}, {code_words(begun['code'])}.")
    return True


def _whole(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with default options filled in, and without the precision, which depends on the machine."""
    options = options_of(config["arch"], config.get("arch_options", {}))
    return {**config, "arch_options": options, "precision": None}


def recorded(*archs: str, folder: Path = RUNS) -> str:
    """Markdown: the table of the recorded runs of these networks (default: all), and what is missing."""
    wanted = archs or ORDER
    runs = [run for run in read_runs(folder) if run.arch in wanted]
    missing = [arch for arch in wanted if arch not in {run.arch for run in runs}]
    parts = [comparison_table(runs)] if runs else []
    return "\n".join(parts + ([f"Not recorded yet: {', '.join(missing)}."] if missing else []))


def recorded_truths(split: str = "private", folder: Path = RUNS) -> Figure | str:
    """Chart of agreement with people and with the label, ours and the peer's, as recorded by ``compare``."""
    record = folder / f"two-truths-{split}.json"
    if not record.is_file():
        return f"Nothing is recorded: `python -m emotion_core compare BUNDLE ... --split {split}` does it."
    return truths(read_json(record))


def recorded_alike(folder: Path = RUNS) -> str:
    """Markdown: how the networks of the fair comparison were trained, and what they reached."""
    return f"{alike_size(folder / ALIKE)}\n{alike_table(folder / ALIKE)}"


def recorded_ablation(folder: Path = RUNS) -> str:
    """Markdown: how the ablation was run, and the effect of each switch, or a sentence if none is recorded."""
    if not (folder / "ablation.json").is_file():
        return "No ablation is recorded yet: `python -m emotion_core ablate` makes one."
    return f"{ablation_size(folder)}\n{ablation_table(folder)}"


def recorded_search(folder: Path = RUNS) -> str:
    """Markdown: the best settings found by the search, or a sentence if none is recorded."""
    if not (folder / "search.json").is_file():
        return "No search is recorded yet: `python -m emotion_core search` makes one."
    return best_settings(read_json(folder / "search.json"))
