"""Several editors on one server: they share nothing, and none can block, change or outlive the others."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from fim_lsp.lsp import transport
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.lsp.raw_client import NGRAM, SOURCE, URI, flood, texts, write_config
from tests.lsp.shared_process import ConnectedClient, SharedServerProcess, greets, shared_server
from tests.rate_limit.fakes import until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Unix sockets, signals and file modes are POSIX")

TCP = ("--tcp", "127.0.0.1:0")


def transports(folder: Path) -> list[tuple[str, ...]]:
    return [TCP, ("--socket", str(folder / "s"))]


@pytest.mark.parametrize("number", [0, 1], ids=["tcp", "socket"])
async def test_editors_on_one_server_share_nothing(tmp_path: Path, number: int) -> None:
    async with (
        shared_server(tmp_path, *transports(tmp_path)[number]) as server,
        server.connect() as first,
        server.connect() as second,
    ):
        for client, word in ((first, "alpha"), (second, "alpine")):
            await client.initialize(options={**NGRAM, "token": server.token})
            client.open(SOURCE.replace("alpha", word))
        second.notify("exit", None)
        await second.ended()
        assert texts(await first.reply(first.ask(41, 19, kind=1)))[0].startswith("ha, beta)")
        server.process.terminate()
        assert await server.exit_code() == 128 + signal.SIGTERM


def memory_of(server: SharedServerProcess) -> int:
    """The bytes that only this process has."""
    return int(psutil.Process(server.process.pid).memory_full_info().uss)


def settings_for(url: str) -> str:
    return (
        f'backend = "codestral"\nbase_url = "{url}"\napi_key = "k"\nfallback = []\ndebounce = 0\ncontext_tokens = 0\n'
    )


@pytest.mark.parametrize("number", [0, 1], ids=["tcp", "socket"])
async def test_documents_settings_switches_cancels_and_crashes_stay_with_their_client(
    tmp_path: Path, number: int
) -> None:
    gate = asyncio.Event()
    async with FakeCodestral(lambda body: f"({body['prompt'][-4:]})") as back_end:
        write_config(tmp_path, settings_for(back_end.url))
        async with (
            shared_server(tmp_path, *transports(tmp_path)[number]) as server,
            server.connect() as mine,
            server.connect() as other,
            server.connect() as third,
        ):
            for client, text in ((mine, "mine"), (other, "them"), (third, "last")):
                await client.initialize(options={"token": server.token} if server.token else {})
                client.open(f"x = {text}")  # each its own, with the same URI and the same ids of requests
            back_end.behaviour = Behaviour(gate=gate)
            asked = mine.ask(0, 8)
            await back_end.until(lambda: len(back_end.requests) == 1)
            await disturb(other, asked)
            third.stdin.write(b"Content-Length: 100\r\n\r\n{")
            await third.stdin.drain()
            third.stdin.transport.abort()
            await third.ended()
            gate.set()
            assert texts(await mine.reply(asked)) == ["(mine)"]
            mine.insert(0, 8, "s")
            assert texts(await mine.reply(mine.ask(0, 9))) == ["(ines)"]
            assert {request.body["model"] for request in back_end.requests if request.raw} == {"codestral-latest"}
            await other.ended()
        assert "Traceback" not in server.log


async def disturb(client: ConnectedClient, asked: int) -> None:
    """Change everything that a client can change, cancel a request of another's, and break off."""
    client.notify("$/cancelRequest", {"id": asked})
    client.write({"jsonrpc": "2.0", "id": asked, "result": {"items": []}})
    client.notify("textDocument/didChange", {"textDocument": {"uri": URI}, "contentChanges": [{"text": "changed"}]})
    client.notify(
        "workspace/didChangeConfiguration", {"settings": {"languages": {"python": False}, "exclude": ["*.py"]}}
    )
    for command, argument in (("toggle", False), ("snooze", 60), ("trigger", "manual"), ("model", "other-model")):
        params = {"command": f"fim-lsp.{command}", "arguments": [argument, {"quiet": True}]}
        assert "error" not in await client.reply(client.request("workspace/executeCommand", params))
    client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await client.reply(client.request("shutdown", None))
    client.stdin.write(b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("number", [0, 1], ids=["tcp", "socket"])
async def test_a_signal_ends_the_server_though_a_client_does_not_read(tmp_path: Path, number: int, sent: int) -> None:
    async with (
        shared_server(tmp_path, *transports(tmp_path)[number]) as server,
        server.connect() as client,
        server.connect() as other,
    ):
        await greets(client, server.token)
        await greets(other, server.token)
        await flood(client)
        assert texts(await other.reply(other.ask(41, 19, kind=1)))
        server.process.send_signal(sent)
        assert await server.exit_code() == 128 + sent
        client.stdout._transport.resume_reading()  # type: ignore[attr-defined]
    assert "Traceback" not in server.log
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("number", [0, 1], ids=["tcp", "socket"])
async def test_a_client_that_does_not_read_is_disconnected_and_delays_nobody_else(tmp_path: Path, number: int) -> None:
    async with (
        shared_server(tmp_path, *transports(tmp_path)[number]) as server,
        server.connect() as client,
        server.connect() as other,
    ):
        await greets(client, server.token)
        await greets(other, server.token)
        before = memory_of(server)
        await flood(client, 3 * transport.MAX_UNSENT)
        assert texts(await other.reply(other.ask(41, 19, kind=1)))
        client.stdout._transport.resume_reading()  # type: ignore[attr-defined]
        await client.ended()
        assert texts(await other.reply(other.ask(41, 19, kind=1)))
        await until(lambda: memory_of(server) < before + transport.MAX_UNSENT)  # what it did not read is not kept
    assert "does not read its answers" in server.log
