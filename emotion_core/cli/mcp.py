"""The command ``mcp``: a server for assistants, over standard input and output or over HTTP."""

import argparse
import logging
import os
import sys
from contextlib import closing
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import ToolError
from ..recognition.catalogue import Catalogue
from ..recognition.recognizer import EmotionRecognizer
from ..serving.bodies import Bodies
from ..serving.callers import Callers
from ..serving.doors import MAX_JSON_CALL
from ..serving.server import Where, give_memory_back, keep_memory_flat, serve
from ..serving.temporary import UPLOAD_SECONDS, ShortLivedFolder, exit_on_sigterm
from ..serving.workshop import Workshop
from ..settings import Settings
from .mcp_calls import ShortCalls
from .options import add_recognizer


def add_mcp(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    mcp = commands.add_parser("mcp", help="serve assistants over the Model Context Protocol")
    mcp.add_argument("--http", type=int, metavar="PORT", help="serve http://HOST:PORT/mcp instead of standard input")
    mcp.add_argument("--host", default="127.0.0.1", help="with --http: where to listen (%(default)s)")
    add_recognizer(mcp)
    mcp.set_defaults(run=run_mcp)


def run_mcp(options: argparse.Namespace) -> int:
    """Serve until the assistant disconnects, or until Ctrl-C. Raises ToolError if the extra is not installed."""
    try:
        from .mcp_tools import server_of
    except ImportError as error:
        raise ToolError("The command mcp needs an extra. In the clone: pip install -e '.[mcp]'.") from error
    # Standard output carries the protocol, so logs go to standard error.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    keep_memory_flat()
    settings = Settings.from_environment()
    files = ShortLivedFolder(UPLOAD_SECONDS, os.environ.get("GRADIO_TEMP_DIR"))
    os.environ["GRADIO_TEMP_DIR"] = str(files.path)  # for its decoders' temporary files, too
    recognizer = EmotionRecognizer.load(options.model, options.detector)
    with closing(Workshop(settings)) as workshop:
        catalogue, clips = Catalogue(recognizer), files.apart("clips")
        files.also(workshop.rest)
        files.also(give_memory_back)
        if options.http is None:
            server_of(catalogue, settings, workshop, clips).run("stdio")
            return 0

        def end() -> None:
            workshop.close()
            files.delete()

        exit_on_sigterm()  # or the web server ends the process before that
        callers = Callers(settings)
        app = over_http(server_of(catalogue, settings, workshop, clips, callers), settings, callers, options.host)
        where = Where(options.host, options.http, 1)
        print(f"* Serving assistants on {where.url(options.http)}/mcp", file=sys.stderr, flush=True)
        serve(app, lambda: None, end, where, trust_proxies=settings.trusted_proxies > 0)
    return 0


def over_http(server: Any, settings: Settings, callers: Callers, host: str) -> ASGIApp:
    """The server as an ASGI application behind the same limits as REST: bodies, key, and requests at once.

    It is stateless: there are no sessions for callers to use up. Long work is answered as a stream, so that
    closing it ends the work. Of a long call the server itself gets all but the file (see ``mcp_calls``).
    """
    app = server.streamable_http_app(host=host, stateless_http=True, max_request_body_size=MAX_JSON_CALL)
    return Bodies(Keyed(ShortCalls(app), callers), settings)


class Keyed:
    """ASGI middleware: requires the server's key, if it has one, as REST does. Raises ApiError without it."""

    def __init__(self, app: ASGIApp, callers: Callers) -> None:
        self._app, self._callers = app, callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Rate limits apply in the tools, as an assistant also sends requests that cost nothing."""
        if scope["type"] == "http":
            self._callers.admit(scope, works=False)
        await self._app(scope, receive, send)
