"""The command ``video``: every person in a clip, over time."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..errors import in_words
from ..recognition.recognizer import EmotionRecognizer
from ..results import NO_FACE
from ..video.analysis import analyze_video
from ..video.container import ENDINGS
from ..video.probe import OWN_MACHINE
from ..video.results import VideoOptions, VideoSummary
from .given import Given, given_files
from .options import add_fields, add_recognizer, given


def add_video(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    video = commands.add_parser("video", help="analyse videos: every person, over time")
    video.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="a file, a pattern or a folder")
    video.add_argument("--out", type=Path, required=True, metavar="DIR", help="write the answers there")
    add_fields(video, VideoOptions)
    video.add_argument("--json", action="store_true", help="print one JSON list of summaries, an entry per clip")
    add_recognizer(video)
    video.set_defaults(run=run_video)


def run_video(options: argparse.Namespace) -> int:
    """Analyse each clip; one that cannot be used is reported and the others go on."""
    clips = given_files(options.clips, ENDINGS, options.out, "videos")
    recognizer = EmotionRecognizer.load(options.model, options.detector)
    failed = 0
    reports: list[dict[str, Any]] = []
    for it in clips:
        clip = it.path
        try:
            summary = _analyze_clip(it, options, recognizer)
        except Exception as error:  # whatever a bad file causes, the others go on
            failed += 1
            problem = in_words(error)
            reports.append({"file": str(clip), "error": problem})
            print(f"{clip}: {problem}", file=sys.stderr)
            continue
        reports.append({"file": str(clip), **summary.to_dict()})
        if not options.json:
            written = summary.files.video or summary.files.csv
            print(f"{clip}: {summary.frames} frames, {summary.seconds:.1f} s -> {written}")
            if not summary.people:
                print(f"  {NO_FACE}")
            for person in summary.people:
                shares = sorted(person.shares.items(), key=lambda pair: -pair[1])
                shown = ", ".join(f"{label} {share:.0%}" for label, share in shares if share >= 0.005)
                print(f"  person {person.person}  seen {person.seconds_seen:.1f} s: {shown}")
            for notice in summary.notices:
                print(f"  {notice}")
    if options.json:
        print(json.dumps(reports, indent=2))
    return 1 if failed or not clips else 0


def _analyze_clip(clip: Given, options: argparse.Namespace, recognizer: EmotionRecognizer) -> VideoSummary:
    asked = VideoOptions(**given(options, VideoOptions), limits=OWN_MACHINE)
    folder = (options.out / clip.place).parent
    with analyze_video(clip.path, folder, recognizer, asked) as work:
        for progress in work:
            if sys.stderr.isatty():
                bar = "#" * round(30 * progress.fraction)
                left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
                line = f"{clip.path.name} [{bar:30}] {progress.frames} frames, {progress.rate:.1f} a second{left}"
                print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        return work.result()
