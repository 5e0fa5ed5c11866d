"""Attacks on a server started for them, with an honest visitor alongside."""
