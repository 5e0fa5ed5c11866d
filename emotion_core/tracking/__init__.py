"""People across frames: identities, smoothed probabilities, recent history."""
