"""The runtime's folder: made from npm or a CDN, and only ever with the pinned files."""

import hashlib
import http.server
import io
import os
import shutil
import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotion_core import EmotionError, HashMismatchError, SettingsError
from emotion_core.cli.main import main
from emotion_core.serving import browser_runtime
from emotion_core.serving.browser_runtime import CONTENT, FILES, YUNET_NAME, make_runtime, open_runtime


class Network(http.server.BaseHTTPRequestHandler):
    """Serves the folder ``content`` at npm's addresses, or ``instead`` at all of them."""

    content: Path | None = None
    instead = b""

    def do_GET(self) -> None:
        body = self.instead
        for name, file in FILES.items():
            if self.content is not None and self.path == f"/npm/{file.package}/{file.path}":
                body = (self.content / name).read_bytes()
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def network() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Network)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    Network.content, Network.instead = None, b""


class TestMade:
    def test_from_the_public_network(self, network: str, browser_runtime_folder: Path, tmp_path: Path) -> None:
        Network.content = browser_runtime_folder
        shutil.copy(browser_runtime_folder / YUNET_NAME, tmp_path)
        made = make_runtime(tmp_path, "cdn", network)
        for name in CONTENT:
            assert (made.folder / name).read_bytes() == (browser_runtime_folder / name).read_bytes()
        # Correct files are not fetched again; wrong ones are.
        Network.content = None
        make_runtime(tmp_path, "cdn", network)
        (tmp_path / "core.js").write_bytes(b"other")
        with pytest.raises(EmotionError, match=r"core@2\.5\.3/dist/index\.js could not be fetched .* --source npm"):
            make_runtime(tmp_path, "cdn", network)
        with pytest.raises(HashMismatchError, match=r"core\.js is not the file that was published"):
            open_runtime(tmp_path)

    def test_what_else_the_network_sends(self, network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Network.instead = b"x" * 2000
        with pytest.raises(HashMismatchError, match="SHA-256 differs"):
            make_runtime(tmp_path, "cdn", network)
        monkeypatch.setattr(browser_runtime, "MAX_BYTES", 1999)
        with pytest.raises(HashMismatchError, match="larger than the published file"):
            make_runtime(tmp_path, "cdn", network)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(os.name != "posix", reason="the program is a shell script")
    @pytest.mark.parametrize(
        ("program", "message"),
        [
            ("echo 'E404 no such package' >&2; exit 1", "npm did not give .*: E404 no such package. Try --source cdn"),
            ("cp {packed} $6/x.tgz", "SHA-256 differs"),
        ],
    )
    def test_what_else_npm_gives(
        self, program: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        packed, npm = tmp_path / "packed.tgz", tmp_path / "bin" / "npm"
        with tarfile.open(packed, "w:gz") as archive:
            member = tarfile.TarInfo("package/dist/index.js")
            member.size = 5
            archive.addfile(member, io.BytesIO(b"other"))
        npm.parent.mkdir()
        npm.write_text(f"#!/bin/sh\n{program.format(packed=packed)}\n")
        npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
        with pytest.raises(EmotionError, match=message):
            make_runtime(tmp_path / "folder")

    def test_a_folder_that_cannot_be(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "file"
        file.touch()
        assert main(["browser-runtime", str(file), "--source", "cdn"]) == 1
        assert "Choose another folder" in capsys.readouterr().err


def test_a_folder_without_the_files(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SettingsError, match=r"no readable core\.js\. Make the folder by `python -m emotion_core"):
            open_runtime(folder)


def test_what_is_handed_out_is_what_serves(browser_runtime_folder: Path) -> None:
    """The folder's files are byte-identical to npm's: nothing of ours is mixed in."""
    from emotion_core.serving.browser_runtime import CONTENT

    for name, sha256 in CONTENT.items():
        assert hashlib.sha256((browser_runtime_folder / name).read_bytes()).hexdigest() == sha256
