"""Short runs that decide how to train: an ablation of each switch, and a hyperparameter search.

Both train on a fixed part of the Training faces and are judged on PublicTest alone. Both resume
where they were stopped: finished runs are read from their files, a killed one goes on after its last epoch.
"""

import gc
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from ..datasets.faces import FaceData
from ..errors import TrainingError
from .augment import Augmentation
from .config import TrainConfig
from .devices import hardware
from .judging import compared, judged
from .loop import train
from .provenance import slug
from .run_folder import code_version, read_history, read_json, write_json
from .run_record import is_finished

BASELINE: Final = "plain"
#: The baseline for each switch: plain labels, flips and shifts, nothing else.
PLAIN: Final[Mapping[str, Any]] = {
    "votes_share": 0.0,
    "label_smoothing": 0.0,
    "class_weight_power": 0.0,
    "augmentation_start": 0.5,
    "augmentation_end": 0.5,
    "ema": 0.0,
}
SWITCHES: Final[Mapping[str, Mapping[str, Any]]] = {
    BASELINE: {},
    "mirror images alone": {"augmentation_start": 0.0, "augmentation_end": 0.0},
    "no augmentation": {"augmentation_start": 0.0, "augmentation_end": 0.0, "augmentation": Augmentation(flip=0.0)},
    "full augmentation": {"augmentation_start": 1.0, "augmentation_end": 1.0},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "FER+ votes, 35%": {"votes_share": 0.35},
    "FER+ votes, 70%": {"votes_share": 0.7},
    "class weights": {"class_weight_power": 0.5},
    "class-balanced sampling": {"balanced_sampling": 0.5},
    "mixup 0.2": {"mixup": 0.2},
    "EMA": {"ema": 0.99},
}
SEEDS: Final = 3
#: TPE's first trials, which are drawn at random: only after them does it learn from the others.
RANDOM_TRIALS: Final = 10
#: What a search changes, and within which bounds; its first trial is the given configuration, brought within them.
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "learning_rate": (1e-4, 5e-3),
    "weight_decay": (1e-4, 1e-1),
    "dropout": (0.0, 0.5),
    "label_smoothing": (0.0, 0.2),
    "votes_share": (0.0, 0.8),
    "augmentation_end": (0.2, 1.0),
}
#: Tried on a logarithmic scale.
_RATES: Final = ("learning_rate", "weight_decay")
_JUDGED: Final = "judged.json"
_RUN: Final = "run"


def part_of(data: FaceData, faces: int) -> FaceData:
    """The data with at most ``faces`` Training faces, chosen with seed 0; the other splits stay whole."""
    train_ids = np.flatnonzero(data.split == "train")
    chosen = np.random.default_rng(0).permutation(train_ids)[:faces]
    keep = data.split != "train"
    keep[chosen] = True
    return data.only(keep)


