"""Adapters that keep published files."""
