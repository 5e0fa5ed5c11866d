"""Faces, labels and votes as arrays, whatever their layout."""
