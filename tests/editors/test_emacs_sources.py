"""The sources of the Emacs package, in batch mode: they compile, are documented, and edits reach the server unchanged."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.editors.emacs import PACKAGE
from tests.editors.programs import program

_EDITS = Path(__file__).with_name("emacs_edits.el")


def _batch(folder: Path, *arguments: str) -> str:
    command = [program("emacs"), "-Q", "--batch", "-L", ".", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _copied(folder: Path) -> list[str]:
    files = sorted(path.name for path in PACKAGE.glob("fim-lsp*.el"))
    for name in files:
        shutil.copy(PACKAGE / name, folder)
    return files


def _place(text: str, position: dict[str, int]) -> int:
    """Where a position in UTF-32 is in a text."""
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: position["line"]]) + position["character"]


def test_whatever_is_edited_the_server_has_the_same_text(tmp_path: Path) -> None:
    _copied(tmp_path)
    _batch(tmp_path, "-l", str(_EDITS))
    rounds = json.loads((tmp_path / "rounds.json").read_text(encoding="utf-8"))
    assert len(rounds) == 300
    assert sum(len(each["changes"]) for each in rounds) > 300
    for each in rounds:
        text = each["before"]
        for change in each["changes"]:
            if "range" in change:
                start, end = (_place(text, change["range"][side]) for side in ("start", "end"))
                text = text[:start] + change["text"] + text[end:]
            else:
                text = change["text"]
        assert text == each["after"]


_RESTARTED = """
(progn
  (require 'fim-lsp)
  (setq fim-lsp-command '("cat"))
  (fim-lsp-notice-show "the server was not found")
  (fim-lsp-client-restart)
  (princ (list :pending fim-lsp-notice--timer))
  (delete-process "fim-lsp"))
"""


def test_what_was_wrong_before_a_restart_is_not_shown_again_after_it() -> None:
    assert "(:pending nil)" in _batch(PACKAGE, "--eval", _RESTARTED)


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    files = _copied(tmp_path)
    for other in (PACKAGE / "init.el", _EDITS):  # package-vc compiles whatever is in the clone, and shows warnings
        files.append(shutil.copy(other, tmp_path))
    _batch(tmp_path, "--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", *files)


def test_checkdoc_finds_nothing(tmp_path: Path) -> None:
    found = "".join(_batch(tmp_path, "--eval", f'(checkdoc-file "{name}")') for name in _copied(tmp_path))
    assert [line for line in found.splitlines() if re.match(r"\S+\.el:\d+", line)] == []
