"""The building blocks of notebooks and slides: drawn data, sources, averages, filters, heat maps, a peer, a deck."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import h5py
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from emotion_core import Bundle, DataError, ReportError, TrainingError
from emotion_core.datasets.drawn import drawn_faces
from emotion_core.datasets.faces import load
from emotion_core.labels import FERPLUS
from emotion_core.recognition.architectures import build
from emotion_core.reports import gallery
from emotion_core.reports.charts import history
from emotion_core.reports.execute import tidied, value_of
from emotion_core.reports.experiments import best_settings
from emotion_core.reports.insight import convolutions, feature_maps, filters
from emotion_core.reports.mean_faces import agreement, mean_face, mean_faces, who_is_right, worst_mistakes
from emotion_core.reports.notebook import reached, recorded, recorded_ablation, recorded_search, trained
from emotion_core.reports.peers import load_mini_xception, mini_xception, peer_probabilities
from emotion_core.reports.records import record_run
from support import tiny


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
        gallery.heat(faces, [np.zeros((48, 48))] * 3, ["a", "b", "c"], "gray levels", "Apart"),
        gallery.class_counts(data),
        gallery.shares(table, data.labels, [*FERPLUS, "none"], "label", "votes", "Both"),
        gallery.bars({"a": 0.25, "b": 0.5}, "share", title="Shares"),
    ]
    for figure in figures:
        assert isinstance(figure, Figure)
        with Image.open(io.BytesIO(gallery.png(figure))) as image:
            assert image.format == "PNG"
            assert image.info["dpi"][0] == pytest.approx(150, abs=1)
    for figure, bar in zip(figures, (None, "gray levels", None, "of the row", None), strict=True):
        assert all(axes.get_title() for axes in figure.axes[:1]) or figure.get_suptitle()
        assert bar in (None, figure.axes[-1].get_ylabel())
    assert len(gallery.png(Image.new("RGB", (900, 900)))) < 10_000


def test_two_losses_are_drawn_together_only_with_one_target() -> None:
    names = ("loss", "accuracy", "public_loss", "public_accuracy", "public_goal")
    rows = [dict.fromkeys(names, value) for value in (1.0, 0.5)]
    for config, curves, title in (
        ({}, 2, "Loss by what was asked for"),
        ({"teachers": ["one"]}, 1, "PublicTest's loss by what was asked for"),
    ):
        loss, accuracy = history([{"config": config, "history": rows}]).axes
        assert len(loss.lines) == curves
        assert len(accuracy.lines) == 2
        assert loss.get_title() == title


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
    # A run that differs from the recorded one is trained.
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
    given = {"accuracy": 0.5, "cross_fitted_nll": 1.5, "dropout": 0.3}
    best = {"accuracy": 0.6, "cross_fitted_nll": 1.25, "dropout": 0.2}
    search = {"best": best, "trials": [given, best], "random_trials": 10}
    (tmp_path / "search.json").write_text(json.dumps(search))
    told = recorded_search(tmp_path)
    assert told == best_settings(search)
    assert "Best of 2 trials: cross-fitted NLL 1.250" in told
    assert "with dropout 0.2. The given settings reached 1.500" in told
    assert "TPE begins after the first 10" in told
    assert "TPE" not in best_settings({**search, "random_trials": 1})


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
