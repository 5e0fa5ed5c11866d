"""What notebooks and slides are made of: drawn data, sources, averages, filters, heat maps, a peer, a deck."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from pptx import Presentation

from emotion_core import Bundle, DataError, EmotionRecognizer, ReportError, TrainingError
from emotion_core.cli.main import main
from emotion_core.datasets.drawn import drawn_faces, drawn_pets, relabelled, write_folders
from emotion_core.datasets.faces import as_ferplus, load
from emotion_core.datasets.sources import faces_of, fer2013, fewer, pets
from emotion_core.labels import FERPLUS
from emotion_core.recognition.architectures import build
from emotion_core.reports import gallery
from emotion_core.reports.execute import tidied, value_of
from emotion_core.reports.insight import convolutions, feature_maps, filters
from emotion_core.reports.mean_faces import agreement, mean_face, mean_faces, who_is_right, worst_mistakes
from emotion_core.reports.notebook import best_settings, reached, recorded, recorded_ablation, recorded_search, trained
from emotion_core.reports.peers import load_mini_xception, mini_xception, peer_probabilities
from emotion_core.reports.records import record_run
from emotion_core.reports.screenshots import photograph_page
from emotion_core.reports.slides import make_slides
from emotion_core.training import devices
from emotion_core.training.devices import fast_precision, use_devices
from emotion_core.training.run_folder import read_history
from support import tiny
from support.page_server import CHROMIUM
from support.waiting import free_port


def test_drawn_faces_are_like_the_real_set() -> None:
    data = drawn_faces(200)
    assert data.faces.shape == (200, 48, 48, 1)
    assert data.digest() == drawn_faces(200).digest() != drawn_faces(200, seed=1).digest()
    for split in ("train", "public", "private"):
        assert set(data.of(split).emotion) == set(range(7))
        assert set(as_ferplus(data).of(split).emotion) == set(range(8))
    assert data.votes is not None
    assert np.allclose(data.votes.sum(axis=1), 1, atol=1e-6)
    assert len(set(data.of("private").hashes()) & set(data.of("train").hashes())) == 2
    assert len(drawn_faces(20)) == 20
    assert drawn_pets(30, side=32).faces.shape == (30, 32, 32, 3)


def test_drawn_faces_as_a_folder(tmp_path: Path) -> None:
    part = relabelled(drawn_faces(200), {"happy": "happy", "sad": "low", "fear": "low"})
    assert part.labels == ("happy", "low")
    assert (part.emotion == 1).sum() == 60
    data = faces_of(str(write_folders(part, tmp_path / "mine")), side=48)
    assert data.labels == part.labels
    assert sorted(data.hashes()) == sorted(part.hashes())


def test_where_the_data_comes_from(
    tiny_csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fer2013(str(tiny_csv)).digest() == load(tiny_csv).digest()
    monkeypatch.setenv("FER2013_DIR", str(tiny_csv.parent))
    assert fer2013().digest() == load(tiny_csv).digest()
    assert "140 train, 42 public, 42 private" in capsys.readouterr().out
    monkeypatch.delenv("FER2013_DIR")
    asked: list[str] = []

    def download(name: str) -> Path:
        asked.append(name)
        return tiny_csv.parent

    monkeypatch.setattr("kagglehub.dataset_download", download)
    assert fer2013().digest() == load(tiny_csv).digest()
    assert asked == ["deadskull7/fer2013"]
    assert fer2013("drawn", 50, ferplus=True).labels == FERPLUS
    assert "Drawn faces, no data set" in capsys.readouterr().out
    assert pets("drawn", 40, side=32).labels == ("cat", "dog")


def test_data_that_cannot_be_had_says_what_to_do(tiny_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr("kagglehub.dataset_download", refuse)
    monkeypatch.setattr("keras.utils.get_file", refuse)
    monkeypatch.delenv("FER2013_DIR", raising=False)
    with pytest.raises(DataError, match='SOURCE = "drawn"'):
        fer2013()
    with pytest.raises(DataError, match=r"Fetch it from https://.*fer2013new\.csv"):
        fer2013(str(tiny_csv), votes=True)


def test_fewer_keeps_the_classes() -> None:
    data = fewer(drawn_faces(400), 70)
    assert 60 <= (data.split == "train").sum() <= 80
    assert (np.bincount(data.of("public").emotion) >= 2).all()


def test_averages_show_nobody() -> None:
    data = drawn_faces(400)
    means = mean_faces(data)
    assert list(means) == list(data.labels)
    assert means["happy"].shape == (48, 48, 1)
    assert "disgust" not in mean_faces(data.of("private"))
    with pytest.raises(DataError, match="11 faces are too few"):
        mean_face(data.faces[:11])


def test_mistakes_and_who_is_right() -> None:
    data = drawn_faces(400)
    data = replace(data, voted=np.full(400, FERPLUS.index("sad")))
    answers = np.where(np.array(data.labels)[data.emotion] == "angry", data.labels.index("sad"), data.emotion)
    probabilities = np.full((400, 7), 0.05)
    probabilities[np.arange(400), answers] = 0.7
    [kind] = worst_mistakes(probabilities, data)
    assert (kind["labelled"], kind["answered"], kind["faces"], kind["share"]) == ("angry", "sad", 60, 1.0)
    assert kind["votes"] == 1.0
    assert who_is_right(probabilities, data) == {"the label": 0, "the answer": 1, "no majority": 0, "neither": 0}
    unsure = replace(data, voted=np.full(400, -1))
    assert who_is_right(probabilities, unsure)["no majority"] == 1
    assert agreement(unsure)[:, -1].sum() == 400
    for call in (agreement, lambda bare: who_is_right(probabilities, bare)):
        with pytest.raises(DataError, match=r"fer2013new\.csv"):
            call(replace(data, voted=None))


def test_filters_and_feature_maps() -> None:
    network = build("custom_cnn", 2, width=4)
    assert len(convolutions(network)) == 8
    kernels = filters(network)
    assert kernels.shape == (4, 3, 3)
    assert ((kernels.max(axis=(1, 2)) == 255) | (kernels.min(axis=(1, 2)) == 0)).all()
    picture = drawn_faces(20).faces[0]
    maps = feature_maps(network, picture, 0)
    assert maps.shape == (4, 48, 48)
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert feature_maps(network, picture, 7).shape == (32, 6, 6)
    with pytest.raises(ReportError, match="0 to 7"):
        filters(network, 8)
    with pytest.raises(ReportError, match="not nested"):
        feature_maps(build("mobilenetv2", 2, image_size=32), picture, 0)


def test_a_peer_is_read_from_arrays_alone(tmp_path: Path) -> None:
    network = mini_xception()
    assert network.count_params() == 58_423
    with h5py.File(tmp_path / "peer.hdf5", "w") as file:
        for layer in network.layers:
            group = file.create_group(f"model_weights/{layer.name}")
            names = [f"{layer.name}_1/{number}:0" for number in range(len(layer.weights))]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name] = value
    faces = drawn_faces(20).faces
    answers = peer_probabilities(load_mini_xception(tmp_path / "peer.hdf5"), faces)
    assert np.allclose(answers, peer_probabilities(network, faces), atol=1e-5)
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    (tmp_path / "text.hdf5").write_text("no HDF5")
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file.create_group("model_weights")
    for name in ("text.hdf5", "other.hdf5", "absent.hdf5"):
        with pytest.raises(ReportError, match="is not fer2013_mini_XCEPTION"):
            load_mini_xception(tmp_path / name)


def test_charts_of_the_gallery() -> None:
    data = drawn_faces(200)
    faces = list(data.faces[:3])
    table = agreement(data)
    figures = [
        gallery.tiles(faces, ["a", "b\nc"], columns=2),
        gallery.heat(faces, [np.zeros((48, 48))] * 3, ["a", "b", "c"]),
        gallery.class_counts(data),
        gallery.shares(table, data.labels, [*FERPLUS, "none"], "label", "votes"),
        gallery.bars({"a": 0.25, "b": 0.5}, "share"),
    ]
    for figure in figures:
        assert isinstance(figure, Figure)
        assert gallery.png(figure).startswith(b"\x89PNG")
    assert len(gallery.png(Image.new("RGB", (900, 900)))) < 10_000


def test_a_finished_run_is_loaded(tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, settings = load(tiny_csv), tiny.settings(1)
    first = trained(data, settings, tmp_path / "run")
    capsys.readouterr()
    assert trained(data, settings, tmp_path / "run").config == first.config
    assert re.fullmatch(r"run is finished: [\d.]+ hours on \d+ \w+ cores, version .+\n", capsys.readouterr().out)
    spelled_out = replace(settings, arch_options={"crop_size": 48, **settings.arch_options})
    assert trained(data, spelled_out, tmp_path / "run").config == first.config
    with pytest.raises(TrainingError, match="other data or settings"):
        trained(data, tiny.settings(2), tmp_path / "run")


def test_a_recorded_run_needs_no_weights_for_its_figures(
    tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, settings = load(tiny_csv), tiny.settings(1)
    record_run(trained(data, settings, tmp_path / "fer2013-tiny"), tmp_path / "runs")
    elsewhere = tmp_path / "elsewhere" / "fer2013-tiny"
    figures = reached(data, settings, elsewhere, recorded_in=tmp_path / "runs").metrics
    assert figures == json.loads((tmp_path / "runs" / "fer2013-tiny.json").read_text())["metrics"]
    assert "fer2013-tiny is finished" in capsys.readouterr().out
    assert not elsewhere.exists()
    # Another run than the recorded one is trained.
    [stage] = reached(data, tiny.settings(2), elsewhere, recorded_in=tmp_path / "runs").training["stages"]
    assert len(stage["history"]) == 2
    assert (elsewhere / "config.json").is_file()


def test_tables_say_what_is_not_recorded(tiny_bundle: Bundle, tmp_path: Path) -> None:
    assert recorded("vgg16", folder=tmp_path) == "Not recorded yet: vgg16."
    record_run(Bundle(tiny_bundle.folder, replace(tiny_bundle.config, name="fer2013-x", arch="vgg16"), "x"), tmp_path)
    assert "| fer2013-x |" in recorded("vgg16", folder=tmp_path)
    assert recorded("vgg16", "resnet50", folder=tmp_path).endswith("Not recorded yet: resnet50.")
    assert "No ablation" in recorded_ablation(tmp_path)
    assert "No search" in recorded_search(tmp_path)
    search = {"best": {"nll": 1.25, "dropout": 0.2}, "trials": [{}, {}]}
    (tmp_path / "search.json").write_text(json.dumps(search))
    assert recorded_search(tmp_path) == best_settings(search) == "Best of 2 trials, PublicTest NLL 1.2500: dropout 0.2."


def test_a_kept_notebook_tells_nothing_of_the_machine() -> None:
    cell = nbformat.v4.new_code_cell("PEER = '/home/me/data/peer.hdf5'\nSIDE = 48\n", metadata={"tags": ["x"]})
    cell.metadata["tags"] = ["injected-parameters"]
    cell.metadata["papermill"] = {"duration": 1}
    cell.outputs = [nbformat.v4.new_output("stream", name=name, text=name) for name in ("stdout", "stderr")]
    kept = tidied(nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"output_path": "/home/me/x.ipynb"}}))
    assert kept.cells[0].source == "# Parameters\nSIDE = 48"
    assert [output.text for output in kept.cells[0].outputs] == ["stdout"]
    assert "home" not in nbformat.writes(kept)
    assert (value_of("12"), value_of("['a']"), value_of("drawn")) == (12, ["a"], "drawn")


def test_slides(tiny_bundle: Bundle, recognizer: EmotionRecognizer, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="No run is recorded"):
        make_slides(tmp_path / "none.pptx", tmp_path)
    for name in ("fer2013-a", "fer2013-b"):
        record_run(Bundle(tiny_bundle.folder, replace(tiny_bundle.config, name=name), name), tmp_path)
    ablation = {
        "config": {"epochs": 2, "arch": "tiny"},
        "training_faces": 84,
        "runs": [{"switch": word, "accuracy_uncalibrated": share} for word, share in (("plain", 0.5), ("EMA", 0.51))],
    }
    (tmp_path / "ablation.json").write_text(json.dumps(ablation))
    assert make_slides(tmp_path / "all.pptx", tmp_path, recognizer).is_file()
    pages = Presentation(str(tmp_path / "all.pptx")).slides
    text = [" ".join(shape.text_frame.text for shape in page.shapes if shape.has_text_frame) for page in pages]
    titles = ["Perceived expression", "The problem", "The data", "The networks", "How it was trained", "Results"]
    titles += ["Expression by expression", "What helped", "Error analysis", "Does it know", "From model", "The app"]
    titles += ["Limits and law", "What comes next"]
    for page, title in zip(text, titles, strict=True):
        assert title in page
    assert f"{tiny_bundle.config.metrics['private']['accuracy']:.1%}" in text[5]
    assert "happy" in text[11]
    deck = Presentation(str(tmp_path / "all.pptx"))
    for page in deck.slides:
        for shape in page.shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= deck.slide_width
            assert shape.top + shape.height <= deck.slide_height


def test_no_browser_no_picture(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)  # noqa: ARG005
    assert photograph_page(np.zeros((64, 64, 3), np.uint8)) is None
    assert "Chromium" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_slides_show_the_page(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_DETECTOR", "haar")
    record_run(Bundle(tiny_bundle.folder, replace(tiny_bundle.config, name="fer2013-a"), "a"), tmp_path)
    out = tmp_path / "cli.pptx"
    assert main(["slides", str(out), "--runs", str(tmp_path), "--model", "fer2013-custom-cnn"]) == 0
    [page] = [page for page in Presentation(str(out)).slides if page.shapes[0].text_frame.text == "The page"]
    [picture] = [shape.image for shape in page.shapes if hasattr(shape, "image")]
    assert picture.size == (1280 + 40 + 390, 860)


def test_precision_is_what_the_machine_computes_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    facts = tmp_path / "cpuinfo"
    monkeypatch.setattr(devices, "CPU_FACTS", facts)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    assert fast_precision() == "float32"  # nothing known
    facts.write_text("flags : fma avx2 avx512f avx512_bf16 amx_bf16 amx_tile\n")
    assert fast_precision() == "mixed_bfloat16"
    facts.write_text("flags : fma avx2 avx512f avx512_bf16\n")
    assert fast_precision() == "float32"
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    assert fast_precision() == "mixed_bfloat16"


def test_one_device_or_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert use_devices("one") == keras.distribution.list_devices()[:1]
    with pytest.raises(TrainingError, match="Unknown devices 'two'"):
        use_devices("two")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0", "gpu:1"])
    assert use_devices("all") == ["gpu:0"]
    assert "2 devices found; on tensorflow one of them trains" in capsys.readouterr().out
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(TrainingError, match="A batch of 31 cannot be shared by 2"):
        use_devices("all", 31)


ON_JAX = """
import sys
from emotion_core import DataError
from emotion_core.training.devices import use_devices
from emotion_core.reports.notebook import trained
import keras, numpy, tiny
from emotion_core.datasets.faces import load
count = {"one": 1, "all": 2}[sys.argv[1]]
data = load(sys.argv[2])
data = data.only(numpy.arange(len(data)) != 140)  # an odd number of PublicTest faces
assert len(use_devices(sys.argv[1], 28)) == count
try:
    trained(data, tiny.settings(1), sys.argv[3])
