"""Turns a video into an annotated video, a CSV, a JSON and a timeline, reporting progress.

    with analyze_video("clip.mp4", "answers", recognizer) as work:
        for progress in work:
            print(progress.frames, progress.seconds_left)
    print(work.result().files.video)

Memory does not grow with the video's length: only a few frames are held, everything else is
written, added up or forgotten.
"""

import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import av

from ..errors import OutputError, VideoError
from ..recognition.recognizer import EmotionRecognizer
from ..tracking.people import PeopleLog
from .drawing import paint_i420
from .follow import Followed, analyzer_of, follow, seek
from .in_order import Behind, ahead
from .pictures import Pictures
from .probe import probe
from .reader import VideoReader
from .results import VideoFiles, VideoOptions, VideoProgress, VideoSummary
from .rows import RowWriter
from .timeline import timeline_svg
from .work import Work
from .writer import VideoWriter

#: How many pictures are decoded ahead of the analysis, and how many wait to be encoded after it.
DECODED_AHEAD: Final = 4
ENCODED_BEHIND: Final = 8
#: Where all are analysed, faces are sought ahead of their naming too, in the decoder's thread: both take much longer
#: than decoding. Of ten a second few are, and the thread would wait for them with nothing decoded.
SOUGHT_AHEAD: Final = 8
#: Memory of all that wait, in bytes, where a picture whose faces are sought is there as RGB too, which takes the double
#: of the frame; one in each place waits in any case.
WAITING_BYTES: Final = 100_000_000
#: Interval between progress reports in seconds, and so the delay until a cancelled job stops.
REPORT_SECONDS: Final = 0.25


def analyze_video(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    recognizer: EmotionRecognizer,
    options: VideoOptions | None = None,
) -> Work[VideoProgress, VideoSummary]:
    """Analyse a video file and write the results into ``folder``, which is created if needed.

    Raises VideoLimitError or VideoError at once, before any work, for an unusable video. The
    work reports about four times a second, and its result is the summary. Closing it, or an
    exception in it, ends it and deletes what was written; files appear only once all are complete.

    >>> work = analyze_video("clip.mp4", "answers", EmotionRecognizer.load(), VideoOptions(rate=10))
    >>> last = list(work)[-1]
    >>> last.fraction
    1.0
    >>> [(person.person, person.emotion) for person in work.result().people]
    [(1, 'happy')]
    """
    options = options or VideoOptions()
    info = probe(source, options.limits)

    def opened() -> VideoReader:
        return VideoReader(source, info, options.limits, options.max_side)

    return Work(work_on(Path(source), Path(folder), recognizer, options, info.frames, opened))


def work_on(
    source: Path,
    folder: Path,
    recognizer: EmotionRecognizer,
    options: VideoOptions,
    frames: int | None,
    opened: Callable[[], Pictures],
) -> Generator[VideoProgress, None, VideoSummary]:
    """The steps of ``analyze_video`` for a video whose pictures another reads.

    source: its name is that of the results. frames: how many there are, if that is known. opened: begins to read.
    """
    yield VideoProgress(0, frames, 0.0, 0.0, None)
    files = VideoFiles.beside(folder, source.name, options.copy)
    with _unfinished(folder) as hidden:
        parts = VideoFiles.beside(Path(hidden), "video", options.copy)
        try:
            with opened() as reader:
                job = _Job(reader, recognizer, options, parts, files)
                summary = yield from _watched(job)
            for part, file in zip(parts.all(), files.all(), strict=True):
                if file in summary.files.all():
                    part.replace(file)
        except (av.FFmpegError, OSError) as error:
            raise OutputError(
                f"The answers could not be written into {folder}: {error.strerror or error}.", folder
            ) from error
    yield VideoProgress(summary.frames, summary.frames, 1.0, summary.rate, 0.0)
    return summary


def _watched(job: "_Job") -> Generator[VideoProgress, None, VideoSummary]:
    """Run the job in its own thread and report progress, even while it produces no pictures."""
    with ThreadPoolExecutor(1, "video") as worker:
        done = worker.submit(job.run)
        try:
            while not wait((done,), REPORT_SECONDS).done:
                yield job.progress()
        finally:
            job.reader.stop()  # no effect on a finished job
        return done.result()


