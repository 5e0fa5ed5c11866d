"""What the page says of the model, its figures, its limits and the law."""

from .recognizer import EmotionRecognizer

_LAW = """\
**Perceived expression, not feeling.** The system names what a face looks like to an annotator of its training data.
It cannot know what a person feels, and it has not been measured for differences between groups of people.

**Law.** In the EU, inferring emotions of people at work or in education is prohibited (AI Act, Art. 5(1)(f); medical
and safety uses excepted), and people exposed to such a system must be told (Art. 50(3)). Use it on yourself, or on
pictures of people who agreed, and decide nothing about anyone with it.
"""


def about(recognizer: EmotionRecognizer) -> str:
    """Markdown: the model that answers, what it was measured to do, and what not to do with it."""
    config = recognizer.config
    lines = [f"**Model** {recognizer.origin}: {config.arch}. **Faces** found by {recognizer.detector.name}."]
    figures = config.metrics.get("private")
    if figures and {"faces", "accuracy", "macro_f1", "ece", "without_twins"} <= figures.keys():
        twins = figures["without_twins"]
        lines.append(
            f"On the {figures['faces']} faces of FER-2013's PrivateTest it names the labelled expression in "
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
