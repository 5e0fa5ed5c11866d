"""A small Hugging Face Hub on 127.0.0.1: real HTTP for the real client, healthy or failing on purpose.

It also takes uploads over the LFS protocol (the client's Xet must be switched off): requests with the
token ``TOKEN`` may write for the owner ``we``. A Space is ``repos["spaces/owner/name"]``.
"""

import base64
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

TOKEN = "hf_stand_in"
#: Files over this size, in bytes, use LFS.
LFS_FROM = 20_000


@dataclass
class Repo:
    """files: name to content, for any revision. fault: gated, missing, slow, dies or broken (500)."""

    files: dict[str, bytes]
    commit: str = "c" * 40
    fault: str = ""
    requests: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    repos: ClassVar[dict[str, Repo]] = {}
    blobs: ClassVar[dict[str, bytes]] = {}  # by SHA-256
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        parts = self._parts()
        if parts[:2] == ["api", "datasets"]:
            self._tell_data_set(parts)
        else:
            self._answer(with_body=True)

    def _parts(self) -> list[str]:
        """The path's parts; a data set's owner has its kind in front, as in ``repos``."""
        parts = unquote(self.path.split("?")[0]).strip("/").split("/")
        return ["/".join(parts[:2]), *parts[2:]] if parts[0] == "datasets" else parts

    def do_PUT(self) -> None:
        content, name = self._body(), self.path.rpartition("/")[2]
        if hashlib.sha256(content).hexdigest() != name:
            return self._refuse(400, "")
        self.blobs[name] = content
        return self._json({})

    def do_POST(self) -> None:
        """Handle create_repo, validate-yaml, preupload, the LFS batch and commit, as huggingface_hub 2 calls them."""
        body, parts = self._body(), unquote(self.path.split("?")[0]).strip("/").split("/")
        if parts == ["api", "validate-yaml"]:
            return self._json({"errors": [], "warnings": []})
        if parts == ["api", "repos", "create"]:
            asked = json.loads(body)
            return self._create(asked.get("organization") or "we", asked)
        if parts[-4:] == ["info", "lfs", "objects", "batch"] or parts[-4:-1] == ["info", "lfs", "objects"]:
            objects = [{**one, "actions": self._put_action(one["oid"])} for one in json.loads(body)["objects"]]
            return self._json({"transfer": "basic", "objects": objects})
        if parts[4:5] == ["paths-info"]:
            asked = parse_qs(body.decode()).get("paths", []) if body[:1] != b"{" else json.loads(body)["paths"]
            entries = [entry for path in asked for entry in _entries(self.repos["/".join(parts[1:4])], path)]
            return self._json(entries)
        kind, owner, name, action = parts[1], *parts[2:5]
        key = f"{owner}/{name}" if kind == "models" else f"{kind}/{owner}/{name}"
        if (status := self._may_write(owner)) != 200:
            return self._refuse(status, "")
        if key not in self.repos:
            return self._refuse(404, "RepoNotFound")
        if action == "variables":
            self.repos[key].variables.update({(one := json.loads(body))["key"]: one["value"]})
            return self._tell(self.repos[key], action)
        if action == "preupload":
            files = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if one["size"] > LFS_FROM else "regular",
                    "shouldIgnore": False,
                }
                for one in json.loads(body)["files"]
            ]
            return self._json({"files": files})
        return self._commit(self.repos[key], [json.loads(line) for line in body.splitlines()])

    def _create(self, owner: str, asked: dict[str, Any]) -> None:
        if (status := self._may_write(owner)) != 200:
            return self._refuse(status, "")
        prefix = "spaces/" if asked.get("type") == "space" else ""
        key = f"{prefix}{owner}/{asked['name']}"
        url = f"http://{self.headers['Host']}/{key}"
        if key in self.repos:
            return self._json({"error": "You already created this repo", "url": url}, 409)
        self.repos[key] = Repo({}, requests=[f"created {json.dumps(asked, sort_keys=True)}"])
        return self._json({"url": url})

    def _commit(self, repo: Repo, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repo.files[value["path"]] = self.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del repo.files[value["path"]]
        repo.commit = hashlib.sha1(json.dumps(lines).encode()).hexdigest()
        self._json({"commitUrl": f"http://{self.headers['Host']}/x/y/commit/{repo.commit}", "commitOid": repo.commit})

    def _tell(self, repo: Repo, what: str) -> None:
        if what == "variables":
            return self._json({name: {"key": name, "value": value} for name, value in repo.variables.items()})
        return self._json([{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in repo.files])

    def _may_write(self, owner: str) -> int:
        return 401 if self.headers["Authorization"] != f"Bearer {TOKEN}" else 200 if owner == "we" else 403

    def _put_action(self, oid: str) -> dict[str, Any]:
        return {"upload": {"href": f"http://{self.headers['Host']}/lfs/{oid}", "header": {}}}

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _json(self, content: Any, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, with_body: bool) -> None:
        parts = self._parts()
        if parts[0] == "api" and parts[4:5] in (["tree"], ["variables"]):
            return self._tell(self.repos["/".join(parts[1:4]).removeprefix("models/")], parts[4])
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
        return self._send(repo, name, with_body)

    def _send(self, repo: Repo, name: str, with_body: bool) -> None:
        content, etag = repo.files[name], hashlib.sha256(repo.files[name]).hexdigest()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        self.send_response(206 if asked else 200)
        if asked:  # as readers of Parquet ask, who begin at the end
            first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            content = content[first : last + 1]
        self.send_header("X-Repo-Commit", repo.commit)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body and repo.fault == "dies":
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif with_body:
            self.wfile.write(content)

    def _tell_data_set(self, parts: list[str]) -> None:
        """Tell of a data set itself, or of one of its folders, as ``HfFileSystem`` asks."""
        repo = self.repos.get("/".join(parts[1:4]))
        if repo is None:
            return self._refuse(404, "RepoNotFound")
        if parts[4:5] != ["tree"]:
            return self._json({"id": "/".join(parts[2:4]), "sha": repo.commit, "siblings": []})
        folder, start = "/".join(parts[6:]), "/".join([*parts[6:], ""]).lstrip("/")
        if "recursive=true" in self.path.lower():
            names = sorted(name for name in repo.files if name.startswith(start))
            return self._json([entry for name in names for entry in _entries(repo, name)])
        return self._json(_entries(repo, folder, inside=True))

    def _refuse(self, status: int, code: str, commit: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _entries(repo: Repo, path: str, inside: bool = False) -> list[dict[str, Any]]:
    """A file or folder of that path, or what is in the folder, as the Hub's answers have them."""
    start = f"{path}/" if path else ""
    below = sorted(name.removeprefix(start) for name in repo.files if name.startswith(start))
    if not inside:
        below, start = [path] if path in repo.files else [f"{path}/"] if below else [], ""
    files = [start + name for name in below if "/" not in name or name == path]
    folders = dict.fromkeys(start + (name.rstrip("/") if not inside else name.split("/")[0]) for name in below)
    return [
        {"type": "file", "path": name, "size": len(repo.files[name]), "oid": "0" * 40}
        if name in files
        else {"type": "directory", "path": name, "oid": "0" * 40}
        for name in folders
    ]


class StandInHub:
    """Publish with ``hub.repos["owner/name"] = Repo(...)``; set HF_ENDPOINT to ``hub.url``."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        handler: type[_Handler] = type("Handler", (_Handler,), {"repos": self.repos})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
