"""Training, evaluation and export. Needs TensorFlow (or another Keras backend to train on)."""

import os

# TensorFlow enables oneDNN by default on the newest processors only; on older ones it is also three times as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
