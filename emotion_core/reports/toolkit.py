"""Everything from reports that notebooks need, in one place: display, charts, tables of recorded runs."""

from ..recognition.occlusion import occlusion_map
from ..render import annotate
from ..training.recipe import recipe
from .charts import comparison, confusion, history, per_class, reliability, truths
from .data_report import as_text, describe
from .experiments import ablation_table, best_settings
from .gallery import bars, class_counts, heat, shares, tiles
from .insight import convolutions, feature_maps, filters
from .mean_faces import agreement, differences, mean_faces, who_is_right, worst_mistakes
from .notebook import (
    reached,
    recorded,
    recorded_ablation,
    recorded_alike,
    recorded_search,
    recorded_truths,
    show,
    trained,
)
from .peers import load_mini_xception, peer_probabilities
from .records import comparison_table

__all__ = [
    "ablation_table",
    "agreement",
    "annotate",
    "as_text",
    "bars",
    "best_settings",
    "class_counts",
    "comparison",
    "comparison_table",
    "confusion",
    "convolutions",
    "describe",
    "differences",
    "feature_maps",
    "filters",
    "heat",
    "history",
    "load_mini_xception",
    "mean_faces",
    "occlusion_map",
    "peer_probabilities",
    "per_class",
    "reached",
    "recipe",
    "recorded",
    "recorded_ablation",
    "recorded_alike",
    "recorded_search",
    "recorded_truths",
    "reliability",
    "shares",
    "show",
    "tiles",
    "trained",
    "truths",
    "who_is_right",
    "worst_mistakes",
]
