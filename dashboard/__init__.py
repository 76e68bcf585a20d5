"""What merchants see: HTML over the catalogue's functions."""
