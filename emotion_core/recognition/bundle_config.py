"""What ``config.json`` of a bundle may say: every entry has a type and bounds, and no other entry is taken."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator, with_config
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

from ..errors import BundleError, did_you_mean

CONFIG: Final = "config.json"
#: A config is some 50 kB; whoever sends megabytes of it wants something else.
MAX_CONFIG_BYTES: Final = 5_000_000
#: Numbers are numbers: neither text that could be read as one, nor NaN.
STRICT: Final = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
MAX_BIAS: Final = 100.0

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Side = Annotated[int, Field(ge=8, le=1024)]
Interval = Annotated[list[float], Field(min_length=2, max_length=2)]


@with_config(STRICT)
class ClassFigures(TypedDict):
    """One expression's figures; faces is how many there are of it."""

    precision: Share
    recall: Share
    f1: Share
    faces: Count


@with_config(STRICT)
class Bin(TypedDict):
    """One bin of the reliability curve: mean confidence and accuracy of its faces."""

    faces: Count
    confidence: Share
    accuracy: Share


@with_config(STRICT)
class WithoutTwins(TypedDict, total=False):
    """The main figures without the faces that are byte-identical to a Training face."""

    faces: Count
    accuracy: Share
    macro_f1: Share
    ece: Share


@with_config(STRICT)
class Intervals(TypedDict, total=False):
    """95% intervals: [low, high]."""

    accuracy: Interval
    macro_f1: Interval


@with_config(STRICT)
class Agreement(TypedDict, total=False):
    """How many faces there are, and the share on which the network agrees."""

    faces: Count
    accuracy: Share
    balanced_accuracy: Share
    interval: Interval


@with_config(STRICT)
class Figures(TypedDict, total=False):
    """What was measured on one split, see ``training.metrics`` and ``training.evaluate``; None: cannot be measured."""

    faces: Count
    accuracy: Share
    balanced_accuracy: Share
    macro_precision: Share
    macro_f1: Share
    nll: Annotated[float, Field(ge=0)]
    roc_auc: Share | None
    ece: Share
    interval: Intervals
    per_class: dict[str, ClassFigures]
    confusion: list[list[Count]]
    reliability: list[Bin]
    views: Literal["one", "flip", "ten"]
    accuracy_one_view: Share
    nll_of_votes: Annotated[float, Field(ge=0)] | None
    uncertain_share: Share
    accuracy_when_certain: Share | None
    without_twins: WithoutTwins
    #: Agreement with the majority of the FER+ voters, where over half of them agree.
    majority: Agreement
    ece_of_votes: Annotated[float, Field(ge=0)]
    #: What the rule for uncertain faces marks, and how many of the others agree with the majority.
    coverage: dict[str, Share]
    #: By the calibration that is fitted to the labels.
    label_calibrated: dict[str, float]


@with_config(STRICT)
class FormFigures(TypedDict):
    """One form of the network against float32, see ``training.export.parity``."""

    file: str
    megabytes: Annotated[float, Field(ge=0)]
    public_accuracy: Share
    same_answer: Share
    probability_gap: Share
    milliseconds_1_face: Annotated[float, Field(ge=0)]
    milliseconds_10_faces: Annotated[float, Field(ge=0)]


@with_config(STRICT)
class Export(TypedDict, total=False):
    """Which form serves, and how every form that was tried compares."""

    form: str
    forms: dict[str, FormFigures]


@dataclass(frozen=True, config=STRICT)
class UncertainRule:
    """A prediction is uncertain when its best probability, or its lead over the second, is small, or the face is."""

    min_confidence: Share = 0.40
    min_margin: Share = 0.10
    #: Of the face's crop in the picture, in pixels; 0: any size will do.
    min_side: Annotated[int, Field(ge=0, le=1024)] = 0


Bias = Annotated[float, Field(gt=-MAX_BIAS, lt=MAX_BIAS)]
Temperature = Annotated[float, Field(ge=0.01, le=100)]