except TrainingError as error:
    assert "KERAS_BACKEND=tensorflow" in str(error)
assert len(keras.Variable([0.0]).value.sharding.device_set) == count
"""


@pytest.mark.parametrize("hosts", [1, 2])
def test_two_devices_or_hosts_learn_as_one_does(tiny_csv: Path, tmp_path: Path, hosts: int) -> None:
    """Virtual devices of one process; then two processes, each as a host with one."""
    pytest.importorskip("jax", reason="several devices need the JAX backend")
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(root / "tests"), os.environ.get("PYTHONPATH", "")])
    flags = f"--xla_force_host_platform_device_count={2 if hosts == 1 else 1}"
    environment = {**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": "jax", "XLA_FLAGS": flags}
    coordinator = f"127.0.0.1:{free_port()}"

    def start(choice: str, out: Path, number: int = 0) -> "subprocess.Popen[bytes]":
        together = {"JOB_ADDRESSES": coordinator, "NUM_PROCESSES": str(hosts), "PROCESS_ID": str(number)}
        named = {f"KERAS_DISTRIBUTION_{name}": value for name, value in together.items() if hosts > 1}
        return subprocess.Popen(
            [sys.executable, "-c", ON_JAX, choice, tiny_csv, out],
            env=environment | (named if choice == "all" else {}),
        )

    processes = [start("one", tmp_path / "one"), *(start("all", tmp_path / f"all-{n}", n) for n in range(hosts))]
    assert [process.wait(300) for process in processes] == [0] * (1 + hosts)
    losses = {
        folder.name: np.array([list(row.values())[1:5] for row in read_history(folder / "run")], float)
        for folder in tmp_path.iterdir()
    }
    assert len(losses) == 1 + hosts
    assert all(np.allclose(losses["one"], found, atol=1e-3) for found in losses.values()), losses
    # On TensorFlow: exported, not trained again.
    data = load(tiny_csv)
    bundle = trained(data.only(np.arange(len(data)) != 140), tiny.settings(1), tmp_path / "all-0")
    assert len(read_history(bundle.folder / "run")) == 1
    assert bundle.config.metrics["private"]["faces"] == 42
