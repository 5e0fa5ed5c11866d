"""Faces, labels and votes as arrays, whatever layout they came in."""
