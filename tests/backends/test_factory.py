"""Which back ends the settings result in, and which of them survive a change of the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.backends.discovery import LocalServer
from fim_lsp.backends.factory import BackendSet, create_backends, uses_local_servers
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.settings.schema import Settings

NGRAM = NgramBackend()
LLAMA = {"llamacpp": LocalServer(name="llamacpp", base_url="http://127.0.0.1:8080")}
OLLAMA = {"ollama": LocalServer(name="ollama", base_url="http://127.0.0.1:11434", model="qwen2.5-coder:1.5b")}
CODESTRAL_KEY, MISTRAL_KEY = {"CODESTRAL_API_KEY": "k"}, {"MISTRAL_API_KEY": "k"}


def create(
    settings: Settings,
    environment: dict[str, str] | None = None,
    found: dict[str, LocalServer] | None = None,
    old: BackendSet | None = None,
) -> BackendSet:
    return create_backends(settings, environment or {}, NGRAM, found or {}, old)


def names(made: BackendSet) -> list[str]:
    return [backend.name for backend in made.backends]


AUTO: dict[str, tuple[Settings, dict[str, str], dict[str, LocalServer], list[str]]] = {
    "nothing": (Settings(), {}, {}, ["ngram"]),
    "a key in the environment": (Settings(), MISTRAL_KEY, {}, ["mistral", "ngram"]),
    "two keys": (Settings(), MISTRAL_KEY | CODESTRAL_KEY, {}, ["codestral", "ngram"]),
    "a key in the settings": (Settings(api_key=Secret("k")), MISTRAL_KEY, {}, ["codestral", "ngram"]),
    "a command": (Settings(api_key_command=("pass", "x")), {}, {}, ["codestral", "ngram"]),
    "the address of a known host": (Settings(base_url="https://api.mistral.ai"), {}, {}, ["mistral", "ngram"]),
    "another address": (Settings(base_url="https://llm.example"), MISTRAL_KEY, {}, ["codestral", "ngram"]),
    "a server on this machine": (Settings(), {}, LLAMA | OLLAMA, ["llamacpp", "ngram"]),
    "a key and a server": (Settings(), CODESTRAL_KEY, LLAMA, ["codestral", "ngram"]),
}


@pytest.mark.parametrize("case", AUTO)
def test_auto(case: str) -> None:
    settings, environment, found, expected = AUTO[case]
    assert names(create(settings, environment, found)) == expected


FALLBACKS: dict[str, tuple[Settings, dict[str, LocalServer], list[str]]] = {
    "none": (Settings(backend="codestral", fallback=()), {}, ["codestral"]),
    "in their order": (
        Settings(backend="codestral", fallback=("mistral", "ngram")),
        {},
        ["codestral", "mistral", "ngram"],
    ),
    "each once": (Settings(backend="mistral", fallback=("mistral", "ngram", "ngram")), {}, ["mistral", "ngram"]),
    "Ollama, if it runs": (Settings(backend="mistral", fallback=("ollama",)), OLLAMA, ["mistral", "ollama"]),
    "Ollama, if it does not run": (Settings(backend="mistral", fallback=("ollama",)), {}, ["mistral"]),
    "without an address": (Settings(backend="mistral", fallback=("openai", "ngram")), {}, ["mistral", "ngram"]),
}


@pytest.mark.parametrize("case", FALLBACKS)
def test_fallbacks(case: str) -> None:
    settings, found, expected = FALLBACKS[case]
    made = create(settings, {}, found)
    assert (names(made), made.problems) == (expected, ())


def test_a_fallback_has_its_own_address_and_model() -> None:
    settings = Settings(backend="openai", base_url="http://gpu.example:8000", model="m", fallback=("mistral",))
    first, fallback = create(settings).backends
    assert (first.host, first.model) == ("gpu.example:8000", "m")
    assert (fallback.host, fallback.model) == ("api.mistral.ai", "codestral-latest")


def test_a_server_that_was_found_has_its_address_and_model() -> None:
    (backend,) = create(Settings(backend="ollama", fallback=()), {}, OLLAMA).backends
    assert (backend.host, backend.model) == ("127.0.0.1:11434", "qwen2.5-coder:1.5b")
    (backend,) = create(Settings(backend="ollama", fallback=(), model="mine"), {}, OLLAMA).backends
    assert backend.model == "mine"
    elsewhere = Settings(backend="ollama", fallback=(), base_url="http://gpu.example:1")
    (backend,) = create(elsewhere, {}, OLLAMA).backends
    assert (backend.host, backend.model) == ("gpu.example:1", "")


def test_a_first_back_end_that_cannot_be_made_is_a_problem() -> None:
    made = create(Settings(backend="openai"))
    assert names(made) == ["ngram"]
    (problem,) = made.problems
    assert problem.startswith("openai can't be used: base_url must be set")


def test_a_change_to_another_setting_matches() -> None:
    made = create(Settings(backend="codestral"))
    assert made.matches(Settings(backend="codestral", prompt_tokens=900, debounce=50), {})
    assert not made.matches(Settings(backend="codestral", max_tokens=64), {})
    assert not made.matches(Settings(backend="codestral"), LLAMA)


def test_a_back_end_that_would_be_the_same_is_kept() -> None:
    settings = Settings(backend="codestral", fallback=("mistral",))
    old = create(settings)
    changed = create(replace(settings, api_key=Secret("new")), old=old)
    assert changed.backends[0] is not old.backends[0]
    assert changed.backends[1] is old.backends[1]


async def test_closing_spares_what_the_successor_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    async def close(backend: HttpBackend) -> None:
        closed.append(backend.name)

    monkeypatch.setattr(HttpBackend, "close", close)
    settings = Settings(backend="codestral", fallback=("mistral",))
    old = create(settings)
    new = create(replace(settings, api_key=Secret("new")), old=old)
    await old.close(new)
    assert closed == ["codestral"]
    await new.close()
    assert closed == ["codestral", "codestral", "mistral"]


SEARCHES: dict[str, tuple[Settings, dict[str, str], bool]] = {
    "auto": (Settings(), {}, True),
    "auto with a key": (Settings(), CODESTRAL_KEY, False),
    "Ollama without a model": (Settings(backend="ollama"), {}, True),
    "Ollama with a model": (Settings(backend="ollama", model="m"), {}, False),
    "as a fallback": (Settings(backend="mistral", fallback=("llamacpp",)), {}, True),
    "not at all": (Settings(backend="mistral"), {}, False),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_whether_servers_on_this_machine_matter(case: str) -> None:
    settings, environment, matter = SEARCHES[case]
    assert uses_local_servers(settings, environment) is matter


STORED: dict[str, tuple[Settings, dict[str, str], tuple[str, ...], list[str]]] = {
    "one": (Settings(), {}, ("https://api.mistral.ai",), ["mistral", "ngram"]),
    "two": (Settings(), {}, ("https://api.langdock.com", "https://api.mistral.ai"), ["mistral", "ngram"]),
    "a variable comes first": (Settings(), MISTRAL_KEY, ("https://codestral.mistral.ai",), ["mistral", "ngram"]),
    "a setting comes first": (
        Settings(api_key=Secret("k")), {}, ("https://api.mistral.ai",), ["codestral", "ngram"],
    ),
    "for another host": (Settings(), {}, ("https://llm.example", "http://api.mistral.ai"), ["llamacpp", "ngram"]),
    "before a server on this machine": (Settings(), {}, ("https://api.langdock.com",), ["langdock", "ngram"]),
    "nothing leaves": (Settings(backend="ngram"), {}, ("https://api.mistral.ai",), ["ngram"]),
}  # fmt: skip


@pytest.mark.parametrize("case", STORED)
def test_auto_with_stored_keys(tmp_path: Path, case: str) -> None:
    settings, environment, addresses, expected = STORED[case]
    store = KeyStore(tmp_path)
    for address in addresses:
        store.save(origin_of(address), Secret("k"), use_keyring=False)
    made = create_backends(settings, environment, NGRAM, LLAMA, store=store)
    assert names(made) == expected
    if settings.backend == "auto" and not environment and "llamacpp" not in expected:
        assert not uses_local_servers(settings, environment, store)


def test_a_newly_stored_key_results_in_other_back_ends(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    made = create_backends(Settings(), {}, NGRAM, {}, store=store)
    assert made.matches(Settings(), {}, store)
    store.save(origin_of("https://llm.example"), Secret("k"), use_keyring=False)
    assert made.matches(Settings(), {}, store)
    store.save(origin_of("https://api.mistral.ai"), Secret("k"), use_keyring=False)
    assert not made.matches(Settings(), {}, store)
