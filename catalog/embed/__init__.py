"""The viewer that shops embed: its script, the page for iframes, and the counter. docs/embed.md is for shops."""
