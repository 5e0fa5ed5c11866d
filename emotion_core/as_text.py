"""Results as text that leaves the program: CSV and JSON."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, Final

from .results import FrameResult, table

#: First characters of cells that spreadsheets treat as formulas.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_row(cells: Iterable[Any]) -> list[Any]:
    """Cells for a CSV line: text that a spreadsheet would run as a formula is prefixed with an apostrophe."""
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in cells]


def as_csv(result: FrameResult) -> str:
    """The table as CSV, with a header even if there is no face."""
    text = io.StringIO(newline="")
    header, rows = table(result)
    csv.writer(text).writerows(map(csv_row, [header, *rows]))
    return text.getvalue()


def as_json(result: FrameResult) -> str:
    """``FrameResult.to_dict()`` as indented JSON."""
    return json.dumps(result.to_dict(), indent=2)
