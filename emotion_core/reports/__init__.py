"""Made from recorded runs: tables, charts, slides, and notebooks run top to bottom."""

# First: it settles how TensorFlow starts, and modules here import Keras.
from .. import training as training
