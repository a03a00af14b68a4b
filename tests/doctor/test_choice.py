"""Which back end is used, and why; and where a key is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.backends.credentials import KeyPlace
from fim_lsp.backends.discovery import LocalServer
from fim_lsp.backends.factory import first_name
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.doctor.check import State
from fim_lsp.doctor.choice import check_choice, check_key_store, check_local_servers, how_to_keep_key, reason_for_first
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.settings.schema import Settings

OLLAMA = LocalServer(name="ollama", base_url="http://127.0.0.1:11434", model="qwen2.5-coder:1.5b")
KEYS = {"MISTRAL_API_KEY": "k"}


@pytest.mark.parametrize(
    ("settings", "environment", "servers", "name", "reason"),
    [
        (Settings(backend="langdock"), KEYS, {}, "langdock", "the setting backend"),
        (Settings(base_url="https://api.langdock.com/mistral/eu"), KEYS, {}, "langdock", "api.langdock.com"),
        (Settings(base_url="https://gateway.example.org"), {}, {}, "codestral", "gateway.example.org"),
        (Settings(api_key=Secret("k")), KEYS, {}, "codestral", "api_key is set"),
        (Settings(api_key_command=("pass",)), {}, {}, "codestral", "api_key_command is set"),
        (Settings(), KEYS, {"ollama": OLLAMA}, "mistral", "MISTRAL_API_KEY is set"),
        (Settings(), {}, {"ollama": OLLAMA}, "ollama", "runs on this machine at http://127.0.0.1:11434"),
        (Settings(), {}, {}, "ngram", "no key"),
    ],
)
def test_the_reason_fits_the_choice(
    settings: Settings, environment: dict[str, str], servers: dict[str, LocalServer], name: str, reason: str
) -> None:
    assert first_name(settings, environment, servers) == name
    assert reason in reason_for_first(settings, environment, servers, None)


def test_a_stored_key_is_a_reason(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.save(origin_of("https://api.langdock.com"), Secret("k"), use_keyring=False)
    assert first_name(Settings(), {}, {}, store) == "langdock"
    assert reason_for_first(Settings(), {}, {}, store) == "auto: a key for api.langdock.com is stored"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (None, "keep it with: fim-lsp key set api.mistral.ai (or set MISTRAL_API_KEY where your editor is started)"),
        (KeyPlace(kind="variable", name="MISTRAL_API_KEY"), "set MISTRAL_API_KEY to it where your editor is started"),
        (KeyPlace(kind="setting", name="the setting api_key"), "set api_key in /c/config.toml to it"),
        (KeyPlace(kind="command", name="api_key_command"), "let the command in api_key_command print it"),
        (KeyPlace(kind="keyring", name="the system's keyring"), "keep it with: fim-lsp key set api.mistral.ai"),
    ],
)
def test_a_key_is_replaced_where_it_is_looked_for(place: KeyPlace | None, expected: str) -> None:
    assert how_to_keep_key(place, "https://api.mistral.ai/v1", ["/c/config.toml"]).startswith(expected)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8012", "https://llm:8443", "http://api.mistral.ai"])
def test_a_key_is_kept_for_the_scheme_it_is_used_with(url: str) -> None:
    assert how_to_keep_key(None, url, []) == f"keep it with: fim-lsp key set {url}"


def test_no_back_end_at_all() -> None:
    problem = "openai can't be used: base_url must be set for openai, for example to http://127.0.0.1:8000"
    checks = list(check_choice((), (problem,), "the setting backend", failed_closed=False))
    assert [check.state for check in checks] == [State.ERROR, State.ERROR]
    assert 'base_url = "https://HOST"' in checks[0].remedy


@pytest.mark.parametrize(
    ("servers", "busy", "words"),
    [
        ((OLLAMA,), (), "ollama at http://127.0.0.1:11434, qwen2.5-coder:1.5b"),
        ((), (8080,), "port 8080"),
        ((), (), "nothing listens on the ports of llama.cpp and Ollama (8012, 8080, 11434)"),
    ],
)
def test_servers_on_this_machine(servers: tuple[LocalServer, ...], busy: tuple[int, ...], words: str) -> None:
    assert words in check_local_servers(servers, busy).message


def test_a_damaged_index_of_keys_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "key-index.json").write_text("{")
    (check,) = check_key_store(KeyStore(tmp_path))
    assert check.state is State.ERROR
    assert "key-index.json" in check.message
    assert "fim-lsp key set" in check.remedy
    assert list(check_key_store(KeyStore(None))) == []
