"""fim-lsp: ghost text in any LSP editor. Where to start reading: ARCHITECTURE.md, in this folder."""

__version__ = "0.1.0"
