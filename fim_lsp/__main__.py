"""``python -m fim_lsp`` is ``fim-lsp``."""

from fim_lsp.cli import main

raise SystemExit(main())
