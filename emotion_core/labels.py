"""Label sets. A bundle's labels are read from its config; these are the ones used to train."""

from typing import Final

#: FER-2013 in the order of its ids 0 to 6 (Goodfellow et al. 2013, arXiv:1307.0414).
FER2013: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

#: FER+ in the column order of its vote file (Barsoum et al. 2016, arXiv:1608.01041).
#: The file's last two columns, "unknown" and "not a face", are no expressions.
FERPLUS: Final = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")

#: AffectNet's eight expressions in the order of its ids (Mollahosseini et al. 2017, arXiv:1708.03985).
AFFECTNET: Final = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")

#: Other words for the expressions, as data sets name their folders.
SYNONYMS: Final = {
    "anger": "angry",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "fearful": "fear",
    "disgusted": "disgust",
}