class _Job:
    """One video's work: writes ``parts``, which are renamed to ``files`` at the end."""

    def __init__(
        self,
        reader: Pictures,
        recognizer: EmotionRecognizer,
        options: VideoOptions,
        parts: VideoFiles,
        files: VideoFiles,
    ) -> None:
        self.reader = reader
        self._recognizer, self._options, self._parts, self._files = recognizer, options, parts, files
        self._analyzed = 0
        self._began = time.monotonic()

    def run(self) -> VideoSummary:
        """Do all the work; VideoError if no picture can be decoded, or if it was stopped."""
        people = PeopleLog(self._recognizer.config.labels)
        with RowWriter(self._parts.csv, self._parts.json, people.labels) as rows:
            notices: tuple[str, ...] = ()
            has_sound = False
            if self._parts.video is None:
                self._look(rows, people, lambda _: None)
            else:
                with self._writer(self._parts.video) as writer, Behind(self._at_once(ENCODED_BEHIND, 1)) as encoder:
                    self._look(rows, people, lambda item: encoder(_draw, writer, item))
                    encoder(writer.finish)
                    encoder.finish()
                notices, has_sound = writer.notices(), writer.has_sound
                if writer.given_up:
                    self._files = replace(self._files, video=None)
            summary = self._summary(people, notices, has_sound)
            rows.finish(summary.to_dict())
        seen, seconds = summary.people, summary.seconds
        chart = timeline_svg(seen, people.labels, people.bin_seconds, seconds, standalone=True)
        self._parts.timeline.write_text(chart, encoding="utf-8")
        return summary

    def _look(self, rows: RowWriter, people: PeopleLog, draw: Callable[[Followed], None]) -> None:
        analyzer = analyzer_of(self._recognizer, self._options)
        pictures, rate = iter(self.reader), self._options.rate
        with ExitStack() as threads:
            if rate is not None:
                pictures = threads.enter_context(closing(ahead(pictures, self._at_once(DECODED_AHEAD, 1))))
            sought = seek(pictures, analyzer, rate)
            if rate is None:
                sought = threads.enter_context(closing(ahead(sought, self._at_once(SOUGHT_AHEAD, 3))))
            for item in follow(sought, analyzer, lambda: self.reader.seconds):
                if item.analyzed:
                    self._analyzed += 1
                    rows.write(item.frame)
                    people.add(item.frame, item.picture.rgb)
                draw(item)
        if self.reader.stopped:
            raise VideoError("The work was stopped before it was finished.")
        if not self.reader.frames:
            raise VideoError("No picture of this video can be decoded. Export or record it again.")

    def _at_once(self, most: int, frames: int) -> int:
        """How many pictures wait there at most: fewer of large ones. frames: whose memory each takes."""
        return min(most, max(1, WAITING_BYTES // (2 * frames * self.reader.info.frame_bytes)))

    @contextmanager
    def _writer(self, path: Path) -> Iterator[VideoWriter]:
        reader = self.reader
        size, clock = (reader.width, reader.height), (reader.time_base, reader.info.rate)
        with reader.sound() as sound, VideoWriter(path, *size, *clock, reader.canvas.matrix, sound) as writer:
            writer.most_bytes = self._options.limits.max_copy_bytes
            yield writer

    def _summary(self, people: PeopleLog, notices: Sequence[str], has_sound: bool) -> VideoSummary:
        reader = self.reader
        seen = people.finish(reader.seconds)
        forgotten = [f"People seen too briefly for the summary: {people.forgotten}."] if people.forgotten else []
        return VideoSummary(
            seconds=reader.seconds,
            frames=reader.frames,
            analyzed_frames=self._analyzed,
            width=reader.width,
            height=reader.height,
            has_sound=has_sound,
            model=self._recognizer.config.name,
            detector=self._recognizer.detector.name,
            notices=(*reader.notices(), *notices, *forgotten),
            people=seen,
            files=self._files,
            rate=reader.frames / max(time.monotonic() - self._began, 1e-6),
            chart=timeline_svg(seen, people.labels, people.bin_seconds, reader.seconds),
        )

    def progress(self) -> VideoProgress:
        """How far the work has got."""
        reader, elapsed = self.reader, time.monotonic() - self._began
        frames, total = reader.frames, reader.info.frames
        share = frames / total if total else reader.bytes_read / reader.info.size_bytes
        fraction = min(share, 1.0)
        left = elapsed * (1 - fraction) / fraction if fraction else None
        rate = frames / max(elapsed, 1e-6)
        return VideoProgress(frames, total and max(total, frames), fraction, rate, left)


def _draw(writer: VideoWriter, item: Followed) -> None:
    if writer.given_up:
        return
    pixels = item.picture.i420()
    paint_i420(pixels, item.frame.captions(), item.picture.canvas.matrix)
    writer.write_i420(pixels, item.picture.pts)


def _unfinished(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder for incomplete files; inside the target folder, so that moving them copies nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder)
    except OSError as error:
        raise VideoError(f"Nothing can be written into {folder}: {error.strerror}. Choose another folder.") from error
