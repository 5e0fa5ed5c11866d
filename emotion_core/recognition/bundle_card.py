"""Checks that a bundle's card states what its config does, so that nothing else is published."""

from huggingface_hub import ModelCard, ModelCardData

from ..errors import BundleError
from .bundle import CARD
from .bundle_config import BundleConfig

_AGAIN = "Calibrate or export the bundle again, which writes its card."


def check_card(text: str, config: BundleConfig) -> None:
    """Raise BundleError for another model's card, one whose figures are not the config's, or one that tells other
    labels or another calibration.
    """
    data = _metadata(text)
    told = {
        (str(result.dataset_split), result.metric_type, result.metric_value, _of_people(result.metric_name))
        for result in data.eval_results or []
    }
    measured = {
        (split, kind, value, people)
        for split, figures in config.metrics.items()
        for kind, value, people in (
            ("accuracy", figures["accuracy"], False),
            ("f1", figures["macro_f1"], False),
            *([("accuracy", figures["majority"]["accuracy"], True)] if "majority" in figures else []),
        )
    }
    if measured and not told:
        raise BundleError(f"The card {CARD} has no model-index, though figures were measured. {_AGAIN}")
    if told and data.model_name != config.name:
        raise BundleError(f"The card {CARD} is of {data.model_name}, not of {config.name}. {_AGAIN}")
    for split, kind, value, people in sorted(measured - told, key=str):
        of = "agreement with people" if people else kind
        raise BundleError(f"The card {CARD} does not tell the config's {of} of {split}, {value}. {_AGAIN}")
    for split, kind, value, _ in sorted(told - measured, key=str):
        raise BundleError(f"The card {CARD} tells {kind} {value} of {split}, which was not measured. {_AGAIN}")
    for words in (f"# {config.name}", ", ".join(config.labels), f"the temperature {config.temperature:g}"):
        if words not in text:
            raise BundleError(f"The card {CARD} does not say {words!r}, as the config does. {_AGAIN}")


def _metadata(text: str) -> ModelCardData:
    try:
        data = ModelCard(text, ignore_metadata_errors=True).data
    except ValueError as error:
        raise BundleError(f"The card {CARD} has metadata that cannot be read ({error}). {_AGAIN}") from error
    if not isinstance(data, ModelCardData):
        raise BundleError(f"The card {CARD} is not a model's. {_AGAIN}")
    return data


def _of_people(name: str | None) -> bool:
    """Whether a metric is agreement with people's majority, not with labels."""
    return "majority" in (name or "")
