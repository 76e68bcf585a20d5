"""The pages of one version of a product: look, compare, decide."""
