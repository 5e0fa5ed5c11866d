"""Options, and checks of their values, that more than one command takes."""

import argparse
from collections import Counter
from pathlib import Path

from ..errors import OutputError
from ..settings import DETECTORS


def frames_a_second(text: str) -> float:
    """A rate above 0; argparse.ArgumentTypeError for another."""
    rate = float(text)
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError("give frames a second, above 0")
    return rate


def add_recognizer(command: argparse.ArgumentParser) -> None:
    """Add which model answers, and what finds the faces."""
    command.add_argument("--model", help="a bundle's folder or name, or owner/repo[@revision] on the Hub")
    command.add_argument("--detector", choices=DETECTORS, help="what finds the faces")


def refuse_same_names(paths: list[Path], kind: str) -> None:
    """Answers are named after their files and would overwrite each other."""
    repeated = {name for name, count in Counter(path.name for path in paths).items() if count > 1}
    if repeated:
        raise OutputError(f"Several {kind} are called {', '.join(sorted(repeated))}: write them to separate --out.")
