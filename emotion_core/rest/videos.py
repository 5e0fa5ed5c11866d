"""Videos over REST: send, poll, fetch, cancel.

    POST   /api/v1/video                  -> 202 with the job's id
    GET    /api/v1/video/{job_id}         its state and progress
    GET    /api/v1/video/{job_id}/result  the answer (JSON); also /annotated.mp4, /frames.csv, /timeline.svg
    DELETE /api/v1/video/{job_id}         cancel it, or forget its results

The work itself is done by ``Videos``, which writes the files in ``RESULTS``.
"""

import asyncio
import shutil
from typing import Annotated, Any, Final, NotRequired

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.datastructures import FormData, UploadFile
from typing_extensions import TypedDict

from ..errors import BusyError
from ..serving.jobs import Job, JobQueue, State, Videos
from ..serving.refusals import ApiError, ErrorBody, described
from ..serving.temporary import ShortLivedFolder
from ..serving.threads import in_thread
from ..serving.workshop import Workshop
from ..settings import Settings
from ..video.results import ENDINGS
from .limits import media_type, read_form

#: Bytes copied at a time.
_CHUNK: Final = 1 << 20
#: Path below the job -> ending of the runner's file name, name for the download, media type.
RESULTS: Final = {
    "result": (ENDINGS["json"], "result.json", "application/json"),
    "annotated.mp4": (ENDINGS["video"], "annotated.mp4", "video/mp4"),
    "frames.csv": (ENDINGS["csv"], "frames.csv", "text/csv; charset=utf-8"),
    "timeline.svg": (ENDINGS["timeline"], "timeline.svg", "image/svg+xml"),
}

Copy = Annotated[
    bool, Query(description="Whether to write the annotated video, too. Without it the answers come much sooner.")
]
JobId = Annotated[str, Path(description="The id that sending the video returned.")]


class ProgressDict(TypedDict):
    """Frames done, of how many, and how far that is, 0 to 1; total and seconds_left are null while nobody knows."""

    frames: int
    total: int | None
    fraction: float
    seconds_left: float | None


class JobDict(TypedDict):
    """error is there when the state is failed."""

    id: str
    state: State
    progress: ProgressDict
    error: NotRequired[ErrorBody]


_EXAMPLE: Final[JobDict] = {
    "id": "6nX1v0qZr2mJt8KfYb3LwQpA",
    "state": "running",
    "progress": {"frames": 120, "total": 450, "fraction": 0.267, "seconds_left": 4.1},
}


def add_video_routes(
    router: APIRouter, settings: Settings, videos: Videos, files: ShortLivedFolder, workshop: Workshop
) -> JobQueue:
    """Add the routes and start their queue, which the caller closes."""
    jobs = JobQueue(videos.run, videos.line, settings.keep_seconds, files)
    shown: dict[str, Any] = {"content": {"application/json": {"example": _EXAMPLE}}}

    @router.post(
        "/video",
        status_code=202,
        summary="Send a video",
        responses={202: shown, **described(400, 401, 408, 413, 415, 422, 429, 503)},
        openapi_extra={"requestBody": _body_of_video()},
    )
    async def send(request: Request, response: Response, copy: Copy = True) -> JobDict:
        """Queue a video. Ask for its state at the address in the header Location until it says done."""
        if media_type(request) != "multipart/form-data":
            raise ApiError(415, "Send the video as multipart/form-data, in a part named 'video'.")
        try:
            job = await in_thread(jobs.reserve, workshop.address_of(request.scope))
        except BusyError as error:
            raise ApiError(503, str(error), headers={"Retry-After": "30"}) from error
        try:
            form = await read_form(request, 1, _not_one_file())
            try:
                await in_thread(_write, form, job)
            finally:
                await form.close()
        except BaseException:
            # Its folder is deleted beside the event loop; a request that is cancelled waits for nothing more.
            asyncio.get_running_loop().run_in_executor(None, jobs.cancel, job)
            raise
        job.copy = copy
        jobs.submit(job)
        response.headers["Location"] = f"{request.url.path}/{job.id}"
        return _status(job)

    def find(name: str) -> Job:
        job = jobs.get(name)
        if job is None:
            raise ApiError(404, "There is no such video; results are deleted after a while. Send it again.")
        return job

    @router.get("/video/{job_id}", summary="Ask for a video's progress", responses={200: shown, **described(401, 404)})
    def status(job_id: JobId) -> JobDict:
        """queued, running, done, failed or cancelled; and how many frames are done."""
        return _status(find(job_id))

    @router.delete("/video/{job_id}", status_code=204, summary="Cancel a video", responses=described(401, 404))
    def cancel(job_id: JobId) -> None:
        """Stop the work; of a video that is done, delete the results now."""
        jobs.cancel(find(job_id))

    def add_result(address: str, ending: str, name: str, kind: str) -> None:
        @router.get(
            f"/video/{{job_id}}/{address}",
            summary=f"Fetch {name}",
            response_class=FileResponse,
            responses={200: {"content": {kind.partition(";")[0]: {}}}, **described(401, 404, 409)},
            name=address,
        )
        def result(job_id: JobId) -> FileResponse:
            job = find(job_id)
            if job.state != "done":
                failed = job.state in ("failed", "cancelled")
                message = f"The video was {job.state}: {job.error}" if job.error else f"The video is {job.state}."
                raise ApiError(409, message, code=job.state if failed else "not_ready")
            path = job.results / f"{job.source.name}{ending}"
            if not path.is_file():
                raise ApiError(404, "This video has no such result.")
            private = {"Cache-Control": "no-store"}  # shows faces, so no proxy may cache it
            return FileResponse(path, media_type=kind, filename=name, headers=private)

    for address, result in RESULTS.items():
        add_result(address, *result)
    return jobs


def _write(form: FormData, job: Job) -> None:
    sent = form.multi_items()
    if [name for name, _ in sent] != ["video"] or not isinstance(upload := sent[0][1], UploadFile):
        raise _not_one_file()
    if not upload.size:
        raise ApiError(422, "The file is empty. Send it again.", field="video")
    with job.source.open("wb") as target:
        shutil.copyfileobj(upload.file, target, _CHUNK)


def _not_one_file() -> ApiError:
    return ApiError(422, "Send one file in a part named 'video': -F video=@clip.mp4.", field="video")


def _status(job: Job) -> JobDict:
    at = job.progress
    progress: ProgressDict = {
        "frames": at.frames if at else 0,
        "total": at.total if at else None,
        "fraction": round(at.fraction, 3) if at else 0.0,
        "seconds_left": round(at.seconds_left, 1) if at and at.seconds_left is not None else None,
    }
    found: JobDict = {"id": job.id, "state": job.state, "progress": progress}
    if job.state == "failed":
        found["error"] = {"code": "failed", "message": job.error}
    return found


def _body_of_video() -> dict[str, Any]:
    file = {"type": "string", "format": "binary"}
    schema = {"type": "object", "properties": {"video": file}, "required": ["video"]}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
