"""Made from recorded runs: tables, charts, slides, and notebooks run top to bottom."""
