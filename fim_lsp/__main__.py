"""``python -m fim_lsp`` is ``fim-lsp``."""

import os
import sys

# -m puts the folder it was started in first, and that may be a project: an httpx.py there must not be taken for the
# library. Python itself has imported a module or two by now, so in a hostile project only -I is safe, or fim-lsp.
if not sys.flags.safe_path and sys.path:
    try:
        started_in = os.getcwd()
    except OSError:  # the folder is gone
        started_in = ""
    if sys.path[0] in ("", started_in):
        del sys.path[0]

from fim_lsp.cli.main import main

raise SystemExit(main())
