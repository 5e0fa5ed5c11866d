"""One switch for the machine: the CPU, one accelerator, or all of them with the batch divided.

Several devices are used through ``keras.distribution``, which the JAX backend carries: set
``KERAS_BACKEND=jax`` before Keras is imported. Every device then holds the whole network and
takes its share of each batch, so the batch size must be a multiple of their number. A test
trains on two virtual devices and finds the same losses as on one. Keras's TensorFlow backend
marks its own part of that interface as not for use, so there one device trains, and
``use_devices`` says so.
"""

from pathlib import Path
from typing import Final

import keras

from ..errors import DataError

CHOICES: Final = ("one", "all")
CPU_FACTS: Final = Path("/proc/cpuinfo")


def use_devices(choice: str = "one", batch_size: int | None = None) -> list[str]:
    """Choose before a network is built; returns the devices that will train, such as ``gpu:0``.

    Raises DataError for another word, or when the devices cannot share a batch evenly.
    """
    if choice not in CHOICES:
        raise DataError(f"Unknown devices {choice!r}: use one of {', '.join(CHOICES)}.")
    found = list(keras.distribution.list_devices())
    if choice == "one" or len(found) == 1:
        keras.distribution.set_distribution(None)
        return found[:1]
    if keras.backend.backend() != "jax":
        print(f"{len(found)} devices found; on {keras.backend.backend()} one of them trains. Use the JAX backend.")
        return found[:1]
    if batch_size is not None and batch_size % len(found):
        raise DataError(f"A batch of {batch_size} cannot be shared by {len(found)} devices: use a multiple.")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found))
    return found


def fast_precision() -> str:
    """``mixed_bfloat16`` where the machine computes in it, else ``float32``.

    A processor without such instructions emulates them: ResNet50V2 trained some ten times slower.
    """
    if any(not name.startswith("cpu") for name in keras.distribution.list_devices()):
        return "mixed_bfloat16"
    facts = CPU_FACTS.read_text().split() if CPU_FACTS.is_file() else []
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & set(facts) else "float32"
