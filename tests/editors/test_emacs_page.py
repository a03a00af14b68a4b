"""The page of the Emacs package names commands, variables and keys that exist, and tests press what it names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.editors.emacs import PACKAGE
from tests.editors.programs import program

PAGE = (PACKAGE / "README.md").read_text(encoding="utf-8")
TESTS = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_emacs*.py"))
NAMES = sorted(set(re.findall(r"\b(?:global-)?fim-lsp-[a-z-]+[a-z]", PAGE)))
KEYS = re.findall(r"`([^`]+)`", PAGE.partition("while ghost text is shown")[2].partition("Without ghost text")[0])
_KINDS = """
(progn
  (require 'fim-lsp)
  (princ (mapcar (lambda (name)
                   (cond ((commandp name) 'command) ((functionp name) 'function) ((boundp name) 'variable)
                         ((facep name) 'face)))
                 '({names})))
  (terpri)
  (princ (mapcar (lambda (key) (lookup-key fim-lsp-ghost-map (kbd key))) '({keys}))))
"""


def _emacs() -> tuple[dict[str, str], dict[str, str]]:
    """What the page's names and keys are in Emacs."""
    keys = " ".join(f'"{key}"' for key in KEYS)
    form = _KINDS.format(names=" ".join(NAMES), keys=keys)
    command = [program("emacs"), "-Q", "--batch", "-L", str(PACKAGE), "--eval", form]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    kinds, commands = (line.strip("()").split() for line in done.stdout.splitlines()[-2:])
    return dict(zip(NAMES, kinds, strict=True)), dict(zip(KEYS, commands, strict=True))


def test_every_name_and_key_of_the_page_exists() -> None:
    kinds, keys = _emacs()
    assert [name for name, kind in kinds.items() if kind == "nil"] == []
    assert len(keys) == 8
    assert [key for key, command in keys.items() if not command.startswith("fim-lsp-")] == []
    assert [name for name, kind in kinds.items() if kind == "command" and not _pressed(name)] == []


def _pressed(command: str) -> bool:
    """Whether a test runs this command by its name."""
    return f'"{command.removeprefix("fim-lsp-")}"' in TESTS or f'"{command}' in TESTS


@pytest.mark.parametrize("key", KEYS)
def test_a_test_presses_the_key(key: str) -> None:
    names = {"TAB": "Tab", "M-<right>": "M-Right", "M-<down>": "M-Down"}
    assert f'"{names.get(key, key)}"' in TESTS
