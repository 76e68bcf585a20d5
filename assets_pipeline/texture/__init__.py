"""Arithmetic on images, (h, w, c)."""
