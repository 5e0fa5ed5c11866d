"""What is made from recorded runs: tables, charts, slides, and the notebooks run top to bottom."""
