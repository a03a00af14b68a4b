"""The real library ``keyring``, with back ends that keep passwords, and with some that fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import pytest

from fim_lsp.backends import system_keyring
from fim_lsp.backends.system_keyring import KeyringUnavailable
from tests.fakes.keyrings import BrokenKeyring, FileKeyring, LockedKeyring

ACCOUNT = "https://codestral.mistral.ai"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = keyring.get_keyring()
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "passwords"))
    keyring.set_keyring(FileKeyring())
    yield tmp_path / "passwords"
    keyring.set_keyring(before)


def test_a_key_is_kept_and_removed(kept: Path) -> None:
    assert system_keyring.is_installed()
    assert system_keyring.read(ACCOUNT) is None
    assert not system_keyring.delete(ACCOUNT)
    system_keyring.write(ACCOUNT, "k-1")
    system_keyring.write(ACCOUNT, "k-2")
    assert system_keyring.read(ACCOUNT) == "k-2"
    assert keyring.get_password("fim-lsp", ACCOUNT) == "k-2"
    assert system_keyring.delete(ACCOUNT)
    assert "k-2" not in kept.read_text()


@pytest.mark.parametrize(
    ("backend", "words", "locked"),
    [
        (keyring.backends.fail.Keyring, "finds no keyring here", False),
        (LockedKeyring, "is locked: unlock it", True),
        (BrokenKeyring, "can't be used (ConnectionRefusedError)", False),
    ],
)
def test_a_failure_is_a_sentence_without_the_librarys_words(
    backend: type[keyring.backend.KeyringBackend], words: str, locked: bool
) -> None:
    keyring.set_keyring(backend())
    for work in (
        lambda: system_keyring.read(ACCOUNT),
        lambda: system_keyring.write(ACCOUNT, "k"),
        lambda: system_keyring.delete(ACCOUNT),
    ):
        with pytest.raises(KeyringUnavailable) as caught:
            work()
        assert words in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert caught.value.locked is locked


def test_a_keyring_that_forgets_is_noticed_when_a_key_is_stored() -> None:
    keyring.set_keyring(keyring.backends.null.Keyring())
    with pytest.raises(KeyringUnavailable, match="does not keep keys"):
        system_keyring.write(ACCOUNT, "k")


def test_without_the_library_there_is_a_sentence_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyringUnavailable, match=r"is not installed here: run pip install 'fim-lsp\[keyring\]'"):
        system_keyring.read(ACCOUNT)


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, fim_lsp.cli.main, fim_lsp.session.session, fim_lsp.backends.system_keyring as it\n"
        "it.is_installed(); sys.exit('keyring' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
