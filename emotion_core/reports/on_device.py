"""The benchmark of answers in the visitor's browser, as Markdown; recorded by ``tests/benchmarks/on_device.py``."""

from pathlib import Path
from typing import Any, Final

from ..training.card import table
from ..training.run_folder import read_json

RECORD: Final = "on_device.json"


def device_table(folder: Path) -> str:
    """The stream of each network, and its answers compared with the core's."""
    record = read_json(folder / RECORD)
    streams, parity = record["stream"], record["parity"]
    rows = [
        ["frames a second, end to end", *(f"{one['frames_a_second']:.1f}" for one in streams.values())],
        ["of them seen by the network", *(f"{one['expressions_a_second']:.1f}" for one in streams.values())],
        ["analysis of a frame, ms", *(str(one["analysis_ms"]) for one in streams.values())],
        ["camera's frame to drawn box, p50 and p95, ms", *(_lags(one["camera_to_box_ms"]) for one in streams.values())],
        [
            "and to the drawn expression, p50 and p95, ms",
            *(_lags(one["camera_to_expression_ms"]) for one in streams.values()),
        ],
        ["from click to first answer, first and second visit, s", *(_visits(one) for one in streams.values())],
        ["bytes for it, first and second visit, MB", *(_bytes(one) for one in streams.values())],
        [_faces(next(iter(parity.values()))), *(_same(one) for one in parity.values())],
        ["largest gap of a probability, and 99 in 100 are within", *(_gap(one) for one in parity.values())],
        [
            "largest gap of a box's edge, in sides of the box",
            *(f"{one['box_gap']['largest']}" for one in parity.values()),
        ],
    ]
    return table(["", *streams], rows)


def device_server_table(folder: Path) -> str:
    """The cost to the server."""
    record = read_json(folder / RECORD)
    visitor, crowd = record["one_visitor"], record["crowd"]
    used, idle = visitor["server_cpu_seconds"], visitor["idle_server_cpu_seconds"]
    rows = [
        [f"processor time in {visitor['seconds']:.0f} s: with one visitor, and idle, s", f"{used:.2f}, {idle:.2f}"],
        [f"{crowd['visitors']} visitors fetch everything at once and stay: failed", crowd["failed"]],
        ["the server's most memory meanwhile, MB", crowd["server_megabytes"]],
    ]
    return table(["the server", ""], rows)


def _lags(percentiles: dict[str, float]) -> str:
    return ", ".join(f"{value:.0f}" for value in percentiles.values())


def _visits(stream: dict[str, Any]) -> str:
    return ", ".join(f"{stream[visit]['click_to_answer_ms'] / 1000:.1f}" for visit in ("first_visit", "second_visit"))


def _bytes(stream: dict[str, Any]) -> str:
    return ", ".join(f"{stream[visit]['bytes'] / 1e6:.2f}" for visit in ("first_visit", "second_visit"))


def _faces(parity: dict[str, Any]) -> str:
    faces = parity["faces"]
    return (
        f"{parity['photos']} photos, faces found by the core {faces['core']}, by the browser {faces['browser']}: "
        "same label, same doubts"
    )


def _same(parity: dict[str, Any]) -> str:
    return f"{parity['same_label']:.3f}, {parity['same_doubts']:.3f}"


def _gap(parity: dict[str, Any]) -> str:
    return f"{parity['probability_gap']['largest']:.4f}, {parity['probability_gap']['p99']:.4f}"
