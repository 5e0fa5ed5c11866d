"""Folders and tables of any size into Parquet, on Ray Data: ``python -m emotion_core bulk``.

Nothing else of the package imports this one, Ray or pyarrow; the command line does so when its command runs.
"""
