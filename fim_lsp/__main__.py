"""``python -m fim_lsp`` is ``fim-lsp``."""

from fim_lsp.cli.main import main

raise SystemExit(main())
