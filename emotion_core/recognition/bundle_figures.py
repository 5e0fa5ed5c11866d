"""The schema of what was measured on a bundle, as its ``config.json`` records it."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

#: Numbers must be numbers: no numeric strings, no NaN.
STRICT: Final = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Interval = Annotated[list[float], Field(min_length=2, max_length=2)]


@with_config(STRICT)
class ClassFigures(TypedDict):
    """One expression's figures; faces: how many faces have it."""

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
    """The main figures, excluding faces that are byte-identical to a Training face."""

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
    """How many faces were compared, and the share on which the network agrees."""

    faces: Count
    accuracy: Share
    balanced_accuracy: Share
    interval: Interval


@with_config(STRICT)
class Figures(TypedDict, total=False):
    """Metrics of one split, see ``training.metrics`` and ``training.evaluate``; None: cannot be measured."""

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
    #: Agreement with the FER+ voters' majority, where more than half of them agree.
    majority: Agreement
    ece_of_votes: Annotated[float, Field(ge=0)]
    #: The share that the uncertainty rule marks, and how many of the others agree with the majority.
    coverage: dict[str, Share]
    #: The figures with the calibration fitted to the labels.
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
    """The form that is served, and how all forms that were tried compare."""

    form: str
    forms: dict[str, FormFigures]


@with_config(STRICT)
class CrossFitted(TypedDict):
    """Figures against the labels, each face calibrated by a fit to other faces."""

    accuracy: Share
    nll: Annotated[float, Field(ge=0)]
