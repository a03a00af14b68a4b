"""Back ends follow the settings, and keep what a change does not concern."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.backends.discovery import LocalServer
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.errors import Unauthorized, UnknownModel, Unreachable
from fim_lsp.schedule.events import BackendEvent, EventKind
from fim_lsp.secret import Secret
from fim_lsp.session import backend_manager
from fim_lsp.session.backend_manager import NO_HOME_FOLDER, BackendManager, quota_of
from fim_lsp.session.notifier import Level, Notifier
from fim_lsp.settings.schema import Settings

CODESTRAL = Settings(backend="codestral", api_key=Secret("k"), limits_store=Secret("process"))
LLAMACPP = LocalServer(name="llamacpp", base_url="http://127.0.0.1:9")
INSTEAD = "; meanwhile suggestions come from your own files (ngram)"


class Editor:
    """A manager, the messages that it showed, and how often it reported other back ends."""

    def __init__(self, *, store: KeyStore | None = None, **environment: str) -> None:
        self.shown: list[str] = []
        self.has_shown = asyncio.Event()
        self.changes = 0
        self.manager = BackendManager(
            environment,
            NgramBackend(),
            lambda *_: (),
            Notifier(self._show),
            on_change=self._changed,
            publish=lambda _event: None,
            store=store,
        )

    def _show(self, _level: Level, sentence: str) -> None:
        self.shown.append(sentence)
        self.has_shown.set()

    def _changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def editor(*, store: KeyStore | None = None, **environment: str) -> AsyncGenerator[Editor, None]:
    made = Editor(store=store, **environment)
    yield made
    await made.manager.close()


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One llama-server on this machine; the list has an entry for each search."""
    searches: list[int] = []

    async def find(**_: object) -> tuple[LocalServer, ...]:
        searches.append(len(searches))
        return (LLAMACPP,)

    monkeypatch.setattr(backend_manager, "find_local_servers", find)
    return searches


@pytest.mark.parametrize("key", ["", "k"])
async def test_auto_takes_a_server_on_this_machine_unless_there_is_a_key(searches: list[int], key: str) -> None:
    async with editor(**{"CODESTRAL_API_KEY": key} if key else {}) as it:
        it.manager.apply_settings(Settings())
        await it.manager.wait_for_search()
        names = [client.backend.name for client in it.manager.apply_settings(Settings())]
        assert names == (["codestral", "ngram"] if key else ["llamacpp", "ngram"])
        assert it.changes == len(searches) == (0 if key else 1)


async def test_servers_on_this_machine_are_not_looked_for_again_soon(searches: list[int]) -> None:
    async with editor() as it:
        for _ in range(3):
            it.manager.search_local_servers(Settings())
            await it.manager.wait_for_search()
        assert searches == [0]


async def test_a_change_keeps_what_it_does_not_concern() -> None:
    async with editor() as it:
        first, _ = it.manager.apply_settings(CODESTRAL)
        same, _ = it.manager.apply_settings(replace(CODESTRAL, exclude=("*.sql",)))
        assert same.backend is first.backend
        assert same.breaker is first.breaker
        assert same.windows is first.windows
        assert same.sender.limiter is first.sender.limiter


async def test_windows_outlive_a_change_of_the_model() -> None:
    async with editor() as it:
        first, _ = it.manager.apply_settings(CODESTRAL)
        other, _ = it.manager.apply_settings(replace(CODESTRAL, model="codestral-2508"))
        assert other.backend is not first.backend
        assert other.breaker is not first.breaker
        assert other.windows is first.windows


async def test_a_failure_names_the_fallback() -> None:
    async with editor() as it:
        first, last = it.manager.apply_settings(CODESTRAL)
        for client in (first, last):
            error = Unreachable(f"{client.backend.name} is not there")
            it.manager.on_event(BackendEvent(backend=client.backend, kind=EventKind.FAILED, error=error))
        assert it.shown == [
            f"codestral is not there{INSTEAD}",
            "ngram is not there",
        ]


@pytest.mark.parametrize("listing", [UnknownModel("set model to codestral-2508"), Unreachable("no list")])
async def test_an_unknown_model_is_reported_with_the_models_that_there_are(
    monkeypatch: pytest.MonkeyPatch, listing: Exception
) -> None:
    async def capabilities(_backend: HttpBackend) -> None:
        raise listing

    monkeypatch.setattr(HttpBackend, "capabilities", capabilities)
    async with editor() as it:
        first, _ = it.manager.apply_settings(CODESTRAL)
        error = UnknownModel("the model is gone")
        it.manager.on_event(BackendEvent(backend=first.backend, kind=EventKind.FAILED, error=error))
        await it.has_shown.wait()
        named = listing if isinstance(listing, UnknownModel) else error
        assert it.shown == [f"{named}{INSTEAD}"]


async def test_a_back_end_that_cannot_be_created_is_reported_once() -> None:
    async with editor() as it:
        for _ in range(2):
            clients = it.manager.apply_settings(Settings(backend="openai"))
            assert [client.backend.name for client in clients] == ["ngram"]
        (sentence,) = it.shown
        assert sentence.startswith("openai can't be used: ")


@pytest.mark.parametrize(("requests", "reported"), [(100, [NO_HOME_FOLDER]), (None, [])])
async def test_without_a_home_folder_a_quota_counts_for_one_editor(
    monkeypatch: pytest.MonkeyPatch, requests: int | None, reported: list[str]
) -> None:
    monkeypatch.setattr(backend_manager, "state_folder", lambda: None)
    async with editor() as it:
        for _ in range(2):
            it.manager.apply_settings(Settings(backend="codestral", requests_per_minute=requests))
        assert it.shown == reported


@pytest.mark.parametrize(
    ("name", "own", "quota"),
    [
        ("langdock", {}, (500, 60_000)),
        ("langdock", {"requests_per_minute": 20}, (20, 60_000)),
        ("langdock", {"tokens_per_minute": 0}, (500, None)),
        ("codestral", {}, (None, None)),
        ("codestral", {"tokens_per_minute": 1_000}, (None, 1_000)),
    ],
)
async def test_the_quota_is_the_users_or_the_one_its_host_is_known_for(
    name: str, own: dict[str, int], quota: tuple[int | None, int | None]
) -> None:
    settings = Settings(backend=name, api_key=Secret("k"), limits_store=Secret("process"), **own)  # type: ignore[arg-type]
    async with editor() as it:
        limits = quota_of(it.manager.apply_settings(settings)[0].backend, settings)
        assert (limits.requests, limits.tokens) == quota


async def test_a_stored_key_is_noticed_and_its_failure_reported_again(tmp_path: Path) -> None:
    async with editor(store=KeyStore(tmp_path)) as it:
        assert not it.manager.keys_changed()
        for key in ("k-1", "k-2"):
            KeyStore(tmp_path).save(("https", "api.mistral.ai"), Secret(key), use_keyring=False)
            assert it.manager.keys_changed()
            assert not it.manager.keys_changed()
            first, *_ = it.manager.apply_settings(Settings())
            assert first.backend.name == "mistral"
            error = Unauthorized("api.mistral.ai refuses the key")
            for _ in range(2):
                it.manager.on_event(BackendEvent(backend=first.backend, kind=EventKind.FAILED, error=error))
        assert (
            it.shown == ["api.mistral.ai refuses the key; meanwhile suggestions come from your own files (ngram)"] * 2
        )
