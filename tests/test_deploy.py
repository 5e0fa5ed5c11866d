"""What a deployment depends on: requirement lists, the Dockerfile's commands, the port."""

import importlib.metadata
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import emotion_core
from emotion_core import EmotionRecognizer, Settings
from emotion_core.serving.server import keep_memory_flat, listen
from support.rest_server import serving

ROOT = Path(__file__).parents[1]


def lines(name: str) -> list[str]:
    stripped = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in stripped if line]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=; ]", requirement)[0].lower().replace("_", "-")


def test_every_requirement_is_written_once() -> None:
    """A Space installs requirements.txt before it has any other file, so it is a list; the others refer to lists."""
    serving = [name_of(line) for line in lines("requirements.txt")]
    assert not [line for line in lines("requirements.txt") if line.startswith(("-", "."))]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [name_of(line) for extra in extras.values() for line in extra]
    everywhere = serving + [name for name in named if name != "emotion-detection"]  # which refers to another extra
    assert sorted(set(everywhere)) == sorted(everywhere)
    assert {"tensorflow", "scikit-learn", "scipy", "matplotlib"} <= {name_of(line) for line in extras["train"]}
    assert lines("requirements-dev.txt") == ["-e .[dev]"]


def test_the_version_is_said_once() -> None:
    assert re.search(rf"^## {re.escape(emotion_core.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    holders = [path for path in (ROOT / "emotion_core").rglob("*.py") if emotion_core.__version__ in path.read_text()]
    assert [path.name for path in holders] == ["project.py"]


@pytest.fixture
def script() -> Path:
    """The installed package's console script."""
    try:
        importlib.metadata.version("emotion-detection")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package is not installed: pip install -e '.[dev]'")
    return Path(sys.executable).with_name("emotion")


def test_the_installed_package(script: Path) -> None:
    assert emotion_core.__version__ == importlib.metadata.version("emotion-detection")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: emotion ")


def test_what_the_server_imports_is_on_its_list() -> None:
    """In its own process, so that other tests' imports do not count."""
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
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)  # affects the process
    assert (done.returncode == 0) == (platform.libc_ver()[0] == "glibc")

    def absent(name: object) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", absent)
    assert not keep_memory_flat()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps memory this way")
def test_memory_that_is_free_is_given_back() -> None:
    """Small blocks that one in use keeps from being returned at the end of the heap."""
    done = subprocess.run([sys.executable, "-c", FRAGMENTS], cwd=ROOT, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before - after > 60_000_000


#: Prints the resident bytes with a hundred free megabytes in the heap, and after giving them back.
FRAGMENTS = """
import ctypes
from pathlib import Path
from emotion_core.serving.server import give_memory_back
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def resident():
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])

blocks = [libc.malloc(10_000) for _ in range(10_000)]
for block in blocks:
    ctypes.memset(block, 1, 10_000)
for block in blocks[:-1]:
    libc.free(block)
before = resident()
give_memory_back()
print(before, resident())
"""


@pytest.mark.parametrize(
    ("name", "value"), [("GRADIO_SERVER_PORT", "abc"), ("GRADIO_NUM_PORTS", "0"), ("EMOTION_API_KEY", "zu kurz: ä")]
)
def test_a_server_with_a_wrong_setting_says_so_in_a_line(name: str, value: str) -> None:
    environment = {**os.environ, name: value}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    [said] = [line for line in done.stderr.splitlines() if line]
    assert said.startswith(f"Error: {name} ")
