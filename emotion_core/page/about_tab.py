"""What the page says of the models, their figures, their limits and the law."""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

import gradio as gr

from ..project import NOTEBOOKS, REPOSITORY
from ..recognition.bundle_config import BundleConfig
from ..recognition.catalogue import Catalogue
from ..recognition.recognizer import EmotionRecognizer

_LAW: Final = """\
**Perceived expression, not feeling.** The system names what a face looks like to an annotator of its training data.
It cannot know what a person feels, and it has not been measured for differences between groups of people.

**Law.** In the EU, inferring emotions of people at work or in education is prohibited (AI Act, Art. 5(1)(f); medical
and safety uses excepted), and people exposed to such a system must be told (Art. 50(3)). Use it on yourself, or on
pictures of people who agreed, and decide nothing about anyone with it.
"""
_LIMITS: Final = """\
### Limits

- Trained on small gray web pictures of mostly frontal faces: profiles, hands before the face, hard shadows, children
  and drawings are harder.
- People who label such faces agree with each other on about two in three; no figure here can be read without that.
- Some expressions have few faces to learn from, disgust above all: see its row.
"""
_NEEDED: Final = {"faces", "accuracy", "macro_f1", "ece", "without_twins"}


def about(recognizer: EmotionRecognizer) -> str:
    """Markdown: the model that answers, what it was measured to do, and what not to do with it."""
    config = recognizer.config
    lines = [f"**Model** {recognizer.origin}: {config.arch}. **Faces** found by {recognizer.detector.name}."]
    figures = config.metrics.get("private")
    if figures and figures.keys() >= _NEEDED:
        twins = figures["without_twins"]
        lines.append(
            f"On {figures['faces']} faces of FER-2013's PrivateTest it names the labelled expression in "
            f"**{figures['accuracy']:.1%}** of cases (macro-F1 {figures['macro_f1']:.3f}); "
            f"{twins['accuracy']:.1%} without the faces that also occur in the training data. "
            f"Its probabilities are calibrated (expected calibration error {figures['ece']:.3f})."
        )
    else:
        lines.append("This model comes without measured figures.")
    rule = config.uncertain
    lines.append(
        f'A face is marked "uncertain" when its best probability is under {rule.min_confidence:.0%} or '
        f"leads by less than {rule.min_margin * 100:.0f} points."
    )
    return "\n\n".join([" ".join(lines), _LAW])


def about_tab(catalogue: Catalogue) -> None:
    """The figures of every model that can answer, limits, and where to read on."""
    for model in catalogue.describe():
        config = catalogue.config(model["name"])
        with gr.Accordion(f"{config.name}: measured figures", open=model["default"]):
            gr.HTML(measured(config), elem_classes="measured")
    gr.Markdown(_LIMITS)
    links = [f"[{title}]({REPOSITORY}/blob/main/training_notebooks/{name})" for name, title in NOTEBOOKS.items()]
    gr.Markdown(
        "### How the models were trained and measured\n\n"
        f"Told, with everything needed to repeat it, by eight notebooks: {', '.join(links)}."
    )


def measured(config: BundleConfig) -> str:
    """HTML: precision, recall and F1 per expression, and the confusion matrix, on the test split."""
    figures = config.metrics.get("private")
    if not figures or not figures.keys() >= _NEEDED | {"per_class", "confusion"}:
        return "<p>This model comes without measured figures.</p>"
    rows = "".join(
        f'<tr><th scope="row">{html.escape(label)}</th><td>{row["precision"]:.1%}</td><td>{row["recall"]:.1%}</td>'
        f"<td>{row['f1']:.1%}</td><td>{row['faces']}</td></tr>"
        for label, row in figures["per_class"].items()
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("expression", "precision", "recall", "F1", "test faces"))
    return (
        f"<p>Accuracy {figures['accuracy']:.1%} on {figures['faces']} faces that had no part in training or choosing."
        f'</p><div class="two"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"{_confusion(figures, config.labels)}</div>"
    )


def _confusion(figures: Mapping[str, Any], labels: Sequence[str]) -> str:
    """Rows are the labels, columns the answers, cells shares of the row; darker is more."""
    head = "".join(f'<th scope="col"><span>{html.escape(label)}</span></th>' for label in labels)
    body = ""
    for label, counts in zip(labels, figures["confusion"], strict=True):
        total = max(sum(counts), 1)
        cells = "".join(
            f'<td style="--share:{count / total:.3f}" title="{count} of {total}">{count / total:.0%}</td>'
            for count in counts
        )
        body += f'<tr><th scope="row">{html.escape(label)}</th>{cells}</tr>'
    return (
        '<table class="confusion"><caption>Each row: how the faces of one label were answered</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
