"""Checks that a bundle's card states the figures in its config, so that nothing else is published."""

from huggingface_hub import ModelCard, ModelCardData

from ..errors import BundleError
from .bundle import CARD
from .bundle_config import BundleConfig


def check_card(text: str, config: BundleConfig) -> None:
    """Raise BundleError for another model's card, or one whose figures differ from the config's."""
    again = "Calibrate or export the bundle again, which writes its card."
    if not config.metrics:
        return
    try:
        data = ModelCard(text, ignore_metadata_errors=True).data
    except ValueError as error:
        raise BundleError(f"The card {CARD} has metadata that cannot be read ({error}). {again}") from error
    if not isinstance(data, ModelCardData):
        raise BundleError(f"The card {CARD} is not a model's. {again}")
    told = {(result.dataset_split, result.metric_type, result.metric_value) for result in data.eval_results or []}
    if not told:
        raise BundleError(f"The card {CARD} has no model-index, though figures were measured. {again}")
    if data.model_name != config.name:
        raise BundleError(f"The card {CARD} is of {data.model_name}, not of {config.name}. {again}")
    for split, figures in config.metrics.items():
        for kind, value in (("accuracy", figures["accuracy"]), ("f1", figures["macro_f1"])):
            if (split, kind, value) not in told:
                raise BundleError(f"The card {CARD} does not tell the config's {kind} of {split}, {value}. {again}")
