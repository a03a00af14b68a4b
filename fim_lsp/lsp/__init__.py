"""The LSP side, and the only package that imports pygls and lsprotocol."""

from fim_lsp.lsp.lean_types import import_types

import_types()  # before any module of this package imports lsprotocol
