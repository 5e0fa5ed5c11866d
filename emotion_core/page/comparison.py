"""Two models on the same photo, face by face."""

import html

from ..images import RGB, data_uri
from ..labels import SYMBOLS, colour_of
from ..recognition.recognizer import EmotionRecognizer
from ..render import thumbnail
from ..results import Prediction


def compare(rgb: RGB, recognizers: list[EmotionRecognizer]) -> str:
    """HTML: for every face what each model answers, its three best guesses, and whether they agree.

    The faces are found once, by the first recognizer's detector. Empty when there is no face.
    """
    found = recognizers[0].detector.detect(rgb)
    if not found:
        return ""
    answers = [recognizer.classify(rgb, found).predictions for recognizer in recognizers]
    names = [html.escape(recognizer.config.name) for recognizer in recognizers]
    head = '<th scope="col">face</th>' + "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = []
    for number, faces in enumerate(zip(*answers, strict=True), 1):
        picture = data_uri(thumbnail(rgb, faces[0].face.box, 64))
        agreed = "agree" if len({face.label for face in faces}) == 1 else "differ"
        cells = "".join(f"<td>{_guesses(face)}</td>" for face in faces)
        rows.append(f'<tr class="{agreed}"><th scope="row"><img src="{picture}" alt="Face {number}"></th>{cells}</tr>')
    same = sum('class="agree"' in row for row in rows)
    return (
        f'<section aria-live="polite"><h3>The models agree on {same} of {len(rows)} faces</h3>'
        f'<div class="table" tabindex="0" role="region" aria-label="Comparison"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _guesses(prediction: Prediction) -> str:
    lines = "".join(
        f'<li><span class="dot" style="background:{colour_of(label)}"></span>'
        f'<span aria-hidden="true">{SYMBOLS.get(label, "")}</span> {html.escape(label)} {share:.0%}</li>'
        for label, share in prediction.ranked()[:3]
    )
    return f"<ul>{lines}</ul>" + ("<small>uncertain</small>" if prediction.uncertain else "")
