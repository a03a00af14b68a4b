"""What suggestions were worth and what they cost: counts on this machine for ``fim-lsp stats``. No text, ever."""
