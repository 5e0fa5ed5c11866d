"""The presentation, made from the recorded runs: every figure and every chart comes from one."""

import io
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from cycler import cycler
from PIL import Image
from pptx import Presentation

from ..errors import OutputError, ReportError
from ..images import RGB
from ..recognition.bundle import DEFAULT
from ..recognition.bundle_config import BundleConfig
from ..recognition.origin import begun_when_known
from ..recognition.recognizer import EmotionRecognizer
from ..render import annotate
from ..training.run_folder import RUNS
from .deck import Deck
from .gallery import bars
from .records import FINISHED, epochs_of, read_runs
from .slides_networks import networks
from .slides_results import SPLIT, agreement, chart, errors, results, serving, what_helped

#: The text's typeface or a lookalike, and Okabe and Ito's palette.
_CHART_STYLE: Final[Any] = {
    "font.sans-serif": ["Arial", "Liberation Sans", "DejaVu Sans"],
    "axes.prop_cycle": cycler(color=["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"]),
}


def make_slides(
    out: str | Path,
    folder: Path = RUNS,
    recognizer: EmotionRecognizer | None = None,
    photograph: Callable[[RGB], bytes | None] | None = None,
) -> Path:
    """Write the presentation (.pptx, 16:9); returns its path.

    recognizer: analyses the demo's portrait; the demo is left out if this is None or if scikit-image, which
    ships the portrait, is missing. photograph: takes a screenshot of the page with the portrait.
    Raises ReportError if no run is recorded, OutputError, before anything is drawn, if there is no such folder.
    """
    if not Path(out).parent.is_dir():
        raise OutputError(f"There is no folder {Path(out).parent}: the presentation cannot be written.", Path(out))
    runs = [run for run in read_runs(folder) if SPLIT in run.metrics]
    if not runs:
        raise ReportError(f"No run is recorded in {folder}: `python -m emotion_core record BUNDLE` records one.")
    # A network trained for only a few epochs says nothing about its architecture.
    finished = [run for run in runs if epochs_of(run) >= FINISHED] or runs
    same = [run for run in finished if run.labels == finished[0].labels]
    best = _told_of(same, recognizer)
    deck = Deck(Presentation(), f"Recorded runs up to {_dated(folder)}; presentation made {datetime.now(UTC):%d %B %Y}")
    with mpl.rc_context(_CHART_STYLE):
        _opening(deck, finished, best)
        _data(deck, best)
        networks(deck, runs, best)
        results(deck, folder, same, best)
        what_helped(deck, folder)
        errors(deck, best)
        serving(deck, best)
        if recognizer is not None:
            _demo(deck, recognizer, photograph)
        _closing(deck)
    return deck.save(Path(out))


def _told_of(runs: Sequence[BundleConfig], recognizer: EmotionRecognizer | None) -> BundleConfig:
    """The network that the pages tell of: that of the demo, else the one that is served, else the best."""
    named = {run.name: run for run in runs}
    for name in (recognizer.config.name if recognizer else "", DEFAULT):
        if name in named:
            return named[name]
    return max((run for run in runs if "majority" in run.metrics[SPLIT]), key=agreement, default=runs[0])


def _dated(folder: Path) -> str:
    """The day by which the folder's runs were recorded: from the clone's history, or else the files' time.

    In a clone without its history that is the day of its commit, so nothing more exact is said."""
    try:
        words = ["git", "log", "-1", "--format=%cs", "--", str(folder)]
        told = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        told = ""
    if told:
        return f"{datetime.fromisoformat(told):%d %B %Y}"
    newest = max(path.stat().st_mtime for path in folder.glob("*.json"))
    return f"{datetime.fromtimestamp(newest, UTC):%d %B %Y}"


def _opening(deck: Deck, runs: Sequence[BundleConfig], best: BundleConfig) -> None:
    figures = best.metrics[SPLIT]
    deck.cover(
        "Perceived expression",
        f"{len(runs)} network{'s' if len(runs) > 1 else ''}, one data set, one program",
        f"{best.name} names what most of ten people see in {agreement(best):.1%} "
        f"of {figures['majority']['faces']:,} faces"
        if "majority" in figures
        else f"{best.name}, {figures['accuracy']:.1%} of {figures['faces']:,} test faces",
        spoken="One program, from the data to a page that anyone can use. Every figure that follows is read from a "
        "recorded run; the commands that repeat them are in the repository.",
    )
    deck.page(
        "The problem",
        [
            "A photograph goes in. For every face in it, calibrated probabilities of the expression come out.",
            f"The words: {', '.join(best.labels)}.",
            "They name what a face looks like to an annotator, not what a person feels.",
            _disagreement(figures),
            "The aim: the best ResNet50V2 there is, honestly measured, in an application that answers in milliseconds.",
        ],
        spoken="Say early what it is not: it does not read feelings. Ask the room to name the expression of a "
        "photograph; the disagreement makes the point.",
    )


