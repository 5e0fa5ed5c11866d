"""A model as one artefact: a folder laid out alike in the clone, after training and on the Hub.

    config.json        labels, input, temperature, metrics, how it was trained, file hashes
    model.tflite       the graph that serves: raw crops in, logits out
    model.weights.h5   float16 weights, to fine-tune and to export from again
    README.md          the model card

A folder with ``config.json`` and only Keras weights (``model.weights.h5`` or ``model.keras``)
is a bundle too, served more slowly, by TensorFlow. Nothing else in a folder is ever read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..errors import BundleError, HashMismatchError
from .hub import has_sha256

CONFIG: Final = "config.json"
GRAPH: Final = "model.tflite"
WEIGHTS: Final = "model.weights.h5"
KERAS: Final = "model.keras"
CARD: Final = "README.md"
#: In the order of preference for serving.
SERVABLE: Final = (GRAPH, KERAS, WEIGHTS)
EMBEDDED: Final = Path(__file__).parents[1] / "bundles"
DEFAULT: Final = "fer2013-resnet50v2"


@dataclass(frozen=True)
class UncertainRule:
    """A prediction is uncertain when its best probability, or its lead over the second, is small."""

    min_confidence: float = 0.40
    min_margin: float = 0.10


@dataclass(frozen=True)
class BundleConfig:
    """What ``config.json`` says. Sizes are in pixels; ``channels`` is 1 (gray) or 3 (RGB).

    temperature divides the logits, and bias (one number a label, or none) is added to them, before
    the softmax (bias-corrected temperature scaling: Alexandari et al. 2020, arXiv:1901.06852).
    flip: whether a face's mirror image is looked at too, and the logits averaged.
    metrics maps a split to what was measured on it; files maps a name to its SHA-256.
    """

    name: str
    arch: str
    labels: tuple[str, ...]
    height: int
    width: int
    channels: int
    temperature: float = 1.0
    bias: tuple[float, ...] = ()
    flip: bool = False
    uncertain: UncertainRule = field(default_factory=UncertainRule)
    arch_options: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    export: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str | bytes) -> "BundleConfig":
        """Parse and check; raises BundleError, saying which entry is wrong."""
        try:
            raw = json.loads(text)
            shape = raw["input"]
            if not isinstance(raw["labels"], list):
                raise TypeError("labels must be a list")
            config = cls(
                name=str(raw["name"]),
                arch=str(raw.get("arch", "")),
                labels=tuple(str(label) for label in raw["labels"]),
                height=int(shape["height"]),
                width=int(shape["width"]),
                channels=int(shape["channels"]),
                temperature=float(raw.get("temperature", 1.0)),
                bias=tuple(float(value) for value in raw.get("bias", ())),
                flip=bool(raw.get("flip", False)),
                uncertain=UncertainRule(**{name: float(share) for name, share in raw.get("uncertain", {}).items()}),
                **{
                    name: dict(raw.get(name, {})) for name in ("arch_options", "metrics", "training", "export", "files")
                },
            )
        except KeyError as error:
            raise BundleError(f"{CONFIG} has no entry {error}. Is the folder a model bundle?") from error
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise BundleError(f"{CONFIG} cannot be read: {error}.") from error
        if len(config.labels) < 2 or len(set(config.labels)) != len(config.labels):
            raise BundleError(f"{CONFIG}: labels must be two or more different names.")
        if config.channels not in (1, 3) or not (8 <= config.height <= 1024 and 8 <= config.width <= 1024):
            raise BundleError(f"{CONFIG}: input must be 8 to 1024 pixels a side, with 1 or 3 channels.")
        if not 0.01 <= config.temperature <= 100:
            raise BundleError(f"{CONFIG}: temperature must lie between 0.01 and 100.")
        if len(config.bias) not in (0, len(config.labels)) or not all(abs(value) < 100 for value in config.bias):
            raise BundleError(f"{CONFIG}: bias needs one moderate number for each label.")
        if not all(0 <= share <= 1 for share in vars(config.uncertain).values()):  # NaN is neither
            raise BundleError(f"{CONFIG}: uncertain needs shares from 0 to 1.")
        return config

    def to_json(self) -> str:
        content = {
            "name": self.name,
            "arch": self.arch,
            "arch_options": dict(self.arch_options),
            "labels": list(self.labels),
            "input": {"height": self.height, "width": self.width, "channels": self.channels, "dtype": "uint8"},
            "temperature": self.temperature,
            "bias": list(self.bias),
            "flip": self.flip,
            "uncertain": vars(self.uncertain),
            "metrics": dict(self.metrics),
            "training": dict(self.training),
            "export": dict(self.export),
            "files": dict(self.files),
        }
        return json.dumps(content, indent=1) + "\n"


@dataclass(frozen=True)
class Bundle:
    """A checked bundle in a local folder. origin: what to call its source on the page."""

    folder: Path
    config: BundleConfig
    origin: str

    @classmethod
    def open(cls, folder: str | Path, origin: str | None = None) -> "Bundle":
        """Read the config and check the SHA-256 of every file that it lists and that is here.

        Raises BundleError when there is no config or nothing to serve, and HashMismatchError
        when a file is not the one that the config was written with.
        """
        folder = Path(folder)
        path = folder / CONFIG
        if not path.is_file():
            raise BundleError(f"{folder.name!r} has no {CONFIG}: it is not a model bundle.")
        bundle = cls(folder, BundleConfig.from_json(path.read_bytes()), origin or folder.name)
        for name in (GRAPH, KERAS, WEIGHTS, CARD):
            if (folder / name).is_file():
                check_sha256((folder / name).read_bytes(), bundle.config.files.get(name), name)
        bundle.serves_from()
        return bundle

    def serves_from(self) -> str:
        """The name of the file to serve from; BundleError when there is none."""
        for name in SERVABLE:
            if (self.folder / name).is_file():
                return name
        raise BundleError(f"{self.origin} has none of {', '.join(SERVABLE)}: there is nothing to serve.")


def check_sha256(content: bytes, expected: str | None, name: str) -> None:
    """Raise HashMismatchError unless the content's SHA-256 is the expected one (None: unknown)."""
    if not has_sha256(content, expected):
        raise HashMismatchError(
            f"{name} is not the file that was published: its SHA-256 differs. Delete it and fetch it again."
        )


def embedded(name: str = DEFAULT) -> Bundle | None:
    """The bundle of that name inside the package, or None."""
    folder = EMBEDDED / name
    return Bundle.open(folder, f"{name} (embedded)") if (folder / CONFIG).is_file() else None
