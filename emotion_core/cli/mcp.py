"""The command ``mcp``: a server for assistants, over standard input and output or over HTTP."""

import argparse
import hmac
import logging
import sys
from contextlib import closing
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import ToolError
from ..recognition.catalogue import Catalogue
from ..recognition.recognizer import EmotionRecognizer
from ..serving.workshop import Workshop
from ..settings import Settings
from .options import add_recognizer

#: Of a call's JSON over HTTP, in bytes: a photo of 15 MB in base64.
MAX_BODY: Final = 20_000_000
MAX_SESSIONS: Final = 32


def add_mcp(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    mcp = commands.add_parser("mcp", help="serve assistants over the Model Context Protocol")
    mcp.add_argument("--http", type=int, metavar="PORT", help="serve http://HOST:PORT/mcp instead of standard input")
    mcp.add_argument("--host", default="127.0.0.1", help="with --http: where to listen (%(default)s)")
    add_recognizer(mcp)
    mcp.set_defaults(run=run_mcp)


def run_mcp(options: argparse.Namespace) -> int:
    """Serve until the assistant leaves, or until Ctrl-C. Raises ToolError where the extra is not installed."""
    try:
        from .mcp_tools import server_of
    except ImportError as error:
        raise ToolError("The command mcp needs the extra: pip install 'emotion-detection[mcp]'.") from error
    # Standard output is the assistant's: what is said goes elsewhere.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    settings = Settings.from_environment()
    recognizer = EmotionRecognizer.load(options.model, options.detector)
    with closing(Workshop(settings)) as workshop:
        server = server_of(Catalogue(recognizer), settings, workshop, reads_files=options.http is None)
        if options.http is None:
            server.run("stdio")
            return 0
        import uvicorn

        app = server.streamable_http_app(
            host=options.host, json_response=True, max_request_body_size=MAX_BODY, max_sessions=MAX_SESSIONS
        )
        print(f"* Serving assistants on http://{options.host}:{options.http}/mcp", file=sys.stderr, flush=True)
        uvicorn.run(Keyed(app, settings.api_key), host=options.host, port=options.http, log_level="warning")
    return 0


class Keyed:
    """ASGI middleware: asks for the server's key, where it has one, as REST does."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app, self._key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._key is None:
            await self._app(scope, receive, send)
            return
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._key.encode()):
            await self._app(scope, receive, send)
            return
        refusal = {"error": {"code": "unauthorized", "message": "Give the server's key: 'Authorization: Bearer KEY'."}}
        await JSONResponse(refusal, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
