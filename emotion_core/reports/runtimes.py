"""Other runtimes and precisions for the default network, as Markdown; recorded by ``tests/benchmarks/runtimes.py``."""

from pathlib import Path
from typing import Final

from ..training.card import table
from ..training.run_folder import read_json

RECORD: Final = "runtimes.json"
#: Each runtime's package.
_PACKAGES: Final = {"LiteRT": "ai-edge-litert", "ONNX Runtime": "onnxruntime", "OpenVINO": "openvino"}


def runtimes_table(folder: Path) -> str:
    """Milliseconds a face, alone and among twenty, the agreement with what serves, and the package's size."""
    record = read_json(folder / RECORD)
    rows = [
        [
            name,
            f"{one['milliseconds_of_1']:.2f}",
            f"{one['milliseconds_of_20']:.2f}",
            f"{one['same_answer']:.3f}",
            f"{record['packages'][_PACKAGES[name.partition(',')[0]]]['megabytes']:.0f}",
        ]
        for name, one in record["runtimes"].items()
    ]
    header = ["runtime, form", "ms for one face", "ms a face of twenty", "same answer as what serves", "MB installed"]
    return table(header, rows)
