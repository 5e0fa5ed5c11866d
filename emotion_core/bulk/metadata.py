"""What every Parquet file of a run says of itself, under ``emotion.*`` in its key-value metadata."""

from collections.abc import Mapping
from typing import Any

from ..project import VERSION
from .tables import SCHEMA_VERSION


def metadata_of(asked: Mapping[str, Any]) -> dict[str, str]:
    """asked: the run's settings, see ``run.run_bulk``."""
    names = ("model", "model_sha256", "config_sha256", "detector", "faces", "rate")
    told = {f"emotion.{name}": _text(asked.get(name)) for name in names}
    return {"emotion.schema_version": str(SCHEMA_VERSION), "emotion.version": VERSION, **told}


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
