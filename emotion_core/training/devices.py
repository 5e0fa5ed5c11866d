"""Choose the devices to train on: the CPU, one accelerator, or all of them with the batch divided.

Several devices are used through ``keras.distribution``, which the JAX backend supports: set
``KERAS_BACKEND=jax`` before Keras is imported. Every device then holds the whole network and
takes its share of each batch, so the batch size must be a multiple of their number. Several
hosts train together if Keras's own variables name them, each with the same command:
``KERAS_DISTRIBUTION_JOB_ADDRESSES`` (the first one coordinates), ``..._NUM_PROCESSES`` and
``..._PROCESS_ID``. Tests train on two virtual devices, and on two processes as two hosts, and get
the same losses as on one. Keras's TensorFlow backend marks that interface as not for use, so there
one device trains, and ``use_devices`` says so.
"""

import os
import platform
from pathlib import Path
from typing import Final

import keras

from ..errors import TrainingError

CHOICES: Final = ("one", "all")
CPU_FACTS: Final = Path("/proc/cpuinfo")


def use_devices(choice: str = "one", batch_size: int | None = None) -> list[str]:
    """Call before a network is built; returns the devices that will train, such as ``gpu:0``.

    Raises TrainingError for an unknown choice, or when the devices cannot share a batch evenly.
    """
    if choice not in CHOICES:
        raise TrainingError(f"Unknown devices {choice!r}: use one of {', '.join(CHOICES)}.")
    several_hosts = "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ
    if choice == "all" and several_hosts and keras.backend.backend() == "jax" and _processes() == (1, 0):
        keras.distribution.initialize()  # must run before devices are listed
    found = _devices()
    if choice == "one" or len(found) == 1:
        keras.distribution.set_distribution(None)
        return found[:1]
    if keras.backend.backend() != "jax":
        print(f"{len(found)} devices found; on {keras.backend.backend()} one of them trains. Use the JAX backend.")
        return found[:1]
    if batch_size is not None and batch_size % len(found):
        raise TrainingError(f"A batch of {batch_size} cannot be shared by {len(found)} devices: use a multiple.")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found, auto_shard_dataset=False))
    return found


def use_threads(count: int) -> None:
    """Compute on this many of the CPU's threads, so that several runs can share a machine; call before anything trains.

    Raises TrainingError for less than one, and where TensorFlow has computed already.
    """
    if count < 1:
        raise TrainingError(f"Training needs at least one thread, not {count}.")
    import cv2

    cv2.setNumThreads(count)
    os.environ["OMP_NUM_THREADS"] = str(count)
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(count)
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(count)
            tf.config.threading.set_inter_op_parallelism_threads(count)
        except RuntimeError as error:
            raise TrainingError("TensorFlow has started already: choose its threads first.") from error


def own_share(count: int) -> slice:
    """The part of a batch of ``count`` that this process feeds: all, unless several hosts train together.

    Keras fails if the processes cannot share ``count`` evenly.
    """
    processes, number = _processes()
    return slice(number * count // processes, (number + 1) * count // processes)


def divisible(count: int) -> int:
    """The smallest number of at least ``count`` that all devices can share evenly."""
    distribution = keras.distribution.distribution()
    devices = 1 if distribution is None else int(distribution.device_mesh.devices.size)
    return -(-count // devices) * devices


def _processes() -> tuple[int, int]:
    """The number of processes that train together, and the index of this one."""
    if keras.backend.backend() != "jax":
        return 1, 0
    import jax

    # Checked first, as counting processes would initialise the devices before the hosts are connected.
    return (jax.process_count(), jax.process_index()) if jax.distributed.is_initialized() else (1, 0)


def _devices() -> list[str]:
    """The available devices, such as ``cpu:0``."""
    if keras.backend.backend() != "torch":  # keras.distribution does not support torch
        return list(keras.distribution.list_devices())
    import torch

    return [f"gpu:{number}" for number in range(torch.cuda.device_count())] or ["cpu:0"]


def hardware() -> str:
    """What trains here, in words: ``NVIDIA H100 80GB HBM3``, or ``2 x86_64 cores``."""
    if keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform != "cpu":
            return str(device.device_kind)
    return f"{os.cpu_count()} {platform.machine()} cores"


def fast_precision() -> str:
    """``mixed_bfloat16`` where the machine is faster with it, else ``float32``.

    Among CPUs, only those with AMX tiles qualify. Without any bfloat16 instructions a CPU emulates them:
    ResNet50V2 trained about ten times slower. With AVX-512's alone it was a fifth slower than in
    float32 on an Intel Xeon and a third faster on an AMD EPYC, where MobileNetV2 was a third slower:
    there it is worth trying by hand.
    """
    if any(not name.startswith("cpu") for name in _devices()):
        return "mixed_bfloat16"
    facts = CPU_FACTS.read_text().split() if CPU_FACTS.is_file() else []
    return "mixed_bfloat16" if "amx_bf16" in facts else "float32"
