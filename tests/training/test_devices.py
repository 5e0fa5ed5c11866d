"""One device or several, and the precision chosen for the machine."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from emotion_core import TrainingError
from emotion_core.datasets.faces import load
from emotion_core.reports.notebook import trained
from emotion_core.training import devices
from emotion_core.training.devices import fast_precision, use_devices
from emotion_core.training.run_folder import read_history
from support import tiny
from support.processes import importing
from support.waiting import free_port


def test_precision_is_what_the_machine_computes_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    facts = tmp_path / "cpuinfo"
    monkeypatch.setattr(devices, "CPU_FACTS", facts)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    assert fast_precision() == "float32"  # CPU flags unknown
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
    """Virtual devices in one process; then two processes as hosts with one device each."""
    pytest.importorskip("jax", reason="several devices need the JAX backend")
    flags = f"--xla_force_host_platform_device_count={2 if hosts == 1 else 1}"
    environment = importing(KERAS_BACKEND="jax", XLA_FLAGS=flags)
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
    # On TensorFlow the run is exported, not trained again.
    data = load(tiny_csv)
    bundle = trained(data.only(np.arange(len(data)) != 140), tiny.settings(1), tmp_path / "all-0")
    assert len(read_history(bundle.folder / "run")) == 1
    assert bundle.config.metrics["private"]["faces"] == 42


@pytest.mark.parametrize("package", ["training", "reports"])
def test_tensorflow_starts_as_settled_whichever_package_is_first(package: str) -> None:
    environment = {name: value for name, value in importing().items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    told = f"import os, sys, emotion_core.{package}; print(os.environ['TF_ENABLE_ONEDNN_OPTS'], 'keras' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", told], env=environment, check=True, capture_output=True, text=True)
    assert said.stdout.split() == ["1", "False"]
