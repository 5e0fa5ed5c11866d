"""The model card, written from the config so that the two cannot disagree."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from huggingface_hub import EvalResult, ModelCardData

from ..recognition.bundle_config import BundleConfig, KeptCalibration
from ..recognition.origin import VOTES, Origin, data_name, is_fer, origin_of, stages_of
from .card_use import backends, citation, energy, hours_in_words, intro, limits, snippet, uses
from .provenance import cited, cross_validated, how_divided, learnt_from_votes, remarks, slug
from .recipe import not_published, recipe

SPLIT_NAMES: Final = {"public": "PublicTest", "private": "PrivateTest"}

_HISTORY: Final = {
    "epoch": "epoch",
    "loss": "loss",
    "accuracy": "accuracy on augmented faces",
    "public_loss": "PublicTest loss",
    "public_accuracy": "PublicTest accuracy (averaged weights)",
    "public_goal": "PublicTest loss by what is asked for",
    "public_scaled": "that loss at its best temperature",
}

_TWO_TRUTHS: Final = """\
There are two truths. FER-2013 gives each face one label, and people agree with it on about two faces
in three; ten voters of FER+ say what a face shows to people. What serves is calibrated for people:
where over half of the votes name one expression, the majority is what it should say. Fitted to the
labels and their odd shares of classes instead, it would agree with more labels and with fewer people; that
calibration is kept in `config.json` as `calibrations.labels`, for the comparison with the literature.
"""
_MATRIX: Final = """\
It multiplies the logits by a matrix and adds a bias to each (matrix scaling,
[1706.04599](https://arxiv.org/abs/1706.04599)).
"""
_ANEW: Final = """\
It was fitted anew, to what the same weights answer on PublicTest, when all other figures had been
measured; PrivateTest was opened a second time for its figure alone.
"""


def model_card(config: BundleConfig) -> str:
    """Markdown with Hub metadata (``model-index``) and every figure of the config."""
    origin = origin_of(config)
    task = "Facial expression recognition" if config.sees == "face" else "Image classification"
    results = [row for split, figures in config.metrics.items() for row in _measured(split, figures, origin, task)]
    faces = ["facial-expression-recognition", "emotion-recognition"] if config.sees == "face" else []
    told = ["fer2013"] if is_fer(origin) else []
    stages = stages_of(config)
    data = ModelCardData(
        language="en",
        license="apache-2.0",
        library_name="litert",
        pipeline_tag="image-classification",
        tags=[*faces, *told, config.arch],
        datasets=[*(told or [slug(data_name(origin))]), *(["ferplus"] if told and learnt_from_votes(config) else [])],
        base_model=stages[-1].get("base_model") if stages else None,
        model_name=config.name,
        eval_results=results or None,
    )
    sections = [intro(config), snippet(config), uses(config), _results(config)]
    sections += [*(_per_class(name, config) for name in config.metrics), _export(config), _training(config)]
    sections += [limits(config), citation(config)]
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n".join(section for section in sections if section)


def _measured(split: str, figures: Any, origin: Origin, task: str) -> list[EvalResult]:
    """What the Hub shows for one split: against the labels and, if there are votes, against their majority."""
    data, part = data_name(origin), SPLIT_NAMES.get(split, split)
    told = [
        (data, "accuracy", "Accuracy", figures["accuracy"]),
        (data, "f1", "Macro F1", figures["macro_f1"]),
    ]
    if "majority" in figures:
        told.append(("FER+", "accuracy", "Agreement with the majority of ten people", figures["majority"]["accuracy"]))
    return [
        EvalResult(
            task_type="image-classification",
            task_name=task,
            dataset_type="ferplus" if name == "FER+" else "fer2013" if is_fer(origin) else slug(name),
            dataset_name=f"{name} {part}",
            dataset_split=split,
            metric_type=kind,
            metric_name=metric,
            metric_value=value,
        )
        for name, kind, metric, value in told
    ]


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def with_interval(value: float, interval: Sequence[float], digits: int = 3) -> str:
    """A table's cell: a share in bold, rounded, and its interval."""
    low, high = interval
    return f"**{value:.{digits}f}** ({low:.3f} to {high:.3f})"


def results_table(config: BundleConfig) -> str:
    """A Markdown row per measured split; also shown in the README."""
    header = ["split", "faces", "accuracy", "balanced", "macro-F1", "NLL", "ECE", "accuracy without twins (faces)"]
    rows = []
    for split, m in config.metrics.items():
        figures = [f"{m[name]:.4f}" for name in ("accuracy", "balanced_accuracy", "macro_f1", "nll", "ece")]
        twins = m["without_twins"]
        name = SPLIT_NAMES.get(split, split)
        rows.append([name, m["faces"], *figures, f"{twins['accuracy']:.4f} ({twins['faces']})"])
    return table(header, rows)


def truths_table(config: BundleConfig) -> str:
    """A Markdown row per split: agreement with the voters' majority and with the label, for both calibrations."""
    header = ["split", "majority of ten people (faces)", "label", "label, by the labels' own calibration"]
    header += ["NLL of the votes", "shown as uncertain", "majority, where not uncertain"]
    rows = []
    for split, m in config.metrics.items():
        if not {"majority", "label_calibrated", "coverage"} <= set(m):
            continue
        seen, kept = m["majority"], m["coverage"]
        low, high = seen["interval"]
        rows.append(
            [
                SPLIT_NAMES.get(split, split),
                f"**{seen['accuracy']:.4f}** ({low:.3f} to {high:.3f}; {seen['faces']})",
                f"{m['accuracy']:.4f}",
                f"{m['label_calibrated']['accuracy']:.4f}",
                f"{m['nll_of_votes']:.4f}",
                f"{kept['marked']:.1%}",
                f"{kept['agreement_unmarked']:.4f}",
            ]
        )
    return table(header, rows)


def class_table(config: BundleConfig, split: str) -> str:
    """A Markdown row per expression, measured on one split; also shown in the README."""
    rows = [
        [label, *(f"{c[name]:.3f}" for name in ("precision", "recall", "f1")), c["faces"]]
        for label, c in config.metrics[split]["per_class"].items()
    ]
    return table(["expression" if config.sees == "face" else "class", "precision", "recall", "F1", "faces"], rows)


def _results(config: BundleConfig) -> str:
    if not config.metrics:
        return ""
    form = config.export.get("form", "Keras weights")
    looks = "each face and its mirror image" if config.flip else "one crop"
    origin = origin_of(config)
    truth = "The truth is the majority of the FER+ votes. " if origin.truth == VOTES else ""
    votes = " --votes fer2013new.csv" if origin.truth == VOTES else ""
    both = f"\n{_TWO_TRUTHS}{_of_labels(config)}\n{truths_table(config)}\n" if config.calibrations else ""
    return f"""\
## Results, as served ({form}, {looks})
{both}
By the labels alone:

{results_table(config)}
{truth}Twins are test faces that are byte-identical to a Training face. {how_divided(config).replace("{votes}", votes)}
{cross_validated(config)}"""


def _of_labels(config: BundleConfig) -> str:
    """What there is to say about the labels' own calibration: its form, why that one, and when it was fitted."""
    kept = config.calibrations.get("labels", KeptCalibration())
    told = [_MATRIX] if kept.matrix else []
    if kept.cross_fitted:
        reached = [f"{form} {one['accuracy']:.4f} (NLL {one['nll']:.4f})" for form, one in kept.cross_fitted.items()]
        told.append(f"Cross-fitted on PublicTest, agreement with the labels: {', '.join(reached)}.\n")
    return "".join([*told, *([_ANEW] if kept.fitted_anew else [])])


def _per_class(split: str, config: BundleConfig) -> str:
    m, rule = config.metrics[split], config.uncertain
    certain = m["accuracy_when_certain"]
    rest = f"; on the others the accuracy is {certain:.4f}" if certain is not None else ""
    low, high = m["interval"]["accuracy"]
    once = f" With one crop alone, as streams are served, it is {m['accuracy_one_view']:.4f}." if config.flip else ""
    area = "" if m["roc_auc"] is None else f" ROC AUC {m['roc_auc']:.4f}, the mean of one against the rest."
    voted = m["nll_of_votes"]
    agreement = "" if voted is None else f" Cross-entropy against the FER+ votes {voted:.4f} nats."
    return f"""\
### {SPLIT_NAMES.get(split, split)}, per class

{class_table(config, split)}
{m["uncertain_share"]:.1%} of the faces are shown as uncertain (best probability under
{rule.min_confidence:g}, or a lead under {rule.min_margin:g}){rest}. The accuracy's 95% interval (Wilson's)
is {low:.4f} to {high:.4f}.{once}{area}{agreement}
"""


def _export(config: BundleConfig) -> str:
    if not config.export:
        return ""
    figures = ("megabytes", "public_accuracy", "same_answer", "milliseconds_1_face", "milliseconds_10_faces")
    rows = [
        [form + (" (shipped)" if form == config.export["form"] else ""), *(dict(row)[name] for name in figures)]
        for form, row in config.export["forms"].items()
    ]
    return f"""\
## Forms of the graph

{table(["form", "MB", "PublicTest accuracy", "same answer as float32", "ms, 1 face", "ms, 10 faces"], rows)}
Before calibration, one crop. Times are medians of one run on the exporting machine: compare
them with each other only.
"""


def _training(config: BundleConfig) -> str:
    record: dict[str, Any] = dict(config.training)
    if not record:
        return ""
    stages = record["stages"]
    parts = [
        "## Training\n",
        f"{hours_in_words(record)}; Keras {record['keras']} on {backends(record)}.",
        energy(record),
        _again(config),
    ]
    for number, stage in enumerate(stages, 1):
        parts += ["", f"### Stage {number} of {len(stages)}", ""]
        origin, digest = origin_of(config, stage), stage["data_sha256"][:16]
        votes = ", without the FER+ votes" if is_fer(origin) else ""
        votes = ", and the FER+ votes (Barsoum et al. 2016)" if stage["votes_sha256"] else votes
        parts += [f"{cited(origin)}, Training split (SHA-256 `{digest}`){votes}.{remarks(origin)}\n"]
        parts += [table(["setting", "value"], [[name, f"`{value}`"] for name, value in stage["config"].items()])]
        known = [name for name in _HISTORY if any(name in row for row in stage["history"])]
        rows = [[row.get(name, "") for name in known] for row in stage["history"]]
        parts += [table([_HISTORY[name] for name in known], rows).rstrip()]
        if averaged := stage.get("averaged"):
            after = " and ".join(str(member["stages"]) for member in averaged)
            parts += ["", f"The weights are the mean of those after stages {after} (model soups, arXiv:2203.05482)."]
    return "\n".join(parts) + "\n"


def _again(config: BundleConfig) -> str:
    """The commands that repeat the training, and what of it nobody can have."""
    lacking = " ".join(not_published(config))
    exact = f"Not bit by bit. {lacking}\n" if lacking else ""
    return f"\n### To repeat it\n\n{recipe(config)}\n{exact}".rstrip()
