"""What every benchmark's record begins and ends with."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from timing import processor

from emotion_core.recognition.classifier import usable_cores


def machine() -> dict[str, Any]:
    """Where a record was made."""
    return {"cores": usable_cores(), "processor": processor(), "python": platform.python_version()}


def begun() -> dict[str, Any]:
    """A new record: the machine, and how busy it is."""
    return {"machine": machine(), "load_before": os.getloadavg()}


def keep(record: dict[str, Any], out: Path) -> None:
    """Complete a record, write and print it."""
    record["load_after"] = os.getloadavg()
    text = json.dumps(record, indent=1)
    out.write_text(text + "\n")
    print(text)
