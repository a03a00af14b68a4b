"""A program ``uv`` that installs the server at once, for tests of what an editor does around it."""

from __future__ import annotations

from pathlib import Path

from tests.editors.emacs import Emacs
from tests.editors.sandbox import Sandbox

# The second command brings the server.
_UV = """#!/bin/sh
echo "uv $*" >> '{log}'
pwd >> '{log}.folders'
[ -e '{log}.fail' ] && echo "no such host" && exit 1
[ "$1" = venv ] && mkdir -p "$6/bin"
[ "$1" = pip ] && echo Resolved && cp '{server}' "$4/bin/fim-lsp"
exit 0
"""


def emacs_with_uv(sandbox: Sandbox, config: str) -> tuple[Emacs, Path]:
    """An Emacs that finds this ``uv`` and no server, and uv's log: its command lines.

    It fails while there is a file ``LOG.fail``.
    """
    folder, log = sandbox.folder / "tools", sandbox.folder / "uv.log"
    folder.mkdir()
    (folder / "uv").write_text(_UV.format(log=log, server=sandbox.terminal.bin / "fim-lsp"))
    (folder / "uv").chmod(0o755)
    return Emacs(sandbox, f'(setq exec-path \'("{folder}" "/usr/bin" "/bin"))\n{config}'), log
