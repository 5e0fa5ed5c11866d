"""A photo's answer as HTML and data for the page."""

from collections.abc import Sequence
from typing import Any, Final

from PIL import Image
from typing_extensions import TypedDict

from ..as_text import as_csv, as_json
from ..data_uris import data_uri
from ..labels import colour_of, ink_on
from ..recognition.pyramid import at_most
from ..render import caption, thumbnail
from ..results import BoxDict, table
from .photo_answer import PhotoAnswer, heading
from .templating import render

#: Longest side, in pixels, of a picture for browsers that cannot show the file itself.
_SHOWN_SIDE: Final = 1600


class ShownFace(TypedDict):
    """What the browser draws over the photo. crop: the network's input, a PNG as a data URL."""

    box: BoxDict
    label: str
    caption: str
    colour: str
    ink: str
    confidence: float
    crop: str


class ShownPhoto(TypedDict):
    """A photo's answer for the page's script; sizes in pixels of the upright photo. picture: only on request."""

    width: int
    height: int
    heading: str
    html: str
    faces: list[ShownFace]
    json: str
    csv: str
    picture: str | None


def shown(answer: PhotoAnswer, with_picture: bool = False) -> ShownPhoto:
    """The answer as HTML, files to save, and boxes to draw. with_picture: also include a small copy."""
    result = answer.result
    many = len(result.predictions) > 1
    faces: list[ShownFace] = [
        {
            "box": prediction.face.box.to_dict(),
            "label": prediction.emotion,
            "caption": caption(prediction, number if many else None),
            "colour": colour_of(prediction.emotion),
            "ink": ink_on(colour_of(prediction.emotion)),
            "confidence": prediction.confidence,
            "crop": _exact(crop),
        }
        for number, (prediction, crop) in enumerate(zip(result.predictions, answer.crops, strict=True), 1)
    ]
    return {
        "width": result.width,
        "height": result.height,
        "heading": heading(result),
        "html": _faces(answer),
        "faces": faces,
        "json": as_json(result),
        "csv": as_csv(result),
        "picture": _copy(answer) if with_picture else None,
    }


def html_rows(header: Sequence[str], rows: Sequence[Sequence[Any]], name: str = "All numbers") -> str:
    """HTML: any table of figures; it scrolls by itself, as it is wide."""
    return render("rows.html", header=header, rows=rows, name=name)


def refusal(message: str) -> str:
    """HTML: why a file could not be used."""
    return render("refusal.html", message=message)


def _faces(answer: PhotoAnswer) -> str:
    result, other = answer.result, answer.other
    others = other.predictions if other else [None] * len(result.predictions)
    header, rows = table(result)
    return render(
        "faces.html",
        heading=heading(result),
        result=result,
        faces=[
            {"number": number, "thumbnail": thumbnail(answer.rgb, one.face.box), "face": one, "other": second}
            for number, (one, second) in enumerate(zip(result.predictions, others, strict=True), 1)
        ],
        agreed=sum(
            one.emotion == second.emotion for one, second in zip(result.predictions, others, strict=True) if second
        ),
        other=other,
        header=header,
        rows=rows,
    )


def _exact(crop: Any) -> str:
    """A crop as a PNG, lossless as it may be sent back to be explained."""
    pixels = crop[..., 0] if crop.shape[-1] == 1 else crop
    return data_uri(Image.fromarray(pixels), "PNG")


def _copy(answer: PhotoAnswer) -> str:
    # Pillow would first make a copy of the whole photo, a third larger than it: 200 MB of fifty megapixels.
    return data_uri(Image.fromarray(at_most(answer.rgb, _SHOWN_SIDE)), "JPEG")
