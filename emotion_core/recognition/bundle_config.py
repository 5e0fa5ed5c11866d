"""The schema of a bundle's ``config.json``: every entry has a type and bounds, and unknown entries are refused."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from ..errors import BundleError, did_you_mean
from .bundle_figures import STRICT, CrossFitted, Export, Figures, Share

CONFIG: Final = "config.json"
#: A real config is about 50 kB; megabytes are an attack or a mistake.
MAX_CONFIG_BYTES: Final = 5_000_000
MAX_BIAS: Final = 100.0

Side = Annotated[int, Field(ge=8, le=1024)]


@dataclass(frozen=True, config=STRICT)
class UncertainRule:
    """A prediction is uncertain if its best probability, its lead over the second or the face is too small."""

    min_confidence: Share = 0.40
    min_margin: Share = 0.10
    #: Minimum side of the face's crop, in pixels of the picture; 0: any size.
    min_side: Annotated[int, Field(ge=0, le=1024)] = 0


Bias = Annotated[float, Field(gt=-MAX_BIAS, lt=MAX_BIAS)]
Temperature = Annotated[float, Field(ge=0.01, le=100)]


@dataclass(frozen=True, config=STRICT)
class Calibration:
    """Turns logits into probabilities: divide by the temperature, add a bias per label, then softmax."""

    temperature: Temperature = 1.0
    bias: tuple[Bias, ...] = ()


@dataclass(frozen=True, config=STRICT)
class KeptCalibration(Calibration):
    """A calibration beside the one that serves: logits are first multiplied by the matrix, if there is one."""

    #: Rows of a square matrix (matrix scaling, Guo et al. 2017, arXiv:1706.04599), or none.
    matrix: tuple[tuple[Bias, ...], ...] = ()
    #: By form (``training.matrix_scaling``): what it reaches, cross-fitted on PublicTest.
    cross_fitted: Mapping[str, CrossFitted] = field(default_factory=dict)
    #: Whether it was fitted again when the other figures had been measured; PrivateTest was then opened once more.
    fitted_anew: bool = False


@dataclass(frozen=True, config=STRICT)
class CropShape:
    """The graph's input crop, in pixels; 1 channel is gray, 3 are RGB."""

    height: Side
    width: Side
    channels: Literal[1, 3]
    dtype: Literal["uint8"] = "uint8"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BundleConfig:
    """The validated ``config.json``. Raises pydantic's ValueError for invalid entries."""

    #: The model's name.
    name: Annotated[str, Field(min_length=1, max_length=200)]
    #: A key of ``architectures.BUILDERS``; "" if only the graph is known.
    arch: str = ""
    #: The options with which ``architectures.build`` rebuilds the network.
    arch_options: Mapping[str, Any] = field(default_factory=dict)
    #: The classes, in the order of the logits.
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    #: The shape of the network's input crops.
    input: CropShape
    #: The network's input: each detected face, or the whole picture if the labels are not expressions.
    sees: Literal["face", "picture"] = "face"
    #: Divides the logits before the softmax.
    temperature: Temperature = 1.0
    #: Added to the logits after that: one number per label, or none (Alexandari et al. 2020, arXiv:1901.06852).
    bias: tuple[Bias, ...] = ()
    #: Other calibrations, not used for serving: ``labels`` is fitted to single labels, to compare with the literature.
    calibrations: Mapping[str, KeptCalibration] = field(default_factory=dict)
    #: Whether the logits are averaged over each face and its mirror image.
    flip: bool = False
    #: When a prediction is marked uncertain.
    uncertain: UncertainRule = field(default_factory=UncertainRule)
    #: Split (public, private) -> its metrics.
    metrics: Mapping[str, Figures] = field(default_factory=dict)
    #: How it was trained, stage by stage: shown on the card, never used for serving.
    training: Mapping[str, Any] = field(default_factory=dict)
    #: The forms of the graph that were tried.
    export: Export = field(default_factory=lambda: Export())
    #: File name -> SHA-256.
    files: Mapping[str, str] = field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_its_labels(self) -> "BundleConfig":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must be different names")
        biases = (self.bias, *(one.bias for one in self.calibrations.values()))
        if any(len(bias) not in (0, len(self.labels)) for bias in biases):
            raise ValueError("bias needs one number for each of the labels")
        square = [len(self.labels)] * len(self.labels)
        if any([len(row) for row in one.matrix] not in ([], square) for one in self.calibrations.values()):
            raise ValueError("matrix needs a row, and in it one number, for each of the labels")
        return self

    @property
    def image_size(self) -> int:
        """Side to which the network enlarges its crops, in pixels."""
        return int(self.arch_options.get("image_size", self.height))

    @property
    def height(self) -> int:
        """Height of the input crops, in pixels."""
        return self.input.height

    @property
    def width(self) -> int:
        """Width of the input crops, in pixels."""
        return self.input.width

    @property
    def channels(self) -> int:
        """1: gray, 3: RGB."""
        return self.input.channels

    @classmethod
    def from_json(cls, text: str | bytes) -> "BundleConfig":
        """Parse and validate; raises BundleError naming the invalid entry."""
        if len(text) > MAX_CONFIG_BYTES:
            raise BundleError(f"{CONFIG} is over {MAX_CONFIG_BYTES // 10**6} MB: it does not belong to a bundle.")
        try:
            return _ENTRIES.validate_json(text)
        except ValidationError as error:
            raise BundleError(f"{CONFIG}: {_first_fault(error)}") from error

    def to_json(self) -> str:
        """The text of ``config.json``; ``from_json`` restores an equal config."""
        return json.dumps(_ENTRIES.dump_python(self, mode="json"), indent=1) + "\n"


_ENTRIES: Final = TypeAdapter(BundleConfig)


def _first_fault(error: ValidationError) -> str:
    """The first validation error in readable form: the entry and what is wrong with it."""
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, fault["loc"]))[:200]  # keys can be of any length
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = list(BundleConfig.__dataclass_fields__) if len(fault["loc"]) == 1 else []
        return f"{where} is not an entry of a bundle's config{did_you_mean(where, known)}"
    if fault["type"] in ("missing", "missing_argument"):
        return f"it has no entry {where}."
    text = fault["msg"].removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    return f"{where}: {text}." if where else f"{text}."
