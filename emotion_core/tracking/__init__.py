"""People between frames: who is who, smoothed probabilities, what was seen lately."""
