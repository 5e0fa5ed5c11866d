"""The pictures of a request, as files in a form or as base64 in JSON, and their OpenAPI description."""

import io
from dataclasses import dataclass
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from ..data_uris import from_base64
from ..serving.refusals import ApiError


class Base64Pictures(BaseModel):
    """Exactly one of the two."""

    model_config = ConfigDict(extra="forbid")
    image: str | None = Field(None, description="One picture's file in base64; a data: URL is accepted, too.")
    images: list[str] | None = Field(None, description="Several pictures' files in base64.")


@dataclass(frozen=True)
class Picture:
    """A picture as sent: a file, or base64 text. field: its place in the request."""

    field: str
    content: BinaryIO | str


def file_of(picture: Picture) -> BinaryIO:
    """The picture's file; ImageError if its text is not base64."""
    if not isinstance(picture.content, str):
        return picture.content
    return io.BytesIO(from_base64(picture.content))


def from_form(form: FormData, most: int) -> list[Picture]:
    """The files named ``image``; ApiError 413 or 422."""
    pictures: list[Picture] = []
    for name, value in form.multi_items():
        if name != "image":
            raise ApiError(422, "Send every file in a part named 'image'.", field=name[:80])
        if not isinstance(value, UploadFile):
            raise ApiError(422, "The part 'image' holds text, not a file: curl needs the @ of -F image=@photo.jpg.")
        pictures.append(Picture(f"image.{len(pictures)}", value.file))
    return _counted(pictures, most)


def from_json(body: bytes, most: int) -> list[Picture]:
    """The base64 of ``image`` or ``images``; ApiError 400, 413 or 422."""
    try:
        sent = Base64Pictures.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise ApiError(400, f"{first['msg']}.") from error
        raise ApiError(422, f"{first['msg']}.", field=".".join(map(str, first["loc"]))) from error
    if (sent.image is None) == (sent.images is None):
        raise ApiError(422, "Send either 'image' or 'images'.", field="image")
    if sent.image is not None:
        return [Picture("image", sent.image)]
    return _counted([Picture(f"images.{number}", text) for number, text in enumerate(sent.images or [])], most)


def _counted(pictures: list[Picture], most: int) -> list[Picture]:
    if not pictures:
        raise ApiError(422, "There is no picture in the request: send at least one.", field="image")
    if len(pictures) > most:
        raise too_many_pictures(most)
    return pictures


def too_many_pictures(most: int) -> ApiError:
    """The refusal of a request with more than ``most`` pictures."""
    return ApiError(413, f"There are more pictures than the {most} of one request.", code="too_many")


def request_body() -> dict[str, Any]:
    """The OpenAPI description of both formats, with examples."""
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"image": files}, "required": ["image"]},
            },
            "application/json": {
                "schema": Base64Pictures.model_json_schema(),
                "examples": {
                    "one": {"value": {"image": "/9j/4AAQSkZJRg..."}},
                    "many": {"value": {"images": ["/9j/4AAQSkZJRg...", "iVBORw0KGgo..."]}},
                },
            },
        },
    }
