"""Stored keys: where each is kept, what the index says, and what is refused."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends import key_store
from fim_lsp.backends.key_store import INDEX, KEYS, KeyStore, Origin, key_set_command
from fim_lsp.errors import KeyStoreError
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.settings.sources import config_folder
from tests.fakes.keyrings import BrokenKeyring, FileKeyring, LockedKeyring, SilentKeyring

CODESTRAL, MISTRAL = ("https", "codestral.mistral.ai"), ("https", "api.mistral.ai")
LOCAL = ("http", "127.0.0.1:8012")


@pytest.fixture(autouse=True)
def passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system has a keyring that keeps its passwords in this file."""
    before = keyring.get_keyring()
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "passwords"))
    keyring.set_keyring(FileKeyring())
    yield tmp_path / "passwords"
    keyring.set_keyring(before)


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setattr("fim_lsp.backends.system_keyring.is_installed", lambda: False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "config"


def keys_of(store: KeyStore) -> dict[Origin, str]:
    return {origin: store.read(entry).reveal() for origin, entry in store.entries().items()}


@pytest.mark.parametrize("use_keyring", [True, False])
def test_keys_are_kept_by_origin_and_read_again(folder: Path, passwords: Path, use_keyring: bool) -> None:
    store = KeyStore(folder)
    for origin, key in ((CODESTRAL, "k-0"), (MISTRAL, "k-2"), (LOCAL, "k-3"), (CODESTRAL, "k-1")):
        entry, note = store.save(origin, Secret(key), use_keyring=use_keyring)
        assert (entry.origin, entry.place, note) == (origin, "keyring" if use_keyring else "file", "")
    expected = {MISTRAL: "k-2", LOCAL: "k-3", CODESTRAL: "k-1"}
    assert keys_of(store) == keys_of(KeyStore(folder)) == expected
    assert (folder / KEYS).exists() is not use_keyring
    assert passwords.exists() is use_keyring
    store.remove(store.entries()[MISTRAL])
    del expected[MISTRAL]
    assert keys_of(store) == keys_of(KeyStore(folder)) == expected
    everything = "".join(path.read_text() for path in (folder / KEYS, passwords) if path.exists())
    assert "k-2" not in everything
    assert "k-1" in everything


def test_the_index_and_the_files_are_the_users_alone_and_the_index_has_no_key(folder: Path) -> None:
    KeyStore(folder).save(CODESTRAL, Secret("k-1"), use_keyring=False)
    assert "k-1" not in (folder / INDEX).read_text()
    assert "k-1" in (folder / KEYS).read_text()
    if os.name == "posix":
        assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / KEYS, folder / INDEX)] == [
            0o700,
            0o600,
            0o600,
        ]


@pytest.mark.usefixtures("no_library")
def test_without_the_library_keys_are_kept_in_the_file(folder: Path) -> None:
    entry, note = KeyStore(folder).save(CODESTRAL, Secret("k"))
    assert (entry.place, note) == ("file", "")
    assert keys_of(KeyStore(folder)) == {CODESTRAL: "k"}


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (keyring.backends.fail.Keyring, "finds no keyring"),
        (keyring.backends.null.Keyring, "does not keep keys"),
        (BrokenKeyring, "ConnectionRefusedError"),
    ],
)
def test_a_system_without_a_usable_keyring_keeps_keys_in_the_file(
    folder: Path, backend: type[keyring.backend.KeyringBackend], words: str
) -> None:
    keyring.set_keyring(backend())
    entry, note = KeyStore(folder).save(CODESTRAL, Secret("k"))
    assert entry.place == "file"
    assert words in note
    assert note.endswith("so the key is kept in a file")
    assert keys_of(KeyStore(folder)) == {CODESTRAL: "k"}


@pytest.mark.parametrize(("backend", "words"), [(LockedKeyring, "locked"), (SilentKeyring, "has not answered")])
def test_a_keyring_that_is_locked_or_silent_is_no_reason_for_a_file(
    folder: Path, backend: type[keyring.backend.KeyringBackend], words: str
) -> None:
    store = KeyStore(folder, keyring_timeout=0.1)
    keyring.set_keyring(backend())
    with pytest.raises(KeyStoreError, match=words):
        store.save(CODESTRAL, Secret("k"))
    assert store.entries() == {}
    assert not (folder / KEYS).exists()


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (LockedKeyring, "is in the system's keyring, but the system's keyring is locked: unlock it"),
        (BrokenKeyring, "ConnectionRefusedError"),
        (
            keyring.backends.null.Keyring,
            "no longer in the system's keyring: store it again with `fim-lsp key set api.m",
        ),
        (SilentKeyring, "has not answered within 0.1 s"),
    ],
)
def test_a_failure_when_a_key_is_needed_is_a_sentence(
    folder: Path, backend: type[keyring.backend.KeyringBackend], words: str
) -> None:
    store = KeyStore(folder, keyring_timeout=0.1)
    entry, _ = KeyStore(folder).save(MISTRAL, Secret("k-1"))
    keyring.set_keyring(backend())
    with pytest.raises(KeyStoreError) as caught:
        store.read(entry)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.usefixtures("no_library")
