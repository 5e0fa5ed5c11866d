"""From a picture to calibrated probabilities: where models come from, finding faces, naming expressions."""
