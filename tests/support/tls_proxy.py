"""A TLS proxy in front of a server, like Hugging Face's in front of a Space; and pages that frame what it serves."""

import contextlib
import subprocess
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from emotion_core.serving.server import listen
from support.in_process import config_of
from support.waiting import until

#: A visitor's apparent address, unless the request has this header: here all visitors come from one machine.
USUAL: Final = "203.0.113.7"
VISITOR: Final = "X-Visitor"
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
#: Headers of the connection, not of the request.
_OWN: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "x-forwarded-proto"})


def certificate(folder: Path, openssl: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


class TlsProxy:
    """Answers on ``port`` of 127.0.0.1. target: the server's address. pages: host -> a page in place of the server's.

    It appends the visitor's address to X-Forwarded-For, whatever the visitor sent in it.
    """

    def __init__(self, target: str, cert: tuple[Path, Path], pages: Mapping[str, str]) -> None:
        self._target, self._pages = target.rstrip("/"), dict(pages)
        self._client = httpx.AsyncClient(timeout=120)
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=_METHODS)], lifespan=self._until_the_end)
        made, key = map(str, cert)
        self._server = uvicorn.Server(config_of(app, ssl_certfile=made, ssl_keyfile=key))
        self._listener = listen("127.0.0.1", 0, 1)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        until(lambda: self._server.started, 60)

    def close(self) -> None:
        """Stop the proxy."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    @contextlib.asynccontextmanager
    async def _until_the_end(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield

    async def _answer(self, request: Request) -> Response:
        page = self._pages.get(request.headers["host"].partition(":")[0])
        if page is not None:
            return HTMLResponse(page)
        headers = [(name, value) for name, value in request.headers.raw if name.decode() not in _OWN]
        told = {"X-Forwarded-For": request.headers.get(VISITOR, USUAL), "X-Forwarded-Proto": "https"}
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        sent = self._client.build_request(
            request.method,
            self._target + request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            headers=[*headers, *((name.encode(), value.encode()) for name, value in told.items())],
            content=request.stream() if has_body else None,
        )
        answer = await self._client.send(sent, stream=True)
        response = StreamingResponse(answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose))
        response.raw_headers = [pair for pair in answer.headers.raw if pair[0].decode().lower() not in _OWN]
        return response