def test_a_key_in_the_keyring_when_the_library_has_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as installed:
        installed.setitem(sys.modules, "keyring", keyring)
        installed.setattr("fim_lsp.backends.system_keyring.is_installed", lambda: True)
        entry, _ = KeyStore(folder).save(MISTRAL, Secret("k"))
    store = KeyStore(folder)
    with pytest.raises(
        KeyStoreError, match=r"pip install 'fim-lsp\[keyring\]', or store it again with `fim-lsp key set"
    ):
        store.read(entry)
    note = store.remove(entry)
    assert "still has an entry fim-lsp for https://api.mistral.ai, which is not used" in note
    assert store.entries() == {}


def test_moving_a_key_to_the_file_removes_it_from_the_keyring(folder: Path, passwords: Path) -> None:
    store = KeyStore(folder)
    store.save(CODESTRAL, Secret("k-1"))
    store.save(CODESTRAL, Secret("k-2"), use_keyring=False)
    assert keys_of(store) == {CODESTRAL: "k-2"}
    assert passwords.read_text() == "{}"
    store.save(CODESTRAL, Secret("k-3"))
    assert keys_of(store) == {CODESTRAL: "k-3"}
    assert "k-2" not in (folder / KEYS).read_text()


def test_a_change_by_another_process_is_noticed_and_the_same_index_is_the_same_object(folder: Path) -> None:
    running = KeyStore(folder)
    before = running.entries()
    assert running.entries() is before
    KeyStore(folder).save(CODESTRAL, Secret("k-1"), use_keyring=False)
    first = running.entries()
    assert first is not before
    assert running.entries() is first
    KeyStore(folder).save(CODESTRAL, Secret("k-2"), use_keyring=False)
    assert running.entries() != first
    assert keys_of(running) == {CODESTRAL: "k-2"}


DAMAGED = {
    "half": '{"keys": [{"origin": "https://codestral.mist',
    "empty": "",
    "another shape": '["https://codestral.mistral.ai"]',
    "another place": '{"keys": [{"origin": "https://codestral.mistral.ai", "place": "cloud", "since": ""}]}',
    "not an origin": '{"keys": [{"origin": "https://codestral.mistral.ai/v1", "place": "file", "since": ""}]}',
    "numbers": '{"keys": {"1": 2}}',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("case", DAMAGED)
@pytest.mark.parametrize("name", [INDEX, KEYS])
def test_a_damaged_file_gives_no_key_and_one_sentence_and_is_not_overwritten(
    folder: Path, case: str, name: str
) -> None:
    store = KeyStore(folder)
    entry, _ = store.save(CODESTRAL, Secret("k-1"), use_keyring=False)
    (folder / name).write_text(DAMAGED[case])
    if name == INDEX:
        assert store.entries() == {}
        assert str(folder / INDEX) in store.problem
        assert "delete it, and store the keys again" in store.problem
    else:
        with pytest.raises(KeyStoreError):
            store.read(entry)
    with pytest.raises(KeyStoreError):
        store.save(MISTRAL, Secret("k-2"), use_keyring=False)
    assert (folder / name).read_text() == DAMAGED[case]
    (folder / name).unlink()
    store.save(MISTRAL, Secret("k-2"), use_keyring=False)
    assert store.problem == ""
    assert store.read(store.entries()[MISTRAL]) == Secret("k-2")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_keys_that_others_can_read_are_not_used(folder: Path) -> None:
    store = KeyStore(folder)
    entry, _ = store.save(CODESTRAL, Secret("k-1"), use_keyring=False)
    (folder / KEYS).chmod(0o644)
    with pytest.raises(KeyStoreError, match=r"can read it: run `chmod 600 .*keys.json`"):
        store.read(entry)
    (folder / KEYS).chmod(0o600)
    assert store.read(entry) == Secret("k-1")
    (folder / INDEX).chmod(0o666)
    store = KeyStore(folder)
    assert store.entries() == {}
    assert "can change it: run `chmod 600" in store.problem


def test_without_a_folder_nothing_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    store = KeyStore.of_user({"FIM_LSP_CONFIG": os.devnull})
    assert (store.entries(), store.file) == ({}, None)
    with pytest.raises(KeyStoreError, match="keys can't be stored"):
        store.save(CODESTRAL, Secret("k"))


def test_the_users_keys_are_in_the_config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_store, "config_folder", config_folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert KeyStore.of_user({}).file == tmp_path / "xdg" / "fim-lsp" / KEYS


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyStoreError, match="can't be written"):
        KeyStore(tmp_path / "file" / "x").save(CODESTRAL, Secret("k"), use_keyring=False)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://codestral.mistral.ai/v1/fim/completions", "codestral.mistral.ai"),
        ("https://llm.example:8443/x", "llm.example:8443"),
        ("http://llm.example", "http://llm.example"),
        ("http://127.0.0.1:8012", "http://127.0.0.1:8012"),
        ("https://gpu", "https://gpu"),
    ],
)
def test_the_command_that_stores_a_key_for_an_address(url: str, host: str) -> None:
    assert key_set_command(url) == f"fim-lsp key set {host}"


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists)))
def test_any_index_gives_entries_or_a_problem(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    folder = tmp_path_factory.mktemp("index")
    (folder / INDEX).write_text(json.dumps({"keys": value}))
    (folder / INDEX).chmod(0o600)
    store = KeyStore(folder)
    assert all(origin == origin_of(entry.address) for origin, entry in store.entries().items())
    assert bool(store.entries()) is not bool(store.problem) or store.entries() == {}
