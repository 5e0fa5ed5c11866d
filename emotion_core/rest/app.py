"""The REST interface: pictures, models and health; ``videos`` adds videos. ``/docs`` documents it.

    POST /api/v1/analyze     one or many pictures -> every face's perceived expression
    GET  /api/v1/models      the models, with their measured figures
    GET  /healthz            open to everyone, for load balancers

Errors have the shape defined in ``refusals``; key and rate limit are in ``limits``.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Final

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.routing import Match
from typing_extensions import TypedDict

from ..recognition.catalogue import Catalogue, ModelDict
from ..results import FrameDict
from ..serving.bodies import Bodies
from ..serving.browser_runtime import CDN, CDN_HOST
from ..serving.guard import Guard
from ..serving.jobs import Videos
from ..serving.leaving import leaving
from ..serving.places import MOST_WAITING
from ..serving.refusals import ApiError, ErrorDict, answer_errors, described
from ..serving.room import Room
from ..serving.temporary import UPLOAD_SECONDS, ShortLivedFolder
from ..serving.threads import in_thread
from ..serving.workshop import Workshop
from ..settings import Settings
from .answers import AnalysisDict, answer
from .limits import Gate, media_type, read_form
from .pictures import Picture, from_form, from_json, request_body, too_many_pictures
from .videos import add_video_routes

METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_DOCS: Final = Path(__file__).with_name("docs.html")
_FRAME: Final[FrameDict] = {
    "width": 512,
    "height": 512,
    "rotation": 0,
    "notes": [],
    "model": "fer2013-resnet50v2",
    "detector": "YuNet",
    "faces": [
        {
            "box": {"x": 173, "y": 64, "width": 101, "height": 136},
            "angle": 5.4,
            "detection_score": 0.94,
            "emotion": "happy",
            "confidence": 0.93,
            "uncertain": False,
            "doubts": [],
            "probabilities": {"angry": 0.01, "happy": 0.93, "neutral": 0.06},
        }
    ],
}
_MODEL: Final[ModelDict] = {
    "name": "fer2013-resnet50v2",
    "default": True,
    "origin": "fer2013-resnet50v2 (embedded)",
    "arch": "resnet50v2",
    "labels": ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"],
    "input": {"height": 48, "width": 48, "channels": 1},
    "figures": {},
}
_UNREADABLE: Final[ErrorDict] = {
    "error": {
        "code": "unreadable_image",
        "message": "The picture is damaged or cut short. Export or send it again.",
        "field": "image.1",
    }
}


class ModelsDict(TypedDict):
    """All models, the default first."""

    models: list[ModelDict]


class HealthDict(TypedDict):
    """The server answers, and with which model."""

    status: str
    model: str


def create_api(
    catalogue: Catalogue,
    settings: Settings,
    videos: Videos | None = None,
    workshop: Workshop | None = None,
    files: ShortLivedFolder | None = None,
) -> FastAPI:
    """The application, ready for a page to be mounted next to it; it accepts videos only if ``videos`` is given.

    workshop, files: shared with the page, so that both have one work limit and one sweeper. The
    lifespan stops the work and deletes the files, so serve the application with the lifespan on.
    """
    shop, gate = workshop or Workshop(settings), Gate(settings)
    kept = files or ShortLivedFolder(UPLOAD_SECONDS, result_seconds=settings.keep_seconds)
    threads = CapacityLimiter(MOST_WAITING + settings.concurrency)
    name = catalogue.get().config.name
    router = APIRouter(prefix="/api/v1", dependencies=[Depends(gate), *_documented_key(settings)])

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        shop.close()
        if jobs is not None:
            jobs.close()
        kept.delete()

    app = FastAPI(
        title="Emotion detection",
        version="1",
        description="The perceived expression of every face in a picture. An expression is not a feeling.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    answer_errors(app)
    app.add_middleware(Bodies, settings=settings, room=Room(kept))
    # Added last, so it is outermost and its headers are on every answer.
    runtime = settings.browser_runtime
    app.add_middleware(Guard, cdn=CDN_HOST if runtime == CDN else "", isolated=runtime is not None)

    @router.post(
        "/analyze",
        summary="Analyse one or many pictures",
        response_model=AnalysisDict,
        responses=_shown({"results": [_FRAME, _UNREADABLE]}) | described(400, 401, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": request_body()},
    )
    async def analyze(
        request: Request,
        model: Annotated[str | None, Query(description="A name from /api/v1/models; by default the first.")] = None,
    ) -> Response:
        """Every face of every picture, largest first. No face is an empty list, not an error.

        A single picture that cannot be used is refused with 422; among several it gets an error
        of its own, and the others are answered.
        """
        address = shop.address_of(request.scope)

        async def answers(pictures: Callable[[], list[Picture]]) -> Response:
            async with leaving(request) as gone:
                return await in_thread(
                    lambda: answer(catalogue, model, pictures(), shop, address, gone), limiter=threads
                )

        match media_type(request):
            case "multipart/form-data":
                form = await read_form(request, settings.max_images, too_many_pictures(settings.max_images))
                try:
                    return await answers(lambda: from_form(form, settings.max_images))
                finally:
                    await form.close()
            case "application/json":
                sent = [b"".join([part async for part in request.stream()])]  # the request would keep it, too
                return await answers(lambda: from_json(sent.pop(), settings.max_images))
            case _:
                raise ApiError(415)

    @router.get("/models", summary="List the models", responses=_shown({"models": [_MODEL]}) | described(401))
    def models() -> ModelsDict:
        """The models that can answer, the default first, with what was measured and on which split."""
        return {"models": catalogue.describe()}

    jobs = add_video_routes(router, settings, videos, kept, shop) if videos is not None else None
    app.include_router(router)

    @app.head("/healthz", include_in_schema=False)  # many monitors ask so
    @app.get("/healthz", summary="Tell whether the server answers", responses=_shown({"status": "ok", "model": "..."}))
    async def health() -> HealthDict:
        """Open to all; needs no key and counts towards no limit."""
        return {"status": "ok", "model": name}  # nothing here may wait

    _add_the_rest(app, router)
    return app


def _add_the_rest(app: FastAPI, router: APIRouter) -> None:
    """Add the documentation, and an answer for every unknown REST path."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        policy = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
        return HTMLResponse(_DOCS.read_text(), headers={"Content-Security-Policy": policy})

    # After the routes above, and before a page mounted as a catch-all.
    @app.api_route("/api", methods=list(METHODS), include_in_schema=False)
    @app.api_route("/api/{rest:path}", methods=list(METHODS), include_in_schema=False)
    async def unknown(request: Request) -> Response:
        allowed = [method for method in METHODS if _is_served(router, request, method)]
        raise ApiError(405, headers={"Allow": ", ".join(allowed)}) if allowed else ApiError(404)


def _is_served(router: APIRouter, request: Request, method: str) -> bool:
    return any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in router.routes)


def _shown(example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}


def _documented_key(settings: Settings) -> list[Any]:
    """Dependencies that document the key in OpenAPI; the gate checks it."""
    doors = [Depends(HTTPBearer(auto_error=False)), Depends(APIKeyHeader(name="X-API-Key", auto_error=False))]
    return doors if settings.api_key else []
