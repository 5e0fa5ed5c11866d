"""An analysis as text: table rows, CSV, JSON, and the cards of the page."""

import base64
import html
from collections.abc import Sequence
from typing import Any, Final

from ..images import RGB, data_uri
from ..labels import SYMBOLS, colour_of
from ..render import thumbnail
from ..results import NO_FACE, FrameResult, Prediction, as_csv, as_json, summary, table

NO_FACE_HELP: Final = (
    "Nothing in this picture looks like a face. It works best when the face is turned to the camera, "
    "evenly lit and at least 40 pixels wide."
)


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


def _save_link(name: str, kind: str, content: str, text: str) -> str:
    payload = base64.b64encode(content.encode()).decode()
    return f'<a download="{name}" href="data:{kind};charset=utf-8;base64,{payload}">{text}</a>'
