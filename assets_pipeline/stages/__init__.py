"""One verb per file, each a step from one immutable Asset to the next."""
