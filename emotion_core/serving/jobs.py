"""Long work in the background: one worker, a bounded queue, results that are deleted after a while.

    queued -> running -> done or failed
        queued or running -> cancelled

Of a job, only the type and place of an unexpected error are logged.
"""

import contextlib
import logging
import secrets
import shutil
import threading
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from ..errors import BusyError, EmotionError
from .line import Line, Place
from .temporary import ShortLivedFolder

log = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed", "cancelled"]
#: How long a stop waits for the running job to reach its next step, in seconds.
PATIENCE: Final = 1.5


class Progress(Protocol):
    """How far a job has got. total and seconds_left are None while unknown; fraction is 0 to 1."""

    @property
    def frames(self) -> int:
        """Frames done."""

    @property
    def total(self) -> int | None:
        """Frames in all; None if the file does not say."""

    @property
    def fraction(self) -> float:
        """How much is done, 0 to 1."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds for the rest; None while unknown."""


class Runner(Protocol):
    """Reads source, writes its results into folder, and yields at every step, at which it may be closed.

    The files are named after the source: ``source.json`` and so on.
    An EmotionError's message is shown to the job's sender.
    """

    def __call__(self, source: Path, folder: Path, copy: bool, /) -> Generator[Progress, None, None]:
        """Process ``source``, write into ``folder`` and yield progress; copy: also write the annotated video."""


class Videos(Protocol):
    """Accepts videos: the line that all wait in, and the work on the one whose turn it is (a ``Runner``)."""

    @property
    def line(self) -> Line:
        """The line that all videos wait in."""

    def run(self, source: Path, folder: Path, copy: bool, /) -> Generator[Progress, None, None]:
        """As ``Runner``."""


@dataclass(eq=False)
class Job:
    """source: the file to process, deleted once the work is over. results: the folder for its output.

    place: in the line for the worker, until the job is over. copy: whether to write the annotated video.
    """

    id: str
    folder: Path
    place: Place
    copy: bool = True
    state: State = "queued"
    progress: Progress | None = None
    error: str = ""
    ended: float = 0.0  # time.monotonic()

    @property
    def source(self) -> Path:
        """The uploaded file."""
        return self.folder / "source"

    @property
    def results(self) -> Path:
        """The folder of its results."""
        return self.folder / "results"


class JobQueue:
    """Runs jobs one after another, each in its turn. Safe to share between threads.

    line: for the worker; others may wait in it too. keep_seconds: how long a job that has ended, and
    its results, stay available. files: the folder that holds them, whose sweeper deletes them.
    """

    def __init__(self, runner: Runner, line: Line, keep_seconds: float, files: ShortLivedFolder) -> None:
        self._root = files.apart("jobs")
        self._runner, self._line, self._keep = runner, line, keep_seconds
        self._room = files.room
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        #: Jobs in line, by their places.
        self._standing: dict[Place, Job] = {}
        self._stopped = threading.Event()
        self._worker = threading.Thread(target=self._work, daemon=True, name="jobs")
        self._worker.start()
        files.also(self.sweep)

    def reserve(self, address: str = "") -> Job:
        """A job with a place in line, for writing ``source`` and then submitting or cancelling.

        Raises BusyError when the line is full, or the address has its share of it, and OSError when the disk has no
        room for a folder; the place is then freed.
        """
        with self._lock:
            if self._stopped.is_set():
                raise BusyError("The server is stopping. Send the video again in a minute.")
            place = self._line.take(address)
            name = secrets.token_urlsafe(18)  # 144 bits, so that nobody can guess it
            job = Job(name, self._root / name, place)
            try:
                job.results.mkdir(parents=True)
            except OSError:
                place.leave()
                raise
            self._room.own(job.results, address)
            self._jobs[name] = job
            return job

    def submit(self, job: Job) -> None:
        """Put a reserved job, its source written, into the line."""
        with self._lock:
            if job.state != "queued":
                return
            self._standing[job.place] = job
            job.place.stand()

    def get(self, name: str) -> Job | None:
        """The job with that id, or None if there never was one or it has been forgotten."""
        with self._lock:
            job = self._jobs.get(name)
            return None if job is None or self._is_over(job) else job

    def cancel(self, job: Job) -> None:
        """Stop an unfinished job at its next step; forget one that has ended, with its results."""
        with self._lock:
            if job.state == "queued":
                self._end(job, "cancelled")
            elif job.state == "running":
                job.state, job.ended = "cancelled", time.monotonic()  # the worker deletes the files
            else:
                self._forget(job)

    def close(self) -> None:
        """Cancel everything and delete all files."""
        self._stopped.set()
        with self._lock:
            for job in self._jobs.values():
                if job.state in ("queued", "running"):
                    job.state = "cancelled"
                    job.place.leave()
        with self._line.moved:
            self._line.moved.notify_all()
        self._worker.join(PATIENCE)
        shutil.rmtree(self._root, ignore_errors=True)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            with self._lock:
                if job.state != "queued":
                    continue
                job.state = "running"
            job.error = self._run(job)
            with self._lock:
                self._end(job, "failed" if job.error else "done")

    def _next(self) -> Job | None:
        """Wait for the job whose turn it is; None at the end."""
        with self._line.moved:
            while not self._stopped.is_set():
                if self._line.order and (job := self._standing.get(self._line.order[0])):
                    return job
                self._line.moved.wait()
        return None

    def _run(self, job: Job) -> str:
        """Run until done or cancelled; returns the error's text, "" for none."""
        try:
            with contextlib.closing(self._runner(job.source, job.results, job.copy)) as steps:
                for job.progress in steps:
                    if job.state == "cancelled":
                        break
        except EmotionError as error:
            return str(error).replace(str(job.results), "its folder")  # the sender must not see server paths
        except Exception as error:
            # The place but not the message, which may quote the visitor's file.
            *_, last = traceback.extract_tb(error.__traceback__)
            log.error("A job failed with %s in %s, line %s.", type(error).__name__, last.filename, last.lineno)
            return "The server failed on this file. Try another, or a shorter one."
        return ""

    def _end(self, job: Job, state: State) -> None:
        job.place.leave()
        self._standing.pop(job.place, None)
        if job.state != "cancelled":
            job.state, job.ended = state, time.monotonic()
        if job.state == "done":
            job.source.unlink(missing_ok=True)
        else:
            shutil.rmtree(job.folder, ignore_errors=True)

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _is_over(self, job: Job) -> bool:
        return job.ended > 0 and time.monotonic() - job.ended > self._keep

    def sweep(self) -> None:
        """Forget the jobs that ended too long ago, and delete their files."""
        with self._lock:
            for job in [job for job in self._jobs.values() if self._is_over(job)]:
                self._forget(job)
