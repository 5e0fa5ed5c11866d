"""The command ``browser-runtime``: fetches the files a server needs for inference in visitors' browsers."""

import argparse
from pathlib import Path


def add_browser_runtime(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "browser-runtime", help="fetch what lets a visitor's own browser answer, for EMOTION_BROWSER_RUNTIME"
    )
    command.add_argument("folder", type=Path, metavar="FOLDER", help="where to put it, some 50 MB")
    command.add_argument(
        "--source", choices=("npm", "cdn"), help="fetch by npm or from a public network; by default npm if installed"
    )
    command.set_defaults(run=run_browser_runtime)


def run_browser_runtime(options: argparse.Namespace) -> int:
    """Fetch the pinned files, check their hashes and write them to the folder."""
    from ..serving.browser_runtime import make_runtime

    runtime = make_runtime(options.folder, options.source)
    size = sum(path.stat().st_size for path in runtime.folder.iterdir()) / 1e6
    print(f"{runtime.folder} is ready ({size:.0f} MB). Serve it: EMOTION_BROWSER_RUNTIME={runtime.folder.resolve()}")
    return 0
