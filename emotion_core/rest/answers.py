"""What REST answers about pictures."""

import json
import logging
import threading
from collections.abc import Sequence

from fastapi.responses import Response
from typing_extensions import TypedDict

from ..errors import BusyError, ImageError, ModelNotFoundError
from ..recognition.catalogue import Catalogue
from ..recognition.recognizer import EmotionRecognizer
from ..results import FrameDict
from ..serving.refusals import ApiError, ErrorDict
from ..serving.workshop import Workshop
from .pictures import Picture, file_of


class AnalysisDict(TypedDict):
    """An answer or an error for each picture, in the order of the request."""

    results: list[FrameDict | ErrorDict]


def answer(
    catalogue: Catalogue,
    model: str | None,
    pictures: Sequence[Picture],
    shop: Workshop,
    address: str,
    gone: threading.Event,
) -> Response:
    """An ``AnalysisDict`` as JSON. Raises ApiError if there is one picture, which cannot be used, or no such model.

    gone: set when nobody waits for it any more; then it ends after the picture that is being analysed, if one is.

    It is written here, in a worker's thread and picture by picture: of 32 with 500 faces it takes a quarter of a
    second, for which everybody would wait.
    """
    try:
        recognizer = catalogue.get(model)
    except ModelNotFoundError as error:
        raise ApiError(422, str(error), code="unknown_model", field="model") from error
    analyzed = _analyze if len(pictures) == 1 else _among_others
    results = []
    for picture in pictures:
        if gone.is_set():
            raise ApiError(400)  # which nobody reads
        results.append(_json(analyzed(recognizer, picture, shop, address)))
    return Response(b'{"results":[%b]}' % b",".join(results), media_type="application/json")


def _json(result: FrameDict | ErrorDict) -> bytes:
    return json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()


def _among_others(
    recognizer: EmotionRecognizer, picture: Picture, shop: Workshop, address: str
) -> FrameDict | ErrorDict:
    """Of several pictures, one that cannot be used has an error in its place, and the others go on."""
    try:
        return _analyze(recognizer, picture, shop, address)
    except ApiError as error:
        return error.to_dict()
    except Exception:
        logging.getLogger(__name__).exception("A picture was not analysed.")
        return ApiError(500, field=picture.field).to_dict()


def _analyze(recognizer: EmotionRecognizer, picture: Picture, shop: Workshop, address: str) -> FrameDict:
    try:
        return shop.work_on(file_of(picture), address, recognizer.analyze_rgb).to_dict()
    except ImageError as error:
        raise ApiError(422, str(error), code="unreadable_image", field=picture.field) from error
    except BusyError as error:
        raise ApiError(503, str(error), headers={"Retry-After": "2"}) from error
