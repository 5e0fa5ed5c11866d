"""Folders and tables of any size into Parquet, on Ray Data: ``python -m emotion_core bulk``.

Nothing else of the package imports this one, Ray or pyarrow; the command line looks at ``commands`` alone.
"""
