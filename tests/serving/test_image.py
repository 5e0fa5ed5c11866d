"""The image built from its steps in an empty folder: it starts from only what they copied, answers, and holds up."""

from pathlib import Path

import httpx
import pytest
from PIL import Image

from attacks.attack_kinds import ATTACKS
from attacks.server import Server
from attacks.target import Target, watched
from emotion_core.images import RGB
from support.docker_steps import build
from support.hostile_pictures import saved


def test_the_image_is_attacked(tmp_path: Path, astronaut: RGB) -> None:
    built = build(tmp_path / "app")
    assert built.command == ["python", "app.py"]
    assert built.environment.pop("GRADIO_SERVER_NAME") == "0.0.0.0"  # noqa: S104, it is a container's
    assert built.environment.pop("GRADIO_SERVER_PORT") == "7860"
    package = built.folder / "emotion_core"
    assert not [name for name in ("training", "bulk", "reports", "datasets") if (package / name).exists()]
    assert not list(package.glob("bundles/*/model.weights.h5"))
    assert list(package.glob("bundles/*/model.tflite"))
    photo = saved(Image.fromarray(astronaut), "JPEG")
    server = Server(tmp_path, built.folder, **built.environment, PYTHONPATH=None)
    try:
        with watched(server.url, server.pid, photo) as watch:
            for name in ("endless_json", "photos_as_files", "bad_requests"):
                ATTACKS[name](Target(server.url, 1))
        assert "happy" in httpx.post(f"{server.url}page/photo", content=photo, timeout=30).text
        assert httpx.get(server.url, timeout=30).status_code == 200
    finally:
        stopped = server.stop()
    assert set(watch.refused) <= {"503"}
    assert max(watch.megabytes) < 1_000
    assert (stopped["status"], stopped["files_left"], stopped["log"]["tracebacks"]) == (0, [], 0)


def test_an_unknown_step_is_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step added to the Dockerfile must also be supported here."""
    (tmp_path / "Dockerfile").write_text("FROM x\nRUN make something\n")
    monkeypatch.setattr("support.docker_steps.ROOT", tmp_path)
    with pytest.raises(ValueError, match="make something"):
        build(tmp_path / "app")
