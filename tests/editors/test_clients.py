"""The page for other clients: its session is played against the server."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.editors.programs import ROOT, program
from tests.lsp.raw_client import GUARD, RawClient
from tests.lsp.shared_process import shared_server

PAGE = (ROOT / "editors" / "CLIENTS.md").read_text(encoding="utf-8")
SESSION = [(line[0], json.loads(line[1:])) for line in PAGE.splitlines() if line[:1] in {"→", "←"}]


def _matches(shown: Any, real: Any) -> bool:
    """Whether a message is as the page shows it; ``…`` matches anything, and nothing may be missing."""
    if shown == "…":
        return True
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(_matches(shown[name], real[name]) for name in shown)
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(_matches, shown, real))
    return bool(shown == real)


async def _play(client: RawClient, token: str = "") -> None:
    """Play the page's session; the token, if there is one, is added as the page says."""
    assert [side for side, _ in SESSION].count("←") == 7
    for side, message in SESSION:
        if side == "→" and token and message["method"] == "initialize":
            message = json.loads(json.dumps(message))
            message["params"]["initializationOptions"] = {"token": token}
        if side == "→":
            client.write(message)
        else:
            reply = await client.reply(message["id"])
            assert _matches(message, reply), json.dumps(reply, ensure_ascii=False)
    assert client.messages() == []
    assert len(client.replies) == 7


async def test_the_session_on_the_page_goes_as_it_says(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await _play(client)
        assert await client.exit_code() == 0


@pytest.mark.skipif(os.name != "posix", reason="Unix sockets are POSIX")
@pytest.mark.parametrize("way", ["--socket", "--tcp"])
async def test_the_session_goes_the_same_on_a_shared_server_twice(tmp_path: Path, way: str) -> None:
    place = "127.0.0.1:0" if way == "--tcp" else str(tmp_path / "fim-lsp.sock")
    async with shared_server(tmp_path, way, place) as server:
        for _ in range(2):
            async with server.connect() as client:
                await _play(client, server.token)
                await client.ended()


@pytest.mark.skipif(os.name != "posix", reason="Unix sockets are POSIX")
@pytest.mark.parametrize("editor", ["nvim", "nvim-0.11"])
async def test_neovim_connects_to_the_socket_as_the_page_says(tmp_path: Path, editor: str) -> None:
    """One line of Lua is the page's own; the rest opens a buffer, asks, and prints the answer."""
    [block] = re.findall(r"```lua\n(.*?)```", PAGE, re.DOTALL)
    script = tmp_path / "init.lua"
    script.write_text(block + _ASK_IN_NEOVIM)
    (tmp_path / "demo.py").write_text("greet = compute(alpha, beta)\n" * 3 + "greet = comp\n")
    async with shared_server(tmp_path, "--socket", str(tmp_path / "fim-lsp.sock")):
        process = await asyncio.create_subprocess_exec(
            program(editor), "--headless", "-u", str(script), "demo.py", cwd=tmp_path,
            env={**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(GUARD):
            out, errors = await process.communicate()
    assert "ute(alpha, beta)" in (out + errors).decode()
    assert process.returncode == 0


_ASK_IN_NEOVIM = """
vim.lsp.config("fim_lsp", { filetypes = { "python" }, init_options = { backend = "ngram" } })
vim.o.swapfile = false
vim.cmd.filetype("on")
vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(event)
    local params = {
      textDocument = vim.lsp.util.make_text_document_params(event.buf),
      position = { line = 3, character = 12 },
      context = { triggerKind = 1 },
    }
    local client = assert(vim.lsp.get_client_by_id(event.data.client_id))
    client:request("textDocument/inlineCompletion", params, function(failure, result)
      io.stdout:write(vim.json.encode(failure or result) .. "\\n")
      vim.cmd("qall!")
    end, event.buf)
  end,
})
vim.lsp.enable("fim_lsp")
"""


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
    assert len(PAGE.splitlines()) <= 160
    for name in (
        '{"items": []}',
        "fim-lsp/status",
        "fimLspStatus",
        "fim-lsp.why",
        "fim-lsp.alternatives",
        "fim-lsp.model",
        "fim-lsp.trigger",
        "fim-lsp/suggestionReady",
        '[{"quiet": true}]',
        "isIncomplete",
    ):
        assert name in PAGE
