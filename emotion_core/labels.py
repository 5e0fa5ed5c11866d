"""Label sets, and the colour and symbol of each expression.

A bundle's labels are read from its config; the sets here are used for training.
"""

from collections.abc import Sequence
from typing import Final

#: FER-2013 in the order of its ids 0 to 6 (Goodfellow et al. 2013, arXiv:1307.0414).
FER2013: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

#: FER+ in the column order of its vote file (Barsoum et al. 2016, arXiv:1608.01041).
#: The file's last two columns, "unknown" and "not a face", are not expressions.
FERPLUS: Final = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")

#: AffectNet's eight expressions in the order of its ids (Mollahosseini et al. 2017, arXiv:1708.03985).
AFFECTNET: Final = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")

#: RAF-DB's seven basic expressions in the order of its ids 1 to 7 (Li et al. 2017, CVPR).
RAFDB: Final = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")

#: Synonyms that data sets use as folder names.
SYNONYMS: Final = {
    "anger": "angry",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "fearful": "fear",
    "afraid": "fear",
    "scared": "fear",
    "disgusted": "disgust",
    "contemptuous": "contempt",
    "neutrality": "neutral",
}

SYMBOLS: Final = {
    "angry": "😠",
    "disgust": "🤢",
    "fear": "😨",
    "happy": "😄",
    "sad": "😢",
    "surprise": "😲",
    "neutral": "😐",
    "contempt": "😏",
}

#: Okabe and Ito's palette, safe for common colour blindness; text always repeats the meaning.
COLOURS: Final = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#E69F00",
    "neutral": "#56B4E9",
    "contempt": "#999999",
}
OTHER_COLOUR: Final = "#999999"


def places(labels: Sequence[str], among: Sequence[str]) -> list[int]:
    """The place of each label among others, such as a network's. Raises ValueError for one that is not there."""
    return [among.index(label) for label in labels]


def colour_of(label: str) -> str:
    """The emotion's colour, ``#RRGGBB``; gray for labels of other data sets."""
    return COLOURS.get(label, OTHER_COLOUR)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (WCAG relative luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#FFFFFF"
