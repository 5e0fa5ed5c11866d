"""The model card: written from the config, so that it cannot say anything else."""

from typing import Any, Final

from huggingface_hub import EvalResult, ModelCardData

from ..bundle import BundleConfig

SPLIT_NAMES: Final = {"public": "PublicTest", "private": "PrivateTest"}

_LIMITS: Final = """\
## Limits

- A facial expression is not a feeling. The model names the *perceived expression* of a face,
  as the annotators of its training data would have; people agree with those labels on about
  two faces in three.
- FER-2013 carries no demographic labels: differences between groups of people are unmeasured
  here, and must be expected.
- It was trained on small gray web pictures of mostly frontal faces. Profiles, occlusion,
  strong shadows, children and drawings are harder.
- Disgust has 436 training faces: read its figures with that in mind.

## Law

- EU AI Act, Article 5(1)(f): inferring emotions of people at work or in education is
  prohibited, medical and safety reasons excepted.
- EU AI Act, Article 50(3): people exposed to an emotion recognition system must be told.
- Do not use the model to decide anything about a person.
"""


def model_card(config: BundleConfig) -> str:
    """Markdown with Hub metadata (``model-index``) and every figure of the config."""
    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Facial expression recognition",
            dataset_type="fer2013",
            dataset_name=f"FER-2013 {SPLIT_NAMES.get(split, split)}",
            dataset_split=split,
            metric_type=kind,
            metric_name=name,
            metric_value=figures[key],
        )
        for split, figures in config.metrics.items()
        for key, kind, name in (("accuracy", "accuracy", "Accuracy"), ("macro_f1", "f1", "Macro F1"))
    ]
    data = ModelCardData(
        language="en",
        license="apache-2.0",
        library_name="litert",
        pipeline_tag="image-classification",
        tags=["facial-expression-recognition", "emotion-recognition", "fer2013", config.arch],
        model_name=config.name,
        eval_results=results or None,
    )
    sections = [_intro(config), _summary(config), *(_split(name, config) for name in config.metrics)]
    sections += [_export(config), _training(config), _LIMITS]
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n".join(section for section in sections if section)


def _intro(config: BundleConfig) -> str:
    colour = "gray" if config.channels == 1 else "RGB"
    return f"""\
# {config.name}

{config.arch} that names the perceived expression of a face: {", ".join(config.labels)}.
Input: one {config.height}x{config.width} {colour} crop, raw uint8; scaling and enlarging are part of the graph.
Output: logits, to be divided by the temperature {config.temperature:g} before the softmax.
"""


def _summary(config: BundleConfig) -> str:
    if not config.metrics:
        return ""
    rows = [
        f"| {SPLIT_NAMES.get(split, split)} | {m['faces']} | {m['accuracy']:.4f} | {m['balanced_accuracy']:.4f} | "
        f"{m['macro_f1']:.4f} | {m['nll']:.3f} | {m['ece']:.4f} | {m['without_twins']['accuracy']:.4f} "
        f"({m['without_twins']['faces']}) |"
        for split, m in config.metrics.items()
    ]
    head = (
        "| split | faces | accuracy | balanced | macro-F1 | NLL | ECE | accuracy without twins (faces) |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    return (
        "## Results, as served (quantised, one crop)\n\n" + "\n".join([head, *rows]) + "\n\n"
        "Twins are test faces that are byte-identical to a Training face. PublicTest chose the epoch and\n"
        "the temperature; PrivateTest was measured once, afterwards. To repeat:\n"
        "`python -m emotion_core evaluate BUNDLE --data fer2013.csv --split private`\n"
    )


def _split(split: str, config: BundleConfig) -> str:
    m = config.metrics[split]
    rows = [
        f"| {label} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} | {c['faces']} |"
        for label, c in m["per_class"].items()
    ]
    rule = config.uncertain
    table = "| expression | precision | recall | F1 | faces |\n| --- | --- | --- | --- | --- |\n" + "\n".join(rows)
    certain = m["accuracy_when_certain"]
    return (
        f"### {SPLIT_NAMES.get(split, split)}, per class\n\n{table}\n\n"
        f"{m['uncertain_share']:.1%} of the faces are shown as uncertain (best probability under "
        f"{rule.min_confidence:g}, or a lead under {rule.min_margin:g})"
        + (f"; on the others the accuracy is {certain:.4f}.\n" if certain is not None else ".\n")
    )


def _export(config: BundleConfig) -> str:
    if not config.export:
        return ""
    rows = [
        f"| {form}{' (shipped)' if form == config.export['form'] else ''} | {row['megabytes']:.1f} | "
        f"{row['public_accuracy']:.4f} | {row['milliseconds_1_face']:.2f} | {row['milliseconds_10_faces']:.2f} |"
        for form, row in config.export["forms"].items()
    ]
    return (
        "## Forms of the graph\n\n"
        "| form | MB | PublicTest accuracy | ms, 1 face | ms, 10 faces |\n| --- | --- | --- | --- | --- |\n"
        + "\n".join(rows)
        + "\n\nTimes are medians of one run on the exporting machine: compare them with each other only.\n"
    )


def _training(config: BundleConfig) -> str:
    record: dict[str, Any] = dict(config.training)
    if not record:
        return ""
    settings = "\n".join(f"| {name} | `{value}` |" for name, value in record.get("config", {}).items())
    epochs = "\n".join(
        f"| {row['epoch']} | {row['loss']} | {row['accuracy']} | {row['public_loss']} | {row['public_accuracy']} |"
        for row in record.get("history", [])
    )
    return f"""\
## Training

FER-2013 (Goodfellow et al. 2013), Training split, with a share of the FER+ votes (Barsoum et al.
2016) in the targets where `votes_share` is above 0 and the votes were given ({record.get("votes")}).
{record.get("hours")} hours on {record.get("hardware")}; Keras {record.get("keras")} on {record.get("backend")}.
Data SHA-256 `{record.get("data_sha256", "")[:16]}`.

| setting | value |
| --- | --- |
{settings}

| epoch | loss | accuracy | PublicTest loss | PublicTest accuracy (averaged weights) |
| --- | --- | --- | --- | --- |
{epochs}
"""
