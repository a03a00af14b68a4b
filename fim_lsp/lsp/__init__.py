"""The LSP side, and the only package that imports pygls and lsprotocol."""
