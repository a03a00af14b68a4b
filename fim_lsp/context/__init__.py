"""Snippets of other files for prompts: finding and ranking them."""
