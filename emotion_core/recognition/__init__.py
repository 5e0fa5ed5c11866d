"""From a picture to calibrated probabilities: loading models, detecting faces, classifying expressions."""
