"""The real editors, under a terminal, with a fake back end."""
