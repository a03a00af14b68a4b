"""The page for other clients: its session is played against the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.editors.programs import ROOT
from tests.lsp.raw import RawClient

PAGE = (ROOT / "editors" / "CLIENTS.md").read_text(encoding="utf-8")
SESSION = [(line[0], json.loads(line[1:])) for line in PAGE.splitlines() if line[:1] in {"→", "←"}]


def _matches(shown: Any, real: Any) -> bool:
    """Whether the page tells the truth; ``…`` is anything, and nothing may be left out."""
    if shown == "…":
        return True
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(_matches(shown[name], real[name]) for name in shown)
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(_matches, shown, real))
    return bool(shown == real)


async def test_the_session_on_the_page_goes_as_it_says(tmp_path: Path) -> None:
    assert [side for side, _ in SESSION].count("←") == 5
    async with RawClient(tmp_path) as client:
        for side, message in SESSION:
            if side == "→":
                client.write(message)
            else:
                reply = await client.reply(message["id"])
                assert _matches(message, reply), json.dumps(reply, ensure_ascii=False)
        assert await client.exit_code() == 0
        assert client.messages() == []
        assert len(client.replies) == 5


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32602, {"id": 2, "method": "textDocument/inlineCompletion", "params": {}}),
        (-32601, {"id": 2, "method": "no/such", "params": {}}),
        (-32600, {"id": 2, "method": "initialize", "params": {"capabilities": {}}}),
    ],
)
async def test_errors_have_the_codes_on_the_page(tmp_path: Path, code: int, message: dict[str, Any]) -> None:
    assert f"| {code} |" in PAGE
    async with RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "ngram"})
        client.write({"jsonrpc": "2.0", **message})
        assert (await client.reply(2))["error"]["code"] == code


async def test_before_initialize_and_no_json_have_theirs(tmp_path: Path) -> None:
    assert "| -32002 |" in PAGE
    assert "| -32700 |" in PAGE
    async with RawClient(tmp_path) as client:
        assert (await client.reply(client.request("textDocument/completion", {})))["error"]["code"] == -32002
        client.stdin.write(b"Content-Length: 1\r\n\r\n{")
        assert (await client.reply(None))["error"]["code"] == -32700


def test_the_page_is_short_and_names_the_contract() -> None:
    assert len(PAGE.splitlines()) <= 120
    for name in ('{"items": []}', "fim-lsp/status", "fimLspStatus", "fim-lsp.why", '[{"quiet": true}]', "isIncomplete"):
        assert name in PAGE
