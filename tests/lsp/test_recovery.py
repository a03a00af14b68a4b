"""A back end that failed is used again, over the wire: without a restart and without a storm of requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.backends.key_store import KeyStore
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import RawClient, texts
from tests.rate_limit.fakes import until

PAGE = b"<!doctype html><title>Sign in</title>"
REFUSED = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
FAULTS = {
    "403 page": Behaviour(status=403, raw=PAGE, content_type="text/html"),
    "401 empty": Behaviour(status=401),
    "401 of the API": REFUSED,
    "503": Behaviour(status=503),
    "redirect": Behaviour(status=302, headers={"Location": "https://login.example"}),
    "closed": Behaviour(drop=True),
    "broken off": Behaviour(cut_after=0),
}


def options(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": [], **more}


class Typist:
    """Asks at a new place each time, so that nothing is known there."""

    def __init__(self, client: RawClient) -> None:
        self.client, self.line = client, 0
        client.open("\n" * 400)

    async def asks(self, *, kind: int = 2) -> list[str]:
        self.line += 1
        return texts(await self.client.reply(self.client.ask(self.line, 0, kind=kind)))

    async def is_answered(self) -> bool:
        return bool(await self.asks())


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_back_end_recovers_by_itself(tmp_path: Path, fault: str) -> None:
    async with FakeCodestral(lambda body: "!") as server, RawClient(tmp_path) as client:
        await client.initialize(options=options(server))
        typist = Typist(client)
        assert await typist.asks() == ["!"]
        server.behaviour = FAULTS[fault]
        for _ in range(20):
            await typist.asks()
        made = len(server.requests)
        assert made <= 12  # three calls, their second tries, and a probe or two, however often is asked
        server.behaviour = Behaviour()
        await until(typist.is_answered)
        (warning, again) = client.messages()
    assert ("sign-in page" in warning) is (fault in ("403 page", "401 empty"))
    assert fault == "401 of the API" or "key" not in warning
    assert again.endswith("codestral answers again")


@pytest.mark.parametrize("reason", ["the user asks", "config.toml is saved again"])
async def test_a_key_that_was_fixed_at_the_provider(tmp_path: Path, reason: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text("max_tokens = 64\n")
    async with (
        FakeCodestral(lambda body: "!", behaviour=REFUSED) as server,
        RawClient(tmp_path, env={"FIM_LSP_CONFIG": str(config)}) as client,
    ):
        await client.initialize(options=options(server))
        typist = Typist(client)
        for _ in range(10):
            assert await typist.asks() == []
        assert len(server.requests) == 1
        server.behaviour = Behaviour()
        assert await typist.asks() == []
        if reason == "the user asks":
            assert await typist.asks(kind=1) == ["!"]
        else:
            config.write_text("max_tokens = 64\n")
        await until(typist.is_answered)
        assert len(client.messages()) == 2


async def test_a_key_that_is_stored_meanwhile_is_used_by_the_next_request(tmp_path: Path) -> None:
    """As by ``fim-lsp key set``: without a restart, and without asking explicitly."""
    async with FakeCodestral(lambda body: "!", behaviour=REFUSED) as server, RawClient(tmp_path) as client:
        await client.initialize(options={**options(server), "api_key": None})
        typist = Typist(client)
        for _ in range(3):
            assert await typist.asks() == []
        assert len(server.requests) == 1
        for key in ("k-1", "k-2"):
            server.behaviour = Behaviour()
            store = KeyStore(tmp_path / "config" / "fim-lsp")
            store.save(origin_of(server.url), Secret(key), use_keyring=False)
            assert await typist.asks() == ["!"]
            assert server.requests[-1].headers["authorization"] == f"Bearer {key}"
        store.remove(store.entries()[origin_of(server.url)])
        await typist.asks()
        assert "authorization" not in server.requests[-1].headers
    assert f"fim-lsp key set {server.url}" in client.messages()[0]


async def test_a_stored_key_that_is_refused_is_reported_with_its_place(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "config" / "fim-lsp")
    async with FakeCodestral(lambda body: "!", behaviour=REFUSED) as server, RawClient(tmp_path) as client:
        store.save(origin_of(server.url), Secret("k-1"), use_keyring=False)
        await client.initialize(options={**options(server), "api_key": None})
        assert await Typist(client).asks() == []
        (message,) = client.messages()
    assert message.startswith(
        f"fim-lsp: 127.0.0.1:{server.url.rpartition(':')[2]} refuses the key (401): run `fim-lsp key set http://"
    )
    assert f"; the refused key is from {store.file}" in message


async def test_damaged_settings_send_no_stored_key(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "config" / "fim-lsp")
    async with FakeCodestral(lambda body: "!") as server, RawClient(tmp_path) as client:
        store.save(origin_of(server.url), Secret("k-1"), use_keyring=False)
        await client.initialize(options={**options(server), "api_key": None, "local_onyl": ["*.py"]})
        assert await Typist(client).asks() == []
        assert server.connections == 0
