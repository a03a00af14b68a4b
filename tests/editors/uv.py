"""A program ``uv`` that installs the server at once, for tests of what an editor does around it."""

from __future__ import annotations

from pathlib import Path

# The second command brings the server.
_UV = """#!/bin/sh
echo "uv $*" >> '{log}'
[ -e '{log}.fail' ] && echo "no such host" && exit 1
[ "$1" = venv ] && mkdir -p "$6/bin"
[ "$1" = pip ] && echo Resolved && cp '{server}' "$4/bin/fim-lsp"
exit 0
"""


def fake_uv(folder: Path, log: Path, server: Path) -> Path:
    """Make the folder, with ``uv`` in it: it logs its command lines, and fails while there is a file ``LOG.fail``."""
    folder.mkdir()
    (folder / "uv").write_text(_UV.format(log=log, server=server))
    (folder / "uv").chmod(0o755)
    return folder
