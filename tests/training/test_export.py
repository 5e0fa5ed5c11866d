"""Forms of a network, recorded runs, tables, and short experiments: written, read back, measured."""

import json
import re
from dataclasses import replace
from pathlib import Path

import brotli
import numpy as np
import pytest

from emotion_core import Bundle, BundleError, ReportError
from emotion_core.cli.main import parser
from emotion_core.cli.training_options import train_config
from emotion_core.datasets.faces import load
from emotion_core.recognition.architectures import _builder, _Transferred
from emotion_core.recognition.bundle import EMBEDDED
from emotion_core.recognition.classifier import Classifier, LiteRTNetwork, softmax
from emotion_core.reports.benchmarks import benchmark_tables
from emotion_core.reports.records import comparison_table, read_runs, record_run, rewrite, tables
from emotion_core.training.evaluate import evaluate, mirror, seen
from emotion_core.training.export import chosen_form, export_forms
from emotion_core.training.forms import FLOAT, FORMS, FULL_INT8, LITERT, ONNX, SAVED_MODEL, written_forms
from emotion_core.training.recipe import recipe
from emotion_core.training.run_folder import RUNS
from emotion_core.training.seven_bits import with_seven_bits

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from onnx and tf2onnx
def test_every_form_answers_as_float32_does(tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path) -> None:
    table = export_forms(tiny_bundle, load(tiny_csv), tmp_path)
    assert list(table) == list(FORMS)
    assert json.loads((tmp_path / "parity.json").read_text()) == table
    for form, row in table.items():
        assert (tmp_path / row["file"]).exists()
        assert row["megabytes"] > 0
        if form != "full int8":
            assert row["same_answer"] > 0.95, form
            assert row["probability_gap"] < 0.1, form
    faces = load(tiny_csv).of("public").faces
    graph = LiteRTNetwork((tmp_path / table["dynamic-range int8"]["file"]).read_bytes())
    assert np.allclose(graph(faces), Classifier.from_bundle(tiny_bundle).one_view(faces), atol=0.5)
    with pytest.raises(BundleError, match="Unknown form 'caffe'"):
        export_forms(tiny_bundle, load(tiny_csv), tmp_path, ("caffe",))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_transferred_network_keeps_its_statistics_in_every_form(tmp_path: Path) -> None:
    """Its backbone is a network in the network: traced carelessly, it would normalise by the batch at hand.

    MobileNet is built as the networks of ``keras.applications`` that we train, and is the one with the fewest layers.
    """
    earlier, faces = np.random.default_rng(0).integers(0, 256, (2, 4, 48, 48, 1)).astype(np.uint8)
    network = _builder("mobilenet", _Transferred("MobileNet", 48))(7)
    for layer in network.get_layer("mobilenet_1.00_48").layers:
        layer.momentum = 0.0
    network(earlier, training=True)  # statistics of faces: with those of a new network the answers vanish
    told = np.asarray(network(faces, training=False))
    assert np.abs(told).max() > 0.1
    assert not np.allclose(network(faces, training=True), told, atol=0.01), "of the batch at hand"
    network(earlier, training=True)
    for form, _, run in written_forms(network, (FLOAT, ONNX, SAVED_MODEL), tmp_path, faces):
        assert np.allclose(run(faces), told, atol=1e-3), form


def test_a_bundle_may_look_at_the_mirror_image_too(tiny_bundle: Bundle, tiny_csv: Path) -> None:
    faces = load(tiny_csv).of("private").faces
    once = Classifier.from_bundle(tiny_bundle)
    twice = Classifier(once._network, replace(tiny_bundle.config, flip=True))
    assert np.allclose(twice.logits(faces), (once.logits(faces) + once.logits(mirror(faces))) / 2, atol=1e-4)
    assert np.allclose(twice.probabilities(faces), seen(once, faces, "flip"), atol=1e-4)
    assert len(twice.logits(faces[:0])) == 0
    figures = evaluate(twice, load(tiny_csv), "private")
    assert figures["views"] == "flip"
    assert figures["accuracy_one_view"] == evaluate(once, load(tiny_csv), "private")["accuracy"]
    assert np.array_equal(twice.unmirrored().logits(faces), once.logits(faces))
    assert evaluate(once, load(tiny_csv), "private", "ten")["views"] == "ten"


