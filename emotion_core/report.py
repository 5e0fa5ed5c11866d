"""An analysis as text: table rows, CSV, JSON, and the cards of the page."""

import base64
import csv
import html
import io
import json
from collections.abc import Sequence
from typing import Any, Final

from PIL import Image

from .images import RGB
from .render import colour_of, thumbnail
from .results import FrameResult, Prediction

SYMBOLS: Final = {
    "angry": "😠",
    "disgust": "🤢",
    "fear": "😨",
    "happy": "😄",
    "sad": "😢",
    "surprise": "😲",
    "neutral": "😐",
    "contempt": "😏",
}
NO_FACE: Final = "No face found"
NO_FACE_HELP: Final = (
    "Nothing in this picture looks like a face. It works best when the face is turned to the camera, "
    "evenly lit and at least 40 pixels wide."
)


def table(result: FrameResult) -> tuple[list[str], list[list[Any]]]:
    """Header and one row per face; probabilities are 0 to 1, boxes in pixels."""
    labels = list(result.predictions[0].labels) if result.predictions else []
    header = ["face", "emotion", "confidence", "uncertain", "x", "y", "width", "height", *labels]
    rows = []
    for number, prediction in enumerate(result.predictions, 1):
        box = prediction.face.box
        cells = [number, prediction.label, prediction.confidence, prediction.uncertain]
        rows.append([*cells, box.x, box.y, box.width, box.height, *prediction.probabilities])
    return header, rows


def as_csv(result: FrameResult) -> str:
    """The table as CSV, with a header even when there is no face."""
    text = io.StringIO(newline="")
    header, rows = table(result)
    csv.writer(text).writerows([header, *rows])
    return text.getvalue()


def as_json(result: FrameResult) -> str:
    """``FrameResult.to_dict()`` as indented JSON."""
    return json.dumps(result.to_dict(), indent=2)


def summary(result: FrameResult) -> str:
    """One line: how many faces and what they seem to express."""
    if not result.predictions:
        return NO_FACE
    count = len(result.predictions)
    names = [prediction.label for prediction in result.predictions]
    parts = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return "1 face: " + names[0] if count == 1 else f"{count} faces: " + ", ".join(parts)


def cards(rgb: RGB, result: FrameResult) -> str:
    """HTML: a card with thumbnail and bars per face, and links that save JSON and CSV.

    The files are part of the page (data addresses), so nothing is left on the server.
    """
    if not result.predictions:
        body = f'<p class="no-face"><strong>{NO_FACE}.</strong> {NO_FACE_HELP}</p>'
    else:
        faces = [_card(rgb, prediction, number) for number, prediction in enumerate(result.predictions, 1)]
        body = f'<div class="faces">{"".join(faces)}</div>'
    saves = _save_link("emotions.json", "application/json", as_json(result), "Save JSON")
    saves += _save_link("emotions.csv", "text/csv", as_csv(result), "Save CSV")
    heading = html.escape(summary(result))
    return f'<section aria-live="polite"><h3>{heading}</h3>{body}<p class="saves">{saves}</p></section>'


def html_table(result: FrameResult) -> str:
    """HTML: the table, a row per face; empty when there is none."""
    return html_rows(*table(result)) if result.predictions else ""


def html_rows(header: Sequence[str], rows: Sequence[Sequence[Any]], name: str = "All figures") -> str:
    """HTML: any table of figures. Wide, so it scrolls by itself."""
    head = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in header)
    body = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows)
    return (
        f'<div class="figures-table" tabindex="0" role="region" aria-label="{html.escape(name)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def refusal(message: str) -> str:
    """HTML: why a picture could not be used, in place of the cards."""
    return (
        f'<section role="alert"><p class="no-face"><strong>Not analysed.</strong> {html.escape(message)}</p></section>'
    )


def _card(rgb: RGB, prediction: Prediction, number: int) -> str:
    label = html.escape(prediction.label)
    symbol = SYMBOLS.get(prediction.label, "🙂")
    doubt = '<span class="doubt">uncertain</span>' if prediction.uncertain else ""
    bars = "".join(_bar(name, share) for name, share in prediction.ranked())
    picture = data_uri(thumbnail(rgb, prediction.face.box))
    return (
        f'<article class="face"><img src="{picture}" alt="Face {number}">'
        f'<div><h4>{number}. <span aria-hidden="true">{symbol}</span> {label} '
        f"{prediction.confidence:.0%} {doubt}</h4><ul>{bars}</ul></div></article>"
    )


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else html.escape(str(value))


def _bar(name: str, share: float) -> str:
    return (
        f'<li><span class="name">{html.escape(name)}</span><span class="track" aria-hidden="true">'
        f'<span style="width:{share:.1%};background:{colour_of(name)}"></span></span>'
        f'<span class="share">{share:.1%}</span></li>'
    )


def data_uri(image: Image.Image) -> str:
    """The picture as part of a page: a WebP in a data address."""
    file = io.BytesIO()
    image.save(file, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _save_link(name: str, kind: str, content: str, text: str) -> str:
    payload = base64.b64encode(content.encode()).decode()
    return f'<a download="{name}" href="data:{kind};charset=utf-8;base64,{payload}">{text}</a>'
