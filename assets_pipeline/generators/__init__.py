"""Adapters that make a shape from photos, one file or folder per generator."""
