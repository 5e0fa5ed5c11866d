"""Videos: reading, analysing frame by frame, writing the annotated copy and what was seen."""
