"""The benchmarks of bulk work, as Markdown; recorded by ``tests/benchmarks/bulk_plan.py`` and ``bulk_nodes.py``."""

from pathlib import Path

from ..training.card import table
from ..training.run_folder import read_json


def bulk_table(folder: Path) -> str:
    """A plan of many files, and a run that loses a node."""
    plan, nodes = read_json(folder / "bulk_plan.json"), read_json(folder / "bulk_nodes.json")
    usual, grown = plan["megabytes_with_a_thousand_names"], plan["megabytes"]
    not_replaced = "" if nodes["replaced"] else " and not replaced"
    rows = [
        [f"plan of {plan['names']:,} files: seconds", f"{plan['seconds']:.0f}"],
        ["its process's most memory, and with a thousand files, MB", f"**{grown:.0f}**, {usual:.0f}"],
        ["the plan on the disk, MB", f"{plan['plan_megabytes']:.0f}"],
        [
            f"{nodes['faces']:,} faces in {nodes['shards']} shards, one of two working nodes killed after "
            f"{nodes['killed_after_shards']}{not_replaced}: lost, doubled, different",
            f"**{nodes['lost']}, {nodes['doubled']}, {nodes['differing']}**",
        ],
        [
            "its pool's workers at first and before the kill",
            f"{nodes['workers_at_first']}, {nodes['workers_before_the_kill']}",
        ],
    ]
    return table(["what", "measured"], rows)
