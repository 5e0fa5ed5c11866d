"""Short runs that decide how to train: an ablation of each switch, and a hyperparameter search.

Both train on a fixed part of the Training faces and are judged on PublicTest alone. Both resume
where they were stopped: finished runs are read from their files.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..recognition.classifier import softmax
from .augment import Augmentation
from .calibration import fit_calibration
from .config import TrainConfig
from .evaluate import mirror
from .loop import train
from .metrics import metrics
from .run_folder import code_version

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
    "plain": {},
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


def part_of(data: FaceData, faces: int) -> FaceData:
    """The data with at most ``faces`` Training faces, chosen with seed 0; the other splits stay whole."""
    train_ids = np.flatnonzero(data.split == "train")
    chosen = np.random.default_rng(0).permutation(train_ids)[:faces]
    keep = data.split != "train"
    keep[chosen] = True
    return data.only(keep)


def judged(network: Any, data: FaceData) -> dict[str, float]:
    """Figures of a Keras network on PublicTest, one view, and the accuracy with a flip.

    Each half of the faces is calibrated by a fit to the other half; ``accuracy_uncalibrated`` uses the raw logits.
    """
    public = data.of("public")
    logits = network.predict(public.faces, batch_size=256, verbose=0)
    figures = metrics(_by_label(logits, public), public.emotion, data.labels)
    both = (logits + network.predict(mirror(public.faces), batch_size=256, verbose=0)) / 2
    flipped = metrics(_by_label(both, public), public.emotion, data.labels)
    raw = float((logits.argmax(axis=1) == public.emotion).mean())
    return {
        **{name: figures[name] for name in ("accuracy", "macro_f1", "nll", "ece")},
        "accuracy_uncalibrated": round(raw, 5),
        "accuracy_flip": flipped["accuracy"],
    }


def ablate(
    data: FaceData,
    base: TrainConfig,
    folder: Path,
    faces: int = 8000,
    switches: Mapping[str, Mapping[str, Any]] = SWITCHES,
) -> dict[str, Any]:
    """Train once per switch and write ``ablation.json``: the effect of each against the plain run."""
    data = part_of(data, faces)
    plain = replace(base, **PLAIN)
    runs = []
    for name, changes in switches.items():
        config = replace(plain, **changes)
        out = folder / name.replace(" ", "-").replace("%", "")
        network = train(data, config, out, resume=True)
        told = {key: asdict(value) if isinstance(value, Augmentation) else value for key, value in changes.items()}
        runs.append({"switch": name, "changes": told, **judged(network, data)})
        record = {
            "config": plain.as_json(),
            "training_faces": int((data.split == "train").sum()),
            "data_sha256": data.digest(),
            "code": code_version(),
            "runs": runs,
        }
        (folder / "ablation.json").write_text(json.dumps(record, indent=1) + "\n")
        print(runs[-1], flush=True)
    return record


def search(data: FaceData, base: TrainConfig, folder: Path, trials: int, faces: int = 8000) -> dict[str, Any]:
    """Search settings with Optuna's TPE, up to ``trials`` in all, and write ``search.json``.

    The study is kept in ``folder/study.log``, so a killed search can continue; an unfinished
    trial starts over.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    data = part_of(data, faces)
    steps = max(len(data.of("train")) // base.batch_size, 1) * base.epochs
    # Averaging over more than a twentieth of a short run would include too much of its beginning.
    base = replace(base, ema=min(base.ema, max(1 - 20 / steps, 0.0)))
    folder.mkdir(parents=True, exist_ok=True)

    def objective(trial: "optuna.Trial") -> float:
        config = replace(
            base,
            learning_rate=trial.suggest_float("learning_rate", 1e-4, 5e-3, log=True),
            weight_decay=trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
            dropout=trial.suggest_float("dropout", 0.0, 0.5),
            label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.2),
            votes_share=trial.suggest_float("votes_share", 0.0, 0.8),
            augmentation_end=trial.suggest_float("augmentation_end", 0.2, 1.0),
        )
        network = train(data, config, folder / f"trial-{trial.number}", resume=True)
        return judged(network, data)["nll"]

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / "study.log")))
    sampler = optuna.samplers.TPESampler(seed=base.seed)
    study = optuna.create_study(storage=storage, study_name="search", load_if_exists=True, sampler=sampler)
    finished = len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
    study.optimize(objective, n_trials=max(trials - finished, 0))
    done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    record = {
        "config": base.as_json(),
        "training_faces": int((data.split == "train").sum()),
        "data_sha256": data.digest(),
        "code": code_version(),
        "best": {"nll": study.best_value, **study.best_params},
        "trials": [{"number": trial.number, "nll": trial.value, **trial.params} for trial in done],
    }
    (folder / "search.json").write_text(json.dumps(record, indent=1) + "\n")
    return record


def _by_label(logits: NDArray[np.float32], public: FaceData) -> NDArray[np.float64]:
    """Calibrated probabilities (N, C): each half of the faces by the fit to the other."""
    found = np.empty(logits.shape, np.float64)
    even = np.arange(len(logits)) % 2 == 0
    for half in (even, ~even):
        fitted = fit_calibration(logits[~half], public.emotion[~half])
        found[half] = softmax(logits[half], fitted.temperature, fitted.bias)
    return found
