"""fim-lsp: ghost text in any LSP editor. Start reading at ARCHITECTURE.md, in this folder."""

__version__ = "0.1.0"
