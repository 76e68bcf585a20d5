"""The catalogue's migrations, named for what they do."""