def test_runs_are_recorded_and_told_in_tables(tiny_bundle: Bundle, tmp_path: Path) -> None:
    named = Bundle(tiny_bundle.folder, replace(tiny_bundle.config, name="fer2013-tiny"), "tiny")
    path = record_run(named, tmp_path)
    [run] = read_runs(tmp_path)
    assert run.metrics == tiny_bundle.config.metrics
    assert path.stat().st_size < 60_000
    assert f"**{run.metrics['private']['accuracy']:.4f}**" in comparison_table([run])
    document = tmp_path / "page.md"
    document.write_text("Before.\n<!-- table: comparison -->\nold\n<!-- /table -->\nAfter.\n")
    assert rewrite(document, tmp_path)
    text = document.read_text()
    assert text.startswith("Before.\n<!-- table: comparison -->\n| network |")
    assert text.endswith("<!-- /table -->\nAfter.\n")
    assert not rewrite(document, tmp_path)
    document.write_text("<!-- table: guesses -->\n<!-- /table -->\n")
    with pytest.raises(ReportError, match="'guesses'"):
        rewrite(document, tmp_path)
    names = {f"{name} fer2013-tiny" for name in ("results", "classes", "recipe")}
    truths = {
        "two truths",
        "label calibrations",
        "found photos",
        "corruptions",
        "unfinished",
        "teachers",
        "recipe teachers",
        "alike",
        "alike size",
        "recipe alike",
    }
    others = {"comparison", "shipped", "ablation", "ablation size", "search", "notebooks", "clone", "settings"}
    assert {*others, *truths, *names, *benchmark_tables()} == set(tables(tmp_path))


