"""Options shared by several commands, and checks of their values."""

import argparse
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any, get_args, get_type_hints

from ..settings import DETECTORS


def add_fields(command: Any, kind: type, *names: str) -> None:
    """Add an option for each dataclass field made by ``option``, or only for those named.

    command: a parser, or a group of one. Options not given are None and keep the field's default: see
    ``given``. A switch that is on by default becomes ``--no-NAME``, and its meaning says what that does.
    """
    hints = get_type_hints(kind)
    for field in fields(kind):
        if "meaning" not in field.metadata or (names and field.name not in names):
            continue
        words = {"dest": field.name, "default": None, "help": _help(field), **field.metadata["words"]}
        inner = [it for it in get_args(hints[field.name]) if it not in (type(None), ...)]
        plain = inner[0] if inner else hints[field.name]
        off = plain is bool and field.default is True
        if plain is bool:
            words["action"] = "store_false" if off else "store_true"
        else:
            words["type"] = _told(words.get("type", plain))
        command.add_argument(f"--{'no-' if off else ''}{field.name.replace('_', '-')}", **words)


def given(options: argparse.Namespace, kind: type) -> dict[str, Any]:
    """The dataclass fields that were set on the command line."""
    found = {field.name: getattr(options, field.name, None) for field in fields(kind)}
    return {name: value for name, value in found.items() if value is not None}


def _help(field: "Field[Any]") -> str:
    plain = isinstance(field.default, int | float | str) and not isinstance(field.default, bool)
    return f"{field.metadata['meaning']} (default {field.default})" if plain else str(field.metadata["meaning"])


def _told(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """The type for argparse, which then shows its message for an invalid value."""

    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def add_recognizer(command: argparse.ArgumentParser) -> None:
    """Add the options for model and detector."""
    command.add_argument("--model", help="a bundle's folder or name, or owner/repo[@revision] on the Hub")
    command.add_argument("--detector", choices=DETECTORS, help="what finds the faces")