def chosen(names: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The plain run and the named switches (none: all); TrainingError for a name that is not in ``SWITCHES``."""
    if unknown := set(names) - set(SWITCHES):
        raise TrainingError(f"No switch is called {', '.join(sorted(unknown))}: use one of {', '.join(SWITCHES)}.")
    return {name: changes for name, changes in SWITCHES.items() if not names or name in (*names, BASELINE)}


def ablate(
    data: FaceData,
    base: TrainConfig,
    folder: Path,
    faces: int = 8000,
    switches: Mapping[str, Mapping[str, Any]] = SWITCHES,
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """Train each switch with each seed, from ``base.seed`` on, and write ``ablation.json``.

    Its effect is its difference to the plain run of the same seed; the intervals are over seeds. Raises TrainingError
    when ``switches`` do not begin with the plain run.
    """
    if next(iter(switches), None) != BASELINE:
        raise TrainingError(f"An ablation begins with {BASELINE!r}, against which the other switches are held.")
    data = part_of(data, faces)
    plain = replace(base, **PLAIN)
    wanted = {
        (name, seed): (replace(plain, **{**changes, "seed": seed}), folder / f"{slug(name)}-seed-{seed}")
        for seed in range(base.seed, base.seed + seeds)
        for name, changes in switches.items()
    }
    # Whatever is finished is in the record from the start, so that a stopped ablation loses none of it.
    runs = {key: _kept(data, config, out) for key, (config, out) in wanted.items()}
    record: dict[str, Any] = {}
    for key, (config, out) in wanted.items():
        runs[key] = runs[key] or _run(data, config, out)
        done = [{"switch": key[0], "seed": key[1], **run} for key, run in runs.items() if run]
        record = {
            **_described(data, plain),
            "changes": {switch: _told(told) for switch, told in switches.items()},
            "switches": compared(done, BASELINE),
            "runs": done,
        }
        write_json(folder / "ablation.json", record)
        print(f"{key[0]}, seed {key[1]}: {runs[key]}", flush=True)
    return record


def search(data: FaceData, base: TrainConfig, folder: Path, trials: int, faces: int = 8000) -> dict[str, Any]:
    """Search settings with Optuna's TPE, up to ``trials`` in all, and write ``search.json``.

    The goal is the lowest cross-fitted NLL. The first trial is ``base`` itself. The study is kept in
    ``folder/study.log``, so a killed search can continue; its unfinished trial does, too.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    data = part_of(data, faces)
    steps = max(len(data.of("train")) // base.batch_size, 1) * base.epochs
    # Averaging over more than a twentieth of a short run would include too much of its beginning.
    base = replace(base, ema=min(base.ema, max(1 - 20 / steps, 0.0)))
    folder.mkdir(parents=True, exist_ok=True)

    def objective(trial: "optuna.Trial") -> float:
        drawn: dict[str, Any] = {
            name: trial.suggest_float(name, *edges, log=name in _RATES) for name, edges in RANGES.items()
        }
        config = replace(base, **drawn)
        found = _run(data, config, folder / _run_of(trial))
        trial.set_user_attr("found", found)
        return float(found["figures"]["cross_fitted_nll"])

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / "study.log")))
    study = optuna.create_study(storage=storage, study_name="search", load_if_exists=True)
    begun = study.get_trials(deepcopy=False)
    # A generator that began anew would repeat the trials that it has drawn.
    study.sampler = optuna.samplers.TPESampler(seed=base.seed + len(begun), n_startup_trials=RANDOM_TRIALS)
    if not begun:
        own = {name: min(max(getattr(base, name), low), high) for name, (low, high) in RANGES.items()}
        study.enqueue_trial(own, {_RUN: "trial-0"})
    taken_up = {_run_of(trial) for trial in begun if trial.state in (TrialState.COMPLETE, TrialState.WAITING)}
    for trial in begun:
        if trial.state == TrialState.RUNNING:  # killed
            study.tell(trial.number, state=TrialState.FAIL)
        if _run_of(trial) not in taken_up and len(trial.params) == len(RANGES):
            study.enqueue_trial(trial.params, {_RUN: _run_of(trial)})
            taken_up.add(_run_of(trial))

    def written() -> dict[str, Any]:
        done = study.get_trials(states=[TrialState.COMPLETE])
        found = [trial.user_attrs["found"] for trial in done]
        told = [
            {"number": place, **one["figures"], "seconds": one["seconds"], **trial.params}
            for place, (one, trial) in enumerate(zip(found, done, strict=True))
        ]
        best = min(told, key=lambda one: float(one["cross_fitted_nll"]))
        record = {**_described(data, base), "random_trials": RANDOM_TRIALS, "best": best, "trials": told}
        write_json(folder / "search.json", record)
        return record

    def write(*_: Any) -> None:
        written()

    missing = trials - len(study.get_trials(states=[TrialState.COMPLETE]))
    study.optimize(objective, n_trials=max(missing, 0), callbacks=[write])
    return written()


def _run(data: FaceData, config: TrainConfig, folder: Path) -> dict[str, Any]:
    """The figures of a run, trained unless it is there, and the seconds that its epochs took."""
    if (kept := _kept(data, config, folder)) is not None:
        return kept
    figures = judged(train(data, config, folder, resume=True), data)
    seconds = sum(float(row["seconds"]) for row in read_history(folder))
    found = {"seconds": round(seconds, 1), "figures": figures}
    write_json(folder / _JUDGED, found)
    # Dozens of networks in one process: each goes before the next is built.
    keras.backend.clear_session()
    gc.collect()
    return found


def _kept(data: FaceData, config: TrainConfig, folder: Path) -> dict[str, Any] | None:
    """What ``_run`` wrote, if just this run is finished."""
    there = (folder / _JUDGED).is_file() and is_finished(folder, data, config)
    kept: dict[str, Any] | None = read_json(folder / _JUDGED) if there else None
    return kept


def _run_of(trial: Any) -> str:
    """The folder of a trial's run: that of an earlier one, where it takes up what was killed."""
    return str(trial.user_attrs.get(_RUN, f"trial-{trial.number}"))


def _described(data: FaceData, config: TrainConfig) -> dict[str, Any]:
    return {
        "config": config.as_json(),
        "training_faces": int((data.split == "train").sum()),
        "public_faces": int((data.split == "public").sum()),
        "data_sha256": data.digest(),
        "backend": keras.backend.backend(),
        "hardware": hardware(),
        "code": code_version(),
    }


def _told(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: asdict(value) if isinstance(value, Augmentation) else value for key, value in changes.items()}
