"""The rules of a folder, asked entry by entry, say what the policy says of whole paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.folder_rules import FolderRules


def test_an_entry_is_looked_at_no_more_than_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says whether it is a folder causes no look at the disk for the second entry of a folder."""
    policy = FilePolicy([tmp_path], ["secret/", "*.key"])
    assert policy.may_index(tmp_path / "a.py", False)
    for call in ("os.stat", "os.open", "os.path.isdir"):
        monkeypatch.setattr(call, lambda *_: pytest.fail("the disk was looked at"))
    assert policy.may_index(tmp_path / "b.py", False)
    assert policy.may_index(tmp_path / "secret", False)
    assert not policy.may_index(tmp_path / "secret", True)
    assert not policy.may_index(tmp_path / "b.key", False)
    assert not policy.may_index(tmp_path / ".git", False)


def test_what_is_outside_the_workspace_is_not_allowed() -> None:
    assert not FolderRules(Path("/w"), ()).allow("a.py", is_folder=False)
    policy = FilePolicy([Path("/w/in")], [])
    for name in ("/w/a.py", "/w/in/../a.py", "/w/in/..", "/w/inner/a.py"):
        assert not policy.may_index(Path(name), False)
    assert policy.may_index(Path("/w/in/a.py"), False)


def test_both_names_of_a_linked_workspace_count(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    policy = FilePolicy([tmp_path / "link"], [f"{tmp_path}/real/private.py"])
    assert policy.may_index(tmp_path / "link/other.py", False)
    assert not policy.may_index(tmp_path / "link/private.py", False)
