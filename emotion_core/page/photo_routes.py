"""Routes for the Image tab's script: a photo's answer, the explanation of a face, and the examples.

The request body is the photo's file; nothing is written to disk. The limits that apply to the whole
server (``serving.bodies``, ``serving.workshop``) apply here too.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import BusyError, EmotionError
from ..images import RGB
from ..recognition.catalogue import Catalogue
from ..serving.leaving import leaving
from ..serving.places import MOST_WAITING
from ..serving.refusals import ApiError
from ..serving.threads import in_thread
from ..serving.workshop import Workshop
from .example_clip import drawn_clip
from .example_photos import EXAMPLES, photo_file, thumbnail_file
from .explanation import Explainer, fitting
from .photo_answer import answer_photo
from .photo_view import shown

T = TypeVar("T")

_HEADERS: Final = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}
_EXAMPLE_HEADERS: Final = {"Cache-Control": "public, max-age=86400"}


class PhotoRoutes:
    """The Image tab's routes, below ``page/``."""

    def __init__(self, catalogue: Catalogue, workshop: Workshop) -> None:
        """workshop: shared with the server's other entry points."""
        self._catalogue, self._workshop = catalogue, workshop
        self._explainer = Explainer()
        self._threads = CapacityLimiter(MOST_WAITING + workshop.places.most)

    def routes(self) -> list[Route]:
        """The routes, to be placed before the page, which is a catch-all."""
        return [
            Route("/page/photo", self.photo, methods=["POST"]),
            Route("/page/why", self.why, methods=["POST"]),
            Route("/page/examples/clip.mp4", self.clip, methods=["GET"]),
            Route("/page/examples/{name}", self.example, methods=["GET"]),
        ]

    async def photo(self, request: Request) -> Response:
        """``?model=&detector=&other=&picture=1`` and a file -> a ``ShownPhoto``, and how long an explanation takes."""
        asked = request.query_params
        model, detector, other = (asked.get(name) or None for name in ("model", "detector", "other"))

        def named(rgb: RGB) -> dict[str, Any]:
            answer = answer_photo(self._catalogue, rgb, model, detector, other)
            seconds = self._explainer.seconds(answer.result.model)
            return {**shown(answer, bool(asked.get("picture"))), "reason_seconds": round(seconds, 2)}

        def work(content: bytearray, address: str) -> dict[str, Any]:
            for one, found_by in ((model, detector), (other, None)):
                self._catalogue.get(one, found_by)  # a wrong name is told before the photo is decoded
            return self._workshop.work_on(content, address, named)

        return JSONResponse(await self._answer(request, work), headers=_HEADERS)

    async def why(self, request: Request) -> Response:
        """``?model=&label=`` and a crop as a file -> ``{"html"}``: the parts of it that support the label."""
        model, label = request.query_params.get("model") or None, request.query_params.get("label", "")

        def work(content: bytearray, address: str) -> dict[str, str]:
            recognizer = self._catalogue.get(model)
            config = recognizer.config
            crop = fitting(recognizer, self._workshop.crop(content, address, max(config.height, config.width)))
            # Not in a photo's place, which would be held ten times as long, and while others are explained.
            with self._workshop.long_turn(address, self._explainer.seconds(config.name)):
                try:
                    return {"html": self._explainer.explain(recognizer, crop, label)}
                except ValueError as error:
                    raise ApiError(422, str(error), field="label") from error

        return JSONResponse(await self._answer(request, work), headers=_HEADERS)

    async def example(self, request: Request) -> Response:
        """An example's photo, or with ``?small=1`` its thumbnail."""
        name = request.path_params["name"]
        if name not in EXAMPLES:
            raise ApiError(404)
        make = thumbnail_file if request.query_params.get("small") else photo_file
        content = await in_thread(make, name)
        return Response(content, media_type="image/jpeg", headers=_EXAMPLE_HEADERS)

    async def clip(self, _request: Request) -> Response:
        """The Video tab's example."""
        content = await in_thread(drawn_clip)
        return Response(content, media_type="video/mp4", headers=_EXAMPLE_HEADERS)

    async def _answer(self, request: Request, work: Callable[[bytearray, str], T]) -> T:
        """The result of ``work`` on the request body and the sender's address; every refusal is an ApiError."""
        content, address = bytearray(), self._workshop.address_of(request.scope)
        async for part in request.stream():  # the whole at once would be there twice for a moment
            content += part
        try:
            async with leaving(request):
                return await in_thread(work, content, address, limiter=self._threads)
        except BusyError as error:
            raise ApiError(503, str(error), headers={"Retry-After": "2"}) from error
        except EmotionError as error:
            raise ApiError(422, str(error)) from error