def _disagreement(figures: Mapping[str, Any]) -> str:
    if "majority" not in figures:
        return "It is hard because people disagree on what a face shows."
    split = 1 - figures["majority"]["faces"] / figures["faces"]
    return (
        f"It is hard because people disagree: on {split:.0%} of the test faces none of these words has over half of "
        "ten people's votes, and where one has, the data set's own label is often another."
    )


def _data(deck: Deck, best: BundleConfig) -> None:
    figures = best.metrics[SPLIT]
    counts = {label: row["faces"] for label, row in figures["per_class"].items()}
    rare, common = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    twins = figures["faces"] - figures["without_twins"]["faces"]
    deck.page(
        "The data: FER-2013",
        [
            "35,887 gray faces of 48 by 48 pixels, found by a search engine in 2013.",
            "Training teaches; PublicTest chooses epoch and calibration; nothing is fitted to PrivateTest.",
            *_known(best),
            f"Uneven: {counts[common] / max(counts[rare], 1):.0f} faces of {common} to one of {rare}.",
            f"{twins} of {figures['faces']:,} test faces are byte for byte training faces. "
            "Every figure is also given without these twins.",
        ],
        chart(bars(counts, "faces", title="The faces of PrivateTest by their label")),
        spoken="The rare classes have few test faces: their figures move by points with single faces.",
        seen="Faces of PrivateTest: " + ", ".join(f"{label} {count}" for label, count in counts.items()) + ".",
    )


def _known(best: BundleConfig) -> list[str]:
    if not (stages := begun_when_known(best)):
        return []
    return [f"But its figures were known when stage {stages[-1]} of {best.name} began: expect a little less."]


def _demo(deck: Deck, recognizer: EmotionRecognizer, photograph: Callable[[RGB], bytes | None] | None) -> None:
    try:
        from skimage import data as pictures
    except ImportError:
        print("The demo's portrait comes with scikit-image, which is not installed: the demo is left out.")
        return
    portrait = np.asarray(pictures.astronaut(), np.uint8)
    result = recognizer.analyze(portrait)
    answer = result.predictions[0] if result.predictions else None
    file = io.BytesIO()
    annotate(portrait, result).convert("RGB").resize((900, 900), Image.Resampling.LANCZOS).save(
        file, "JPEG", quality=90
    )
    lines = [f"Answered now by {recognizer.origin}, faces found by {recognizer.detector.name}."]
    if answer:
        shares = sorted(zip(answer.probabilities, answer.labels, strict=True), reverse=True)[:3]
        lines += [f"{label} {share:.0%}" for share, label in shares]
    lines.append("Eileen Collins, portrait by NASA, in the public domain.")
    found = f"{answer.emotion}, {answer.confidence:.0%}" if answer else "no face"
    deck.page(
        "The application's answer",
        lines,
        file.getvalue(),
        spoken="Better still: show it live, on a photograph from the room.",
        seen=f"A portrait with a box around the face: {found}.",
    )
    page = photograph(portrait) if photograph else None
    if page is not None:
        deck.page(
            "The page",
            ["On a desk, and on a phone in the evening."],
            page,
            below=True,
            spoken="The photo is analysed in memory and never logged.",
            seen="Two pictures of the page with a portrait and its answer, wide and light, narrow and dark.",
        )


def _closing(deck: Deck) -> None:
    deck.page(
        "Limits and law",
        [
            "A perceived expression is not a feeling.",
            "No demographic labels: differences between groups of people are unmeasured, and must be expected.",
            "Trained on small, gray, mostly frontal faces from the web.",
            "EU AI Act, Art. 5(1)(f): inferring emotions at work and in education is prohibited, "
            "medical and safety reasons excepted.",
            "EU AI Act, Art. 50(3): people exposed to such a system must be told.",
            "Photographs are analysed in memory and never logged.",
        ],
        spoken="Leave time for this page: it is the one that people ask about.",
    )
    deck.page(
        "What comes next",
        [
            "More pixels than 96 for the large network, and longer training of all.",
            "Learning from people's votes from the start, as the eight-class network did, for the others, too.",
            "Faces from elsewhere to learn from: FER-2013's are small, gray and of 2013.",
            "AffectNet: eight expressions in colour, once access is given.",
            "Data with consent and known demographics, to measure what is unmeasured here.",
        ],
        spoken="The last line matters most.",
    )
