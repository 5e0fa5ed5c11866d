"""Videos: reading, frame-by-frame analysis, writing the annotated copy and the results."""