@pytest.mark.parametrize(
    "document",
    ["README.md", "SECURITY.md", "tests/benchmarks/README.md", *(f"docs/{path.name}" for path in DOCS.glob("*.md"))],
)
def test_documents_tell_what_is_recorded(document: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.md"
    copy.write_text((Path(__file__).parents[2] / document).read_text())
    assert not rewrite(copy), "run: nox -s figures"


def test_a_recipe_trains_the_same_configuration_again(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    text = recipe(tiny_bundle.config).replace("\\\n", "").strip("`\n").removeprefix("bash\n")
    words = text.split()
    assert words[:4] == ["python", "-m", "emotion_core", "train"]
    again = train_config(parser().parse_args(words[3:])).as_json()
    # The precision depends on the machine, so recipes omit it.
    own = {name: again[name] for name in ("augmentation", "precision")}
    assert again == {**stage["config"], **own}


def test_a_recipe_tells_stages_apart(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    name = tiny_bundle.config.name
    later = {**stage, "config": {**stage["config"], "init": "best.weights.h5", "teachers": [name, "another"]}}
    text = recipe(replace(tiny_bundle.config, training={**tiny_bundle.config.training, "stages": [stage, later]}))
    first, second = text.replace("\\\n ", "").strip("`\n").removeprefix("bash\n").splitlines()
    assert first.endswith(f"--out {name}-stage-1")
    assert f"--init {name}-stage-1/run/best.weights.h5" in second
    assert f"--teachers {name}-stage-1 another" in second
    assert second.endswith(f"--out {name}")
    later["config"]["init"] = name  # the bundle itself
    assert f"--init {name}-stage-1 " in recipe(replace(tiny_bundle.config, training={"stages": [stage, later]}))


def test_a_recipe_begins_at_what_can_be_had(tiny_bundle: Bundle) -> None:
    """Every start, teacher and stage of the documents' recipes is downloaded, made there, or trained further up."""
    text = (
        (Path(__file__).parents[2] / "docs" / "training.md").read_text().split("## The recipes of the recorded runs")[1]
    )
    shipped = {path.name for path in EMBEDDED.iterdir()}
    made = {"face_resnet.npz", *shipped}
    lines = [
        line
        for line in text.replace("\\\n", "").splitlines()
        if re.match("python -m emotion_core (train|average)", line)
    ]
    assert len(lines) >= 10
    for line in lines:
        options = parser().parse_args(line.split()[3:])
        if options.command == "average":
            named = options.bundle
        else:
            named = [*(options.teachers or ()), *([options.init.split("/run/")[0]] if options.init else [])]
        assert set(named) <= made, line
        assert options.out.name not in made - shipped, f"{options.out} would mean two things"
        made.add(options.out.name)
    [stage] = tiny_bundle.config.training["stages"]
    lost = {**stage["config"], "init": "mobilenetv2_imagenet.npz", "teachers": ["fer2013-custom-cnn"]}
    stage = {**stage, "config": lost, "teachers_sha256": ["0" * 64]}
    told = recipe(replace(tiny_bundle.config, training={"stages": [stage]}))
    assert "--weights imagenet" in told
    assert "--init" not in told
    assert "# fer2013-custom-cnn was another then (SHA-256 000000000000...)" in told


def test_a_recipe_begins_at_the_bundle_that_a_stage_began_with(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    own = {"name": "my shapes", "splits": "made", "truth": "labels", "sought": True}
    settings = {**stage["config"], "init": "fer2013-custom-cnn"}
    later = {**stage, "data": own, "votes_sha256": None, "config": settings, "init_sha256": "0" * 64}
    training = {**tiny_bundle.config.training, "stages": [stage, later]}
    [comment, command] = (
        recipe(replace(tiny_bundle.config, sees="picture", training=training))
        .replace("\\\n ", "")
        .strip("`\n")
        .removeprefix("bash\n")
        .splitlines()
    )
    assert "fer2013-custom-cnn was another then (SHA-256 000000000000...)" in comment
    assert "--init fer2013-custom-cnn " in command
    assert "--data 'my shapes' --detect" in command
    assert command.endswith(f"--whole-picture --out {tiny_bundle.config.name}")
    later["base_model"] = "we/faces"
    assert "--init we/faces " in recipe(replace(tiny_bundle.config, training=training))


@pytest.mark.parametrize(
    ("run", "form"),
    [
        ("fer2013-custom-cnn", "dynamic-range int8"),
        ("fer2013-resnet50v2", "dynamic-range int8"),  # full int8 is wrong about most faces
        ("fer2013-mobilenetv2", FULL_INT8),  # hardly larger, seventeen times as fast, and as accurate
    ],
)
def test_the_form_is_chosen_by_accuracy_size_and_speed(run: str, form: str) -> None:
    table = json.loads((RUNS / f"{run}.json").read_text())["export"]["forms"]
    assert chosen_form(table, LITERT, 3589) == form
    assert chosen_form(table, (FLOAT,), 3589) == FLOAT
    broken = {name: {**row, "public_accuracy": 0.1 if name != FLOAT else 0.6} for name, row in table.items()}
    with pytest.raises(BundleError, match="No form of"):
        chosen_form(broken, (FULL_INT8,), 3589)


def test_among_few_faces_the_answers_must_be_those_of_float32() -> None:
    table = json.loads((RUNS / "fer2013-custom-cnn.json").read_text())["export"]["forms"]
    gaps = {name: {**row, "probability_gap": 0.0 if name == FLOAT else 0.2} for name, row in table.items()}
    assert chosen_form(gaps, LITERT, 20) == FLOAT


def test_large_layers_have_seven_bits_and_compress_better() -> None:
    graph, other = (
        (EMBEDDED / name / "model.tflite").read_bytes() for name in ("fer2013-custom-cnn", "ferplus-residual-cnn")
    )
    assert with_seven_bits(other) == other, "it has no large layer"
    packed = with_seven_bits(graph)  # which has seven bits: now six
    assert abs(len(packed) - len(graph)) < 1000
    assert len(brotli.compress(packed, quality=5)) < 0.97 * len(brotli.compress(graph, quality=5))
    faces = np.random.default_rng(0).integers(0, 256, (20, 48, 48, 1), dtype=np.uint8)
    answers, before = (softmax(LiteRTNetwork(one)(faces)) for one in (packed, graph))
    assert 0 < np.abs(answers - before).max() < 0.1