@dataclass(frozen=True, config=STRICT)
class Calibration:
    """What makes logits probabilities: divided by the temperature, plus a bias for each label."""

    temperature: Temperature = 1.0
    bias: tuple[Bias, ...] = ()


@dataclass(frozen=True, config=STRICT)
class CropShape:
    """The face crop that the graph takes, in pixels; 1 channel is gray, 3 are RGB."""

    height: Side
    width: Side
    channels: Literal[1, 3]
    dtype: Literal["uint8"] = "uint8"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BundleConfig:
    """What ``config.json`` says, checked. Raises ValueError (pydantic's) for what does not fit."""

    #: What it is called everywhere.
    name: Annotated[str, Field(min_length=1, max_length=200)]
    #: A key of ``architectures.BUILDERS``; "" where only the graph is known.
    arch: str = ""
    #: What ``architectures.build`` needs to build the network again.
    arch_options: Mapping[str, Any] = field(default_factory=dict)
    #: The classes, in the order of the logits.
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    #: The crops that the network takes.
    input: CropShape
    #: What the network is shown: each face that is found, or, where the labels are not expressions, the whole picture.
    sees: Literal["face", "picture"] = "face"
    #: Divides the logits before the softmax.
    temperature: Temperature = 1.0
    #: Added to them, one number a label, or none (Alexandari et al. 2020, arXiv:1901.06852).
    bias: tuple[Bias, ...] = ()
    #: Others, which do not serve: ``labels`` is fitted to the data's single labels, for the literature's figure.
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    #: Whether a face's mirror image is looked at too, and the logits averaged.
    flip: bool = False
    #: When an answer is marked uncertain.
    uncertain: UncertainRule = field(default_factory=UncertainRule)
    #: A split (public, private) -> what was measured on it.
    metrics: Mapping[str, Figures] = field(default_factory=dict)
    #: How it was trained, stage by stage: told on the card, never used to serve.
    training: Mapping[str, Any] = field(default_factory=dict)
    #: The forms of the graph that were tried.
    export: Export = field(default_factory=lambda: Export())
    #: A file's name -> its SHA-256.
    files: Mapping[str, str] = field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_its_labels(self) -> "BundleConfig":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must be different names")
        biases = (self.bias, *(one.bias for one in self.calibrations.values()))
        if any(len(bias) not in (0, len(self.labels)) for bias in biases):
            raise ValueError("bias needs one number for each of the labels")
        return self

    @property
    def height(self) -> int:
        """Of the crops that the graph takes, in pixels."""
        return self.input.height

    @property
    def width(self) -> int:
        """Of the crops that the graph takes, in pixels."""
        return self.input.width

    @property
    def channels(self) -> int:
        """1: gray, 3: RGB."""
        return self.input.channels

    @classmethod
    def from_json(cls, text: str | bytes) -> "BundleConfig":
        """Parse and check; raises BundleError, saying which entry is wrong."""
        if len(text) > MAX_CONFIG_BYTES:
            raise BundleError(f"{CONFIG} is over {MAX_CONFIG_BYTES // 10**6} MB: it does not belong to a bundle.")
        try:
            return _ENTRIES.validate_json(text)
        except ValidationError as error:
            raise BundleError(f"{CONFIG}: {_first_fault(error)}") from error

    def to_json(self) -> str:
        """The text of ``config.json``; ``from_json`` gives an equal config back."""
        return json.dumps(_ENTRIES.dump_python(self, mode="json"), indent=1) + "\n"


_ENTRIES: Final = TypeAdapter(BundleConfig)


def _first_fault(error: ValidationError) -> str:
    """The first thing that does not fit, for people: where it stands and what is wrong."""
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, fault["loc"]))[:200]  # a key may be of any length
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = list(BundleConfig.__dataclass_fields__) if len(fault["loc"]) == 1 else []
        return f"{where} is not an entry of a bundle's config{did_you_mean(where, known)}"
    if fault["type"] in ("missing", "missing_argument"):
        return f"it has no entry {where}."
    text = fault["msg"].removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    return f"{where}: {text}." if where else f"{text}."
