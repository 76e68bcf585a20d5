"""Adapters that tell product from background."""
