"""Expected rows, to compare bulk results with."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from emotion_core import EmotionRecognizer
from emotion_core.inputs import PassOver

needs_ray = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("ray", "pyarrow"))),
    reason="pip install '.[bulk]': Ray and pyarrow are 400 MB that nothing else needs",
)


def paths_of(
    source: Path | str, column: str | None = None, pass_over: PassOver = lambda _path, _reason: None
) -> list[str]:
    """What bulk finds in a place."""
    from emotion_core.bulk.find import find

    return [path for path, _ in find(str(source), column, pass_over)]


def rows(address: str, table: str) -> list[dict[str, Any]]:
    """A table of the result as any reader of Hive's folders has it."""
    from pyarrow.dataset import dataset

    from emotion_core.bulk.places import reach

    system, path = reach(f"{address}/{table}")
    found = dataset(path, filesystem=system, format="parquet", partitioning="hive")
    return [dict(row) for row in found.to_table().to_pylist()]


def rows_of(recognizer: EmotionRecognizer, path: Path) -> list[dict[str, Any]]:
    """A picture's expected rows, from the recognizer's own answer."""
    answer = recognizer.analyze(path).to_dict()
    return [
        {
            "path": str(path),
            "face": number,
            **face["box"],
            **{name: face[name] for name in ("emotion", "confidence", "uncertain", "detection_score")},
            **face["probabilities"],
            "model": answer["model"],
        }
        for number, face in enumerate(answer["faces"], 1)
    ]


def same(row: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether rows are equal, except for the last digits of probabilities, which depend on the rest of the batch."""
    return row.keys() >= expected.keys() and all(
        row[name] == (pytest.approx(value, abs=1e-4) if isinstance(value, float) else value)
        for name, value in expected.items()
    )
