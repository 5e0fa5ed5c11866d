"""Score folders and tables of any size into Parquet, on Ray Data: ``python -m emotion_core bulk``.

Nothing else in the package imports this one, Ray or pyarrow, except the command line when its command runs.
"""
