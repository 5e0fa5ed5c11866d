"""A video in; out come the annotated video, a CSV, a JSON and a timeline, with progress on the way.

    with analyze_video("clip.mp4", "answers", recognizer) as work:
        for progress in work:
            print(progress.frames, progress.seconds_left)
    print(work.result().files.video)

Memory does not grow with the video's length: a few frames are held, everything else is written,
added up or forgotten.
"""

import os
import tempfile
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Final

import av

from ..errors import VideoError
from ..recognition.recognizer import EmotionRecognizer
from ..render import paint
from ..tracking.people import PeopleLog
from .follow import Followed, analyzer_of, follow
from .in_order import Behind, ahead
from .probe import VideoInfo, probe
from .reader import VideoReader
from .results import VideoFiles, VideoOptions, VideoProgress, VideoSummary
from .rows import RowWriter
from .timeline import timeline_svg
from .work import Work
from .writer import VideoWriter

#: Pictures and packets of sound that are decoded before they are analysed, and not yet encoded after it.
DECODED_AHEAD: Final = 4
ENCODED_BEHIND: Final = 8
#: Seconds between two reports of progress, and so until a cancelled job stops.
REPORT_SECONDS: Final = 0.25


def analyze_video(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    recognizer: EmotionRecognizer,
    options: VideoOptions | None = None,
) -> Work[VideoProgress, VideoSummary]:
    """Analyse a video file and write the answers into ``folder``, which is made if need be.

    Raises VideoLimitError or VideoError at once, before any work, for what cannot be used. The
    work reports some four times a second, and its result is the summary. Closing it, or an
    exception in it, ends it and deletes what was written; the files appear when all are complete.
    """
    options = options or VideoOptions()
    return Work(_work(Path(source), Path(folder), recognizer, options, probe(source, options.limits)))


def _work(
    source: Path, folder: Path, recognizer: EmotionRecognizer, options: VideoOptions, info: VideoInfo
) -> Generator[VideoProgress, None, VideoSummary]:
    yield VideoProgress(0, info.frames, 0.0, 0.0, None)
    files = VideoFiles.beside(folder, source.name)
    with _unfinished(folder) as hidden:
        parts = VideoFiles.beside(Path(hidden), source.name)
        try:
            with VideoReader(source, info, options.limits, options.max_side) as reader:
                summary = yield from _write(reader, recognizer, options, parts, files)
            for part, file in zip(parts.all(), files.all(), strict=True):
                part.replace(file)
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"The answers could not be written into {folder}: {error.strerror or error}.") from error
    yield VideoProgress(summary.frames, summary.frames, 1.0, summary.rate, 0.0)
    return summary


def _write(
    reader: VideoReader, recognizer: EmotionRecognizer, options: VideoOptions, parts: VideoFiles, files: VideoFiles
) -> Generator[VideoProgress, None, VideoSummary]:
    """Do the work and fill ``parts``; they will be called ``files`` in the end."""
    analyzer = analyzer_of(recognizer, options)
    people = PeopleLog(recognizer.config.labels)
    size, clock = (reader.width, reader.height), (reader.time_base, reader.info.rate)
    started = reported = time.monotonic()
    analyzed = 0
    with RowWriter(parts.csv, parts.json, people.labels) as rows:
        with (
            VideoWriter(parts.video, *size, *clock, reader.sound, reader.start) as writer,
            closing(ahead(iter(reader), DECODED_AHEAD)) as items,
            Behind(ENCODED_BEHIND) as encoder,
        ):
            for item in follow(items, analyzer, options.rate, lambda: reader.seconds):
                if not isinstance(item, Followed):
                    encoder(writer.write_sound, item)
                    continue
                if item.analyzed:
                    analyzed += 1
                    rows.write(item.frame)
                    people.add(item.frame, item.picture.rgb)
                encoder(_draw, writer, item)
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    yield _progress(reader, reported - started)
            if not reader.frames:
                raise VideoError("No picture of this video can be decoded. Export or record it again.")
            encoder(writer.finish)
            encoder.finish()
        seen = people.finish(reader.seconds)
        notices = [*reader.notices(), *writer.notices()]
        if people.forgotten:
            notices.append(f"Persons seen too briefly to be in the summary: {people.forgotten}.")
        summary = VideoSummary(
            seconds=reader.seconds,
            frames=reader.frames,
            analyzed_frames=analyzed,
            width=reader.width,
            height=reader.height,
            has_sound=writer.has_sound,
            model=recognizer.config.name,
            detector=recognizer.detector.name,
            notices=tuple(notices),
            people=seen,
            files=files,
            rate=reader.frames / max(time.monotonic() - started, 1e-6),
            chart=timeline_svg(seen, people.labels, people.bin_seconds, reader.seconds),
        )
        rows.finish(summary.to_dict())
    chart = timeline_svg(seen, people.labels, people.bin_seconds, reader.seconds, standalone=True)
    parts.timeline.write_text(chart, encoding="utf-8")
    return summary


def _draw(writer: VideoWriter, item: Followed) -> None:
    paint(item.picture.rgb, item.frame.captions())
    writer.write(item.picture.rgb, item.picture.pts)


def _unfinished(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Where files grow until they are complete; in the same folder, so that moving them copies nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder)
    except OSError as error:
        raise VideoError(f"Nothing can be written into {folder}: {error.strerror}. Choose another folder.") from error


def _progress(reader: VideoReader, elapsed: float) -> VideoProgress:
    info, total = reader.info, reader.info.frames
    fraction = reader.frames / total if total else reader.bytes_read / info.size_bytes
    fraction = min(fraction, 1.0)
    left = elapsed * (1 - fraction) / fraction if fraction else None
    if total is not None:
        total = max(total, reader.frames)
    return VideoProgress(reader.frames, total, fraction, reader.frames / max(elapsed, 1e-6), left)
