"""Arithmetic on (positions, indices)."""
