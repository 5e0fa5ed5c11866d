"""The benchmarks recorded by ``tests/benchmarks`` as Markdown tables.

``speed.json`` from ``speed.py``, ``load.json`` from ``load.py``, ``fuzz.json`` from ``tests/fuzz/fuzz.py``,
``bulk.json`` from ``bulk_speed.py``, ``on_device.json`` from ``on_device.py`` and ``faces.json`` from ``faces.py``.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..recognition.bundle import DEFAULT
from ..training.card import table
from ..training.run_folder import RUNS, read_json
from .attack_figures import attacks_table
from .bulk_benchmarks import bulk_table
from .face_benchmarks import faces_table, tilts_table
from .first_sight import first_sight_table
from .on_device import device_server_table, device_table
from .runtimes import runtimes_table

BENCHMARKS: Final = Path(__file__).parents[2] / "tests" / "benchmarks"
_SIZES: Final = ("VGA", "HD", "4K")
_FACES: Final = (1, 5, 20)
_SUMS: Final = ("whole", "floors", "whole_over_floors")


def benchmark_tables(folder: Path = BENCHMARKS) -> dict[str, Callable[[], str]]:
    """Functions that make the tables, by name."""
    makers = {
        "benchmarks": summary_table,
        "benchmark install": install_sentence,
        "benchmark subjects": subjects_table,
        "benchmark stages": stages_table,
        "benchmark steps": steps_table,
        "benchmark growth": growth_table,
        "benchmark load": load_table,
        "benchmark fuzz": fuzz_table,
        "benchmark device": device_table,
        "benchmark device server": device_server_table,
        "benchmark faces": faces_table,
        "benchmark tilts": tilts_table,
        "benchmark first sight": first_sight_table,
        "benchmark runtimes": runtimes_table,
        "benchmark bulk": bulk_table,
        "attacks": attacks_table,
    }
    return {name: partial(maker, folder) for name, maker in makers.items()}


def install_sentence(folder: Path) -> str:
    """Size and time of the installation and of the first start, as the README says them."""
    record = read_json(folder / "install.json")
    return (
        f"It downloads {record['downloaded_gigabytes']:.1f} GB ({record['installed_gigabytes']:.1f} GB installed) and "
        f"prints the page's address. On {record['machine']['cores']} cores with a fast network the installation took\n"
        f"{record['install_seconds']:.0f} seconds, and the page was up {record['first_start']['seconds']:.0f} seconds "
        "later.\n"
    )


def summary_table(folder: Path) -> str:
    """Each goal and its measured value."""
    speed, load, bulk = (read_json(folder / f"{name}.json") for name in ("speed", "load", "bulk"))
    judged = {row["name"]: row for row in read_json(RUNS / "two-truths-private.json")}
    peer = next(row for name, row in judged.items() if name.endswith("in the package fer"))
    (own, accuracy), (their_people, peers) = (
        (row["majority"]["accuracy"], row["label"]["accuracy"]) for row in (judged[DEFAULT], peer)
    )
    clips, theirs = speed["clips"]["ours, YuNet"], speed["clips"]["fer, Haar"]["596x336"]
    clip = clips["596x336, 10 analysed"]
    floors = [stages["whole_over_floors"] for name, stages in speed["stages"].items() if name.startswith("video")]
    crowd, four = load["crowd"], load["webcam"]["4"]["milliseconds"]["p95"]
    cores = load["machine"]["cores"]
    where = f"{cores} core{'' if cores == 1 else 's'}"
    fuzzed = read_json(folder / "fuzz.json")
    inputs = {run["kind"]: run["inputs"] for run in fuzzed}
    failures = sum(len(run["failures"]) for run in fuzzed)
    told = crowd["told"]
    answered = sum(count for what, count in told.items() if what.endswith(" answered"))
    later = sum(count for what, count in told.items() if what.split()[-1] in ("429", "503", "full", "busy"))
    wrong = sum(told.values()) - answered - later
    grown = crowd["megabytes_grown_from_the_second_third_to_the_last"]
    rows = [
        [
            "a 596x336 clip, its annotated copy written, against `fer`, which writes nothing: times its rate",
            "4",
            f"**{clip / theirs:.1f}** ({clip:.0f} and {theirs:.0f} frames a second); "
            f"with every frame analysed {clips['596x336'] / theirs:.1f}",
        ],
        [
            "agreement with most of ten people on PrivateTest, our network's and that of `fer`",
            "higher",
            f"**{own:.4f}** and {their_people:.4f}; with the single label {accuracy:.4f} and {peers:.4f}",
        ],
        [
            "a 720p video with one face, annotated: frames a second",
            "90",
            f"**{clips['720p, 10 analysed']:.0f}**; with every frame analysed {clips['720p']:.0f}",
        ],
        [
            "either clip's time, against the sum of decoding, detection, graph and encoding run alone",
            "at most 1.3",
            f"**{' and '.join(f'{floor:.2f}' for floor in floors)}**",
        ],
        [f"webcam, 4 visitors, {where}: 95% of answers within", "150 ms", f"**{four:.0f} ms**"],
        [
            f"{sum(crowd['clients'].values())} clients for {crowd['seconds'] / 60:.0f} minutes, {where}: "
            "errors other than 429 and 503",
            "0",
            f"**{wrong}** ({answered} answers, {later} told to come later)",
        ],
        ["the server's memory, from the second third of that to the last", "flat", f"**{grown:+.0f} MB**"],
        ["files left on the disk after it", "0", f"**{load['files_left']}**"],
        [
            "broken and hostile inputs, a kind",
            "10,000",
            f"**{min(inputs.values()):,}** ({', '.join(inputs)}); failures: {failures}",
        ],
        [
            f"bulk: {bulk['faces']:,} faces, two workers, one killed midway: times the plain loop's rate; "
            "lost, doubled",
            "0 lost or doubled",
            f"{bulk['plain_over_bulk']:.2f}; **{bulk['lost']}, {bulk['doubled']}**",
        ],
    ]
    return table(["what", "goal", "measured"], rows)


def subjects_table(folder: Path) -> str:
    """Ours and the peer, on the same inputs in one run."""
    speed = read_json(folder / "speed.json")
    subjects = speed["subjects"]
    peer = next((one for name, one in subjects.items() if name.startswith("fer")), None)
    rows: list[list[object]] = [
        ["ready: imports, model, first answer, s", *(one["ready_seconds"] for one in subjects.values())],
        ["most memory, MB", *(one["megabytes"] for one in subjects.values())],
        [
            "PrivateTest accuracy, cropped faces",
            *(
                f"{one.get('private_accuracy') or _accuracy(one.get('model', DEFAULT)):.4f}"
                for one in subjects.values()
            ),
        ],
    ]
    for size in _SIZES:
        for faces in _FACES:
            name = f"{size}-{faces}"
            told = []
            for one in subjects.values():
                photo = one["photos"][name]
                times = ""
                if peer is not None and one is not peer:
                    times = f"; {photo['milliseconds'] / peer['photos'][name]['milliseconds']:.2f}"
                told.append(f"{photo['milliseconds']:.0f} ({photo['found']}){times}")
            rows.append([f"photo, {size}, {faces} faces, ms (faces found); times `fer`'s", *told])
    clips = speed["clips"]
    for clip in clips["ours, YuNet"]:
        rates = [f"{clips[name][clip]:.0f}" if clip in clips.get(name, {}) else "" for name in subjects]
        rows.append([f"clip, {clip}, frames a second", *rates])
    return table(["", *subjects], rows)


def stages_table(folder: Path) -> str:
    """Milliseconds per stage for a photo, a webcam frame and a video frame."""
    rows = []
    for kind, stages in read_json(folder / "speed.json")["stages"].items():
        parts = [
            f"{name} {cost:.2f}"
            for name, cost in stages.items()
            if name not in ("whole", "floors", "whole_over_floors")
        ]
        rows.append([kind, ", ".join(parts), f"{stages['whole']:.2f}"])
    return table(["a frame of", "stages alone, ms", "whole, ms"], rows)


def steps_table(folder: Path) -> str:
    """The cost of a video frame when one optimisation is undone."""
    steps = read_json(folder / "speed.json")["steps"]
    rows = [[step, f"{cost['without']:.2f}", f"{cost['ratio']:.2f}"] for step, cost in steps.items()]
    return table(["without", "ms a frame", "times"], rows)


def growth_table(folder: Path) -> str:
    """Cost by size, and the power of the size with which it grows: 1 is linear."""
    rows = []
    for name, curve in read_json(folder / "speed.json")["growth"].items():
        points = ", ".join(f"{float(size):g}: {cost:.0f}" for size, cost in curve["points"].items())
        rows.append([name.replace("_", " "), points, curve["power"]])
    webcam = read_json(folder / "load.json")["webcam"]
    medians = {int(count): one["milliseconds"]["p50"] for count, one in webcam.items()}
    points = ", ".join(f"{count}: {median:.0f}" for count, median in medians.items())
    few, many = min(medians), max(medians)
    power = math.log(medians[many] / medians[few]) / math.log(many / few)
    return table(["by", "ms", "power"], [*rows, ["webcam visitors (median answer)", points, f"{power:.2f}"]])


def load_table(folder: Path) -> str:
    """Webcam visitors and the crowd: answers, refusals, latencies."""
    load = read_json(folder / "load.json")
    rows = [
        [f"webcam, {count}", f"{sum(one['frames_a_second']) / int(count):.1f} frames a second each", *_spread(one)]
        for count, one in load["webcam"].items()
    ]
    rows += _told_rows(load["crowd"], load["crowd"]["clients"])
    if (folder / "rest_load.json").exists():
        alone = read_json(folder / "rest_load.json")["clients"]
        ideal = f"cores / time of one photo: {alone['cores_over_photo']:.1f} a second"
        for count in ("1", "25"):
            sent, answered = sum(alone[count]["told"].values()), alone[count]["told"]["rest answered"]
            told = f"{answered} of {sent} answered, {alone[count]['answers_a_second']:.1f} a second; {ideal}"
            spread = _spread({"milliseconds": alone[count]["milliseconds"]["rest"]})
            rows.append([f"rest, {count}; nobody else", told, *spread])
    if (folder / "idle.json").exists():
        idle = read_json(folder / "idle.json")
        rows += _told_rows(idle["alone"], idle["active"], "; nobody else")
        rows += _told_rows(idle["beside"], idle["active"], f"; beside {idle['pages_open']} open pages")
    return table(["clients", "told", "p50, ms", "p95", "p99"], rows)


def _told_rows(record: dict[str, Any], clients: dict[str, int], where: str = "") -> list[list[str]]:
    rows = []
    for kind, count in clients.items():
        answers = {what: times for what, times in record["told"].items() if what.startswith(kind)}
        told = ", ".join(f"{what.removeprefix(kind)[1:]} {times}" for what, times in answers.items())
        rows.append([f"{kind}, {count}{where}", told, *_spread({"milliseconds": record["milliseconds"][kind]})])
    return rows


def fuzz_table(folder: Path) -> str:
    """Inputs, refusals, answers and failures of each kind."""
    runs = read_json(folder / "fuzz.json")
    rows = [[run["kind"], run["inputs"], run["refused"], run["answered"], len(run["failures"])] for run in runs]
    return table(["inputs", "tried", "refused", "answered", "failures"], rows)


def _spread(measured: dict[str, Any]) -> list[str]:
    return [f"{value:.0f}" for value in measured["milliseconds"].values()]


def _accuracy(model: str = DEFAULT) -> float:
    """A model's accuracy on PrivateTest, from its recorded run; the benchmarks do not measure it."""
    return float(read_json(RUNS / f"{model}.json")["metrics"]["private"]["accuracy"])
