"""Training, evaluation and export. Needs TensorFlow (or another Keras backend to train on)."""
