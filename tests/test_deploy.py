"""What a deployment rests on: the lists of requirements, the Dockerfile's own commands, the port."""

import json
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_core import EmotionRecognizer, Settings
from emotion_core.serving.server import keep_memory_flat, listen
from support.rest_server import serving

ROOT = Path(__file__).parents[1]


def lines(name: str) -> list[str]:
    stripped = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in stripped if line]


def test_serving_has_a_list_of_its_own() -> None:
    """Written out twice: setuptools, which reads requirements.txt, too, refuses a ``-r``."""
    serving, everything = lines("requirements-serve.txt"), lines("requirements.txt")
    assert everything[: len(serving)] == serving
    training = {line.partition(">")[0] for line in everything[len(serving) :]}
    assert training >= {"tensorflow", "scikit-learn", "scipy"}


def test_what_the_server_imports_is_on_its_list() -> None:
    """In a process of its own, so that what the other tests imported does not count."""
    program = "import sys, app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "sklearn", "scipy", "skimage", "ray"} & set(done.stdout.split())


def test_the_dockerfile(recognizer: EmotionRecognizer) -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER app$", text, re.MULTILINE)
    for copied in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())
    [check] = re.findall(r"^HEALTHCHECK .*\\\n +CMD (.*)$", text, re.MULTILINE)
    program, *arguments = json.loads(check)
    assert program == "python"
    with serving(recognizer, Settings(api_key="a key of the tests")) as url:
        here = [argument.replace("http://127.0.0.1:7860", url) for argument in arguments]
        subprocess.run([sys.executable, *here], check=True, timeout=20)
    assert subprocess.run([sys.executable, *here], capture_output=True, timeout=20, check=False).returncode != 0


def test_the_first_free_port() -> None:
    with listen("127.0.0.1", 47860, 50) as first:
        port = first.getsockname()[1]
        assert first.proto == socket.IPPROTO_TCP  # so that asyncio sets TCP_NODELAY
        with listen("127.0.0.1", port, 50) as second:
            assert port < second.getsockname()[1] < port + 50
        with pytest.raises(OSError, match="GRADIO_SERVER_PORT"):
            listen("127.0.0.1", port, 1)
    if socket.has_ipv6:
        with listen("::1", 47860, 50) as six:
            assert six.family == socket.AF_INET6


def test_memory_is_kept_flat_where_that_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from emotion_core.serving.server import keep_memory_flat; raise SystemExit(not keep_memory_flat())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)  # for the process that is told alone
    assert (done.returncode == 0) == (platform.libc_ver()[0] == "glibc")

    def absent(name: object) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", absent)
    assert not keep_memory_flat()
