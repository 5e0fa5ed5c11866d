"""The table of a stream on the visitor's device."""

import json
from pathlib import Path

from emotion_core.reports.on_device import RECORD, device_table

RECORDED = Path(__file__).parents[1] / "benchmarks" / RECORD


def test_boxes_and_expressions_have_rows_of_their_own(tmp_path: Path) -> None:
    record = json.loads(RECORDED.read_text())
    for number, stream in enumerate(record["stream"].values()):
        stream.update(frames_a_second=25.0 + number, expressions_a_second=12.5 + number)
        stream["camera_to_box_ms"] = {"p50": 30.4 + number, "p95": 60.2 + number}
        stream["camera_to_expression_ms"] = {"p50": 70.0 + number, "p95": 90.6 + number}
    (tmp_path / RECORD).write_text(json.dumps(record))
    shown = device_table(tmp_path)
    assert "| frames a second, end to end | 25.0 | 26.0 |" in shown
    assert "| of them seen by the network | 12.5 | 13.5 |" in shown
    assert "| camera's frame to drawn box, p50 and p95, ms | 30, 60 | 31, 61 |" in shown
    assert "| and to the drawn expression, p50 and p95, ms | 70, 91 | 71, 92 |" in shown
