"""How long the graphs alone take for a face: ``python tests/benchmarks/graphs.py --out tests/benchmarks/graphs.json``.

Every network of the clone in one run, in turns, so that other work on the machine slows all of them alike.
``--before REVISION`` measures the networks of an earlier commit beside them, ``--bundles`` others in their place.
"""

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # run as a program, where the package may not be installed

import numpy as np
from recording import begun, keep
from timing import seconds_in_turn

from emotion_core.recognition.bundle import EMBEDDED, GRAPH
from emotion_core.recognition.classifier import LiteRTNetwork

ROUNDS = 100


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--before", metavar="REVISION")
    parser.add_argument("--bundles", type=Path, nargs="+", metavar="BUNDLE")
    options = parser.parse_args()
    if options.before and options.bundles:
        parser.error("--before is of the clone's networks, --bundles of others: ask for one of them")
    record = begun()
    bundles = options.bundles or sorted(path.parent for path in EMBEDDED.glob(f"*/{GRAPH}"))
    graphs = {bundle.name: (bundle / GRAPH).read_bytes() for bundle in bundles}
    if options.before:
        for name in list(graphs):
            shown = f"{options.before}:emotion_core/bundles/{name}/{GRAPH}"
            done = subprocess.run(["git", "show", shown], cwd=HERE, capture_output=True, check=True)
            graphs[f"{name} before"] = done.stdout
    networks = {name: LiteRTNetwork(graph) for name, graph in graphs.items()}
    face = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 1), dtype=np.uint8)
    times = seconds_in_turn({name: partial(network, face) for name, network in networks.items()}, ROUNDS)
    record["milliseconds"] = {name: round(1000 * median, 2) for name, median in times.items()}
    keep(record, options.out)


if __name__ == "__main__":
    main()
