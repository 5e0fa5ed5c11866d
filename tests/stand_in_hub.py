"""A small Hugging Face Hub on 127.0.0.1: real HTTP for the real client, healthy or failing on purpose."""

import hashlib
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote


@dataclass
class Repo:
    """files: name to content at any revision. fault: gated, missing, slow, dies or broken (500)."""

    files: dict[str, bytes]
    commit: str = "c" * 40
    fault: str = ""
    requests: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    repos: ClassVar[dict[str, Repo]] = {}
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, with_body: bool) -> None:
        parts = unquote(self.path.split("?")[0]).strip("/").split("/")
        repo = self.repos.get("/".join(parts[:2]))
        if repo is None or len(parts) < 5 or parts[2] != "resolve":
            return self._refuse(404, "RepoNotFound")
        revision, name = parts[3], "/".join(parts[4:])
        repo.requests.append(f"{self.command} {name}@{revision}")
        if repo.fault == "gated":
            return self._refuse(403, "GatedRepo")
        if repo.fault == "slow":
            time.sleep(8)
        if repo.fault == "broken":
            return self._refuse(500, "")
        if revision not in ("main", repo.commit):
            return self._refuse(404, "RevisionNotFound")
        if name not in repo.files:
            return self._refuse(404, "EntryNotFound", repo.commit)
        content = repo.files[name]
        self.send_response(200)
        self.send_header("X-Repo-Commit", repo.commit)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body and repo.fault == "dies":
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif with_body:
            self.wfile.write(content)
        return None

    def _refuse(self, status: int, code: str, commit: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", "0")
        self.end_headers()


class StandInHub:
    """``hub.repos["owner/name"] = Repo(...)``; ``hub.url`` is what HF_ENDPOINT should say."""

    def __init__(self) -> None:
        handler = type("Handler", (_Handler,), {"repos": {}})
        self.repos: dict[str, Repo] = handler.repos
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
