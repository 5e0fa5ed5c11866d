"""The fuzzer's short form, and hostile files that chance would not produce."""

import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from fuzz_kinds import pictures
from PIL import Image

from emotion_core import Bundle, BundleError, EmotionError, ImageError, ModelNotFoundError, TrainingError, load_image
from emotion_core.datasets import pictures as reading
from emotion_core.datasets import tables
from emotion_core.datasets.faces import load
from emotion_core.datasets.pictures import read_picture
from emotion_core.errors import DataError
from emotion_core.page.album import Photo, unique_names, write_album
from emotion_core.publish import model_upload
from emotion_core.recognition.bundle import GRAPH, KERAS, WEIGHTS
from emotion_core.recognition.bundle_config import CONFIG
from emotion_core.recognition.classifier import Classifier
from fuzz import SHORT

ROOT = Path(__file__).parents[2]


def test_the_short_form_finds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "tests/fuzz/fuzz.py", "--record", str(tmp_path / "runs.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    runs = json.loads((tmp_path / "runs.json").read_text())
    assert {run["kind"]: run["inputs"] for run in runs} == SHORT
    for run in runs:
        assert run["refused"] + run["answered"] == run["inputs"]
        assert run["refused"] > 0


def test_the_fuzzer_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of each kind, injected on purpose, is found and recorded with its input."""
    from breaking import broken
    from fuzz_kinds import KINDS, Kind

    import fuzz

    def use(content: bytes, folder: Path) -> None:
        match content[:1]:
            case b"k":
                raise KeyError("fault")
            case b"d":
                os._exit(3)
            case b"p":
                raise ImageError(f"It is in {folder}.")
            case b"s":
                while True:
                    pass

    monkeypatch.setattr(fuzz, "SECONDS", 1)
    monkeypatch.setitem(KINDS, "faulty", Kind(lambda: [b"good"], lambda rng, _: b"gkdps"[rng.randrange(5) :], use, ()))
    run = fuzz.fuzz("faulty", 12)
    assert run["inputs"] == 12
    told = " ".join(failure["what"] for failure in run["failures"])
    for words in ("KeyError", "ended with 3", "names a place", "over 1 seconds"):
        assert words in told
    assert broken.__doc__


class TestPictures:
    @pytest.mark.parametrize("kind", ["GIF", "JPEG", "PNG", "BMP"])
    def test_a_picture_that_is_also_a_zip_is_a_picture(self, kind: str) -> None:
        file, tail = io.BytesIO(), io.BytesIO()
        Image.new("RGB", (20, 20), "red").save(file, kind)
        with zipfile.ZipFile(tail, "w") as archive:
            archive.writestr("../../evil.html", "<script>")
        assert load_image(file.getvalue() + tail.getvalue()).shape == (20, 20, 3)

    def test_a_bomb_is_never_unpacked(self) -> None:
        """49 megapixels are accepted; a gigabyte behind a small header is never unpacked."""
        png = pictures()[0]
        at = png.index(b"IDAT")
        data = zlib.compress(bytes(200_000_000), 9)
        chunk = b"IDAT" + data
        bomb = png[: at - 4] + len(data).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + png[-12:]
        assert load_image(bomb).shape == (40, 56, 3)  # only what the header declares is read

    def test_text_that_unpacks_to_much(self) -> None:
        png = pictures()[0]
        text = b"zTXtComment\0\0" + zlib.compress(bytes(300_000_000), 9)
        chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
        with pytest.raises(ImageError):
            load_image(png[:33] + chunk + png[33:])

    def test_names_in_an_album_lead_nowhere(self, tmp_path: Path) -> None:
        names = unique_names(["/etc/passwd", "../../passwd", "a/../passwd", "passwd"])
        path = write_album([Photo(name, None, None, "no") for name in names], ("a", "b"), tmp_path / "all.zip")
        with zipfile.ZipFile(path) as archive:
            inside = archive.namelist()
        assert len(inside) == len(set(inside)) == 5
        assert not [name for name in inside if "/" in name or "\\" in name or ".." in name]


class Harm:
    """Creates a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


@pytest.fixture
def bundle(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle whose config has no file hashes."""
    config = json.loads((tiny_bundle.folder / CONFIG).read_text())
    del config["files"]
    (tmp_path / CONFIG).write_text(json.dumps(config))
    return tmp_path


class TestBundles:
    @pytest.mark.parametrize("name", [GRAPH, KERAS, WEIGHTS])
    def test_a_pickle_is_never_loaded(self, bundle: Path, name: str) -> None:
        ran = bundle / "ran"
        (bundle / name).write_bytes(pickle.dumps(Harm(ran)))
        with pytest.raises(BundleError):
            Classifier.from_bundle(Bundle.open(bundle))
        assert not ran.exists()

    def test_nor_one_inside_an_npz(self, bundle: Path) -> None:
        from emotion_core.recognition.architectures import build
        from emotion_core.training.initial_weights import load_initial
        from support import tiny

        model = build(tiny.register(), 7)
        ran = bundle / "ran"
        harm = np.empty((), object)
        harm[()] = Harm(ran)
        arrays = {model.variables[0].path.replace("/", "|"): harm}
        np.savez(bundle / "start.npz", allow_pickle=True, **arrays)
        with pytest.raises(TrainingError, match="weights"):
            load_initial(model, bundle / "start.npz")
        assert not ran.exists()

    @pytest.mark.parametrize("module", ["builtins", "os", "subprocess", "emotion_core.publish"])
    def test_a_keras_file_cannot_name_a_function(self, bundle: Path, module: str) -> None:
        """Its config names modules and classes; only Keras's own layers are created from it."""
        ran = bundle / "ran"
        harm = {"module": module, "class_name": "function", "config": "mkdir", "registered_name": "mkdir"}
        layer = {"module": "keras.layers", "class_name": "Activation", "config": {"activation": harm, "name": "x"}}
        whole = {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
        for config in (whole, {"module": module, "class_name": "mkdir", "config": {"path": str(ran)}}):
            with zipfile.ZipFile(bundle / KERAS, "w") as archive:
                archive.writestr("config.json", json.dumps(config))
                archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0"}))
                archive.writestr("../../model.weights.h5", b"")
            with pytest.raises(BundleError, match="safely"):
                Classifier.from_bundle(Bundle.open(bundle))
            assert not ran.exists()

    def test_what_is_published_is_named_by_us(self, bundle: Path, tiny_bundle: Bundle) -> None:
        """Names in a config's file list are not followed, and a repository's name cannot be a path."""
        config = json.loads((tiny_bundle.folder / CONFIG).read_text())
        config["files"]["../../secret"] = config["files"]["/etc/passwd"] = "0" * 64
        (bundle / CONFIG).write_text(json.dumps(config))
        for name in (GRAPH, WEIGHTS, "README.md"):
            (bundle / name).write_bytes((tiny_bundle.folder / name).read_bytes())
        (bundle / "secret.txt").write_text("mine")
        assert set(model_upload(bundle, "we/model").files) == {CONFIG, "README.md", GRAPH, WEIGHTS}
        for name in ("../we", "we/../x", "/etc/passwd", "we/model/x", "we\\model", "we/.."):
            with pytest.raises(ModelNotFoundError):
                model_upload(bundle, name)


class TestData:
    def zipped(self, path: Path, members: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    def test_members_that_lead_out_write_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        face = pictures()[0]
        names = ("../evil/1.png", "/tmp/evil-class/1.png", "..\\evil\\1.png", "a/1.png", "b/1.png")
        path = self.zipped(tmp_path / "in" / "data.zip", dict.fromkeys(names, face))
        with contextlib.suppress(DataError):
            load(path)
        assert [file.name for file in tmp_path.rglob("*")] == ["in", "data.zip"]
        assert not Path("/tmp/evil-class").exists()

    @pytest.mark.parametrize("name", ["", "/", "//"])
    def test_a_member_without_a_name(self, tmp_path: Path, name: str) -> None:
        path = self.zipped(tmp_path / "data.zip", {"a/1.png": pictures()[0]})
        member = zipfile.ZipInfo()
        member.filename = name
        with zipfile.ZipFile(path, "a") as archive, archive.open(member, "w"):
            pass
        with pytest.raises(DataError, match="without a name"):
            load(path)

    def test_a_listing_reads_nothing_outside(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "face.png").write_bytes(pictures()[0])
        for way in ("../face.png", str(tmp_path / "face.png"), "a/../../face.png", "..\\face.png"):
            (tmp_path / "in" / "labels.csv").write_text(f"path,label\n{way},a\n{way},b\n")
            with pytest.raises(DataError, match="leads out"):
                load(tmp_path / "in")

    def test_what_unpacks_to_too_much(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "MAX_BYTES", 3000)
        face = pictures()[0]
        path = self.zipped(
            tmp_path / "data.zip",
            {"train/a/1.png": face, "train/b/1.png": face, "val/b/2.png": face + bytes(10**6), "val/a/2.png": face},
        )
        data = load(path)
        assert len(data) == 3
        assert "over" in data.skipped[0]
        table = b"emotion,pixels,Usage\n" + b"3" * (tables.MAX_ROW + 1)
        with pytest.raises(DataError, match="a row of"):
            load(self.zipped(tmp_path / "table.zip", {"fer2013.csv": table}))

    def test_formats_that_run_an_interpreter_are_not_opened(self, tmp_path: Path) -> None:
        (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 48 48\nshowpage\n")
        with pytest.raises(DataError, match="not a picture"):
            read_picture(tmp_path / "a.eps", 48, 1)

    def test_a_locked_archive(self, tmp_path: Path) -> None:
        path = self.zipped(tmp_path / "data.zip", {"fer2013.csv": b"emotion,pixels,Usage\n"})
        content = bytearray(path.read_bytes())
        for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.index(head) + at] |= 1
        path.write_bytes(content)
        with pytest.raises(EmotionError, match="locked"):
            load(path)
