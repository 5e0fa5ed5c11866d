"""Broken and hostile input: ``python tests/fuzz/fuzz.py images --inputs 10000 --record runs.json``.

Valid files that we make are mutated (bits, numbers, cuts, splices; JSON by its structure, PNG with its
checksums mended) and given to the code that strangers reach. Each must be answered, or refused with one
of the project's own errors, within ``SECONDS`` and ``MEGABYTES``: anything else is a failure, and so is
the death of the process, for the work is done in a child of its own. The same seed makes the same inputs.
"""

import argparse
import base64
import importlib.metadata
import json
import multiprocessing
import os
import platform
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = map(str, Path(__file__).parents[1:3])  # run as a program, where the package may not be installed

from fuzz_kinds import KINDS, Kind

from emotion_core import EmotionError
from emotion_core.serving.refusals import ApiError

#: Limits for one input: time, and memory beyond what the seeds needed.
SECONDS, MEGABYTES = 20, 1200
#: A short form for every change. Graphs are excluded: there is no defence against broken ones (SECURITY.md).
SHORT = {"images": 150, "videos": 60, "bodies": 120, "configs": 200, "bundles": 60, "data": 25}


class TooSlow(BaseException):
    """Not an Exception, so that the code under test cannot swallow it."""


def outcome(kind: Kind, content: bytes, folder: Path) -> str:
    """ "answered", "refused", or what went wrong."""
    began = time.monotonic()
    try:
        kind.use(content, folder)
    except (EmotionError, ApiError) as error:
        said = str(error)
        if str(folder) in said:
            return f"The refusal names a place: {said[:200]}"
        found = "refused" if said else "A refusal without words"
    except TooSlow:
        return f"over {SECONDS} seconds"
    except BaseException as error:
        where = error.__traceback__
        while where and where.tb_next:
            where = where.tb_next
        place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
        return f"{type(error).__name__} at {place}: {str(error)[:200]}"
    else:
        found = "answered"
    return f"{time.monotonic() - began:.0f} seconds" if time.monotonic() - began > SECONDS else found


def work(kind: Kind, seed: int, numbers: range, pipe: Any) -> None:
    """In the child: report (number, None) before each input and (number, outcome, megabytes) after it."""

    def stop(*_: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGALRM, stop)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        seeds = kind.seeds()
        for content in seeds:
            kind.use(content, Path(name))  # valid files must be accepted
        usual = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in numbers:
            content = kind.mutate(random.Random(f"{seed} {number}"), seeds)
            pipe.send((number, None, content))
            signal.alarm(SECONDS + 1)
            found = outcome(kind, content, Path(name))
            signal.alarm(0)
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - usual) // 1024
            pipe.send((number, f"{grown} megabytes" if grown > MEGABYTES else found, b""))


def fuzz(name: str, inputs: int, seed: int = 0) -> dict[str, Any]:
    """Run and return the record: how many were refused and answered, and every failure with its input."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    began, done = time.monotonic(), 0
    context = multiprocessing.get_context("fork")
    while done < inputs:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=work, args=(KINDS[name], seed, range(done, inputs), theirs))
        child.start()
        theirs.close()
        content, before = b"", done
        try:
            while ours.poll(SECONDS * 3 + 120):
                number, found, sent = ours.recv()
                content = sent or content
                if found is None:
                    continue
                done = number + 1
                counts[found] += 1
                if found not in ("answered", "refused"):
                    failures.append({"input": number, "what": found, "content": base64.b64encode(content).decode()})
        except EOFError:
            pass
        child.join(1)
        if child.is_alive():
            child.kill()
            child.join()
        if done < inputs and (child.exitcode or done == before):
            if not content:
                raise SystemExit(f"{name}: a valid input of our own was not answered.")
            what = f"the process ended with {child.exitcode}"
            failures.append({"input": done, "what": what, "content": base64.b64encode(content).decode()})
            done += 1
    return {
        "kind": name,
        "inputs": done,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "refused": counts["refused"],
        "answered": counts["answered"],
        "failures": failures,
        "versions": {package: importlib.metadata.version(package) for package in KINDS[name].packages},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def main(arguments: list[str] | None = None, say: Callable[[str], object] = print) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="by default, all of the short form")
    parser.add_argument("--inputs", type=int, help="inputs of each kind; by default, the short form's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="a JSON file: each run is added to its list")
    chosen = parser.parse_args(arguments)
    failed = 0
    for name in chosen.kinds or SHORT:
        run = fuzz(name, chosen.inputs or SHORT.get(name, 100), chosen.seed)
        failed += len(run["failures"])
        told = ("kind", "inputs", "seconds", "refused", "answered")
        say(", ".join(f"{key} {run[key]}" for key in told) + f", failures {len(run['failures'])}")
        for failure in run["failures"][:20]:
            say(f"  input {failure['input']}: {failure['what']}")
        if chosen.record:
            runs = json.loads(chosen.record.read_text()) if chosen.record.is_file() else []
            chosen.record.write_text(json.dumps([*runs, run], indent=1) + "\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
