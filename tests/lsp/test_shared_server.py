"""A server that several editors share: who is admitted, what a client may do, and that no client can block the others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
from pathlib import Path

import psutil
import pytest

from fim_lsp.lsp import transport
from fim_lsp.lsp.access_token import MAX_FIRST_MESSAGE, TokenCheck
from fim_lsp.lsp.shared_server import MAX_UNAUTHENTICATED, SharedServer
from fim_lsp.secret import Secret
from tests.fakes.codestral import FakeCodestral
from tests.lsp.foreign_streams import FOREIGN_STREAMS
from tests.lsp.raw_client import GUARD, framed, texts, write_config
from tests.lsp.shared_process import framed_initialize, greets, output_for, shared_server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Unix sockets, signals and file modes are POSIX")

TCP = ("--tcp", "127.0.0.1:0")
DEEP = b"[" * 100_000 + b"]" * 100_000


def attack(marker: Path, **more: object) -> dict[str, object]:
    """Options that run a program and name an address, where they are believed."""
    command = [sys.executable, "-c", f"open({str(marker)!r}, 'w')"]
    return {"backend": "openai", "base_url": "http://127.0.0.1:9/", "api_key_command": command, **more}


# -- requests of a web browser


def requests(body: bytes, port: int, token: str) -> list[bytes]:
    """What a web page can make a browser send, and what it can't."""
    host = b"Host: 127.0.0.1:%d" % port
    length = b"Content-Length: %d" % len(body)
    plain = b"Content-Type: text/plain;charset=UTF-8"
    ours = b"Fim-Lsp-Token: " + token.encode()
    lines = [
        [b"POST / HTTP/1.1", host, b"Connection: keep-alive", length, plain, b"Origin: http://evil.example"],
        [b"POST / HTTP/1.1", length],
        [b"POST / HTTP/1.1", length, ours],
        [b"POST / HTTP/1.0", length, plain],
        [b"POST /Content-Length:1 HTTP/1.1", host, length],
        [b"POST http://127.0.0.1/ HTTP/1.1", host, length],
        [b"PUT / HTTP/1.1", host, length, ours],
        [b"GET /?" + ours.replace(b" ", b"") + b" HTTP/1.1", host, length],
        [b"OPTIONS / HTTP/1.1", host, b"Access-Control-Request-Method: POST", length],
        [length, host, ours],
    ]
    message = length + b"\r\n\r\n" + body
    made = [b"\r\n".join(request) + b"\r\n\r\n" + body for request in lines]
    inside = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(message), message)
    form = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + message + b"\r\n--x--"
    upload = b"POST / HTTP/1.1\r\n" + host + b"\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n" + form
    return [*made, inside, upload, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + message, b"\x16\x03\x01\x02\0" + message]


async def test_a_web_page_gets_no_answer_and_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with shared_server(tmp_path, *TCP) as server:
        for token in (server.token, "guessed-token"):
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "capabilities": {}, "initializationOptions": attack(marker, token=token)}}).encode()  # fmt: skip
            for request in requests(body, server.port, token):
                assert await output_for(server, request) == b"", request
                for cut in (1, 7, len(request) // 2):
                    reader, writer = await server.streams()
                    writer.write(request[:cut])
                    await asyncio.sleep(0)
                    with contextlib.suppress(OSError):
                        writer.write(request[cut:])
                        await writer.drain()
                    with contextlib.suppress(ConnectionResetError):
                        assert await reader.read() == b"", request
                    writer.close()
        async with server.connect() as client:
            await greets(client, server.token)
    assert not marker.exists()
    assert server.token not in server.log
    assert "Traceback" not in server.log


async def test_other_protocols_end_at_once_on_every_transport(tmp_path: Path) -> None:
    for arguments in (TCP, ("--socket", str(tmp_path / "s"))):
        async with shared_server(tmp_path, *arguments) as server:
            for stream in FOREIGN_STREAMS.values():
                assert await output_for(server, stream) == b"", stream


# -- the token


def first_messages(token: str, marker: Path) -> list[bytes]:
    """First messages that do not get in."""
    options = attack(marker)
    wrong: list[object] = [
        "wrong-token", token[:-1], token + "x", token[1:], token.swapcase(), "", " " + token, token + "\n", None, 0, 1,
        True, [token], {"token": token}, "\ud800" + token, "ß" * 43, "x" * 100_000,
    ]  # fmt: skip

    def with_header(field: str, body: bytes) -> bytes:
        return f"Fim-Lsp-Token: {field}\r\n".encode() + body

    return [
        *(framed_initialize({**options, "token": value}) for value in wrong),
        *(framed_initialize({"fim-lsp": {**options, "token": value}}) for value in wrong[:4]),
        *(framed_initialize(value) for value in (options, None, [], [token], token, {}, {"Token": token})),
        with_header("wrong-token", framed_initialize(options)),
        with_header("wrong-token", framed_initialize({**options, "token": token})),
        with_header(token, framed_initialize({**options, "token": "wrong-token"})),
        with_header(token, framed({"jsonrpc": "2.0", "id": 1, "method": "shutdown"})),
        framed_initialize(options, token=token),
        framed({"jsonrpc": "2.0", "id": 1, "method": "initialize", "token": token, "params": {"capabilities": {}}}),
        framed({"jsonrpc": "2.0", "id": 1, "method": "Initialize", "params": {"initializationOptions": {"token": token}}}),
        framed({"jsonrpc": "2.0", "method": "exit", "params": {"initializationOptions": {"token": token}}}),
        framed({"jsonrpc": "2.0", "id": 1, "method": "textDocument/inlineCompletion", "params": {}}),
        framed([{"method": "initialize", "params": {"initializationOptions": {"token": token}}}]),
        framed(token), framed(None), b"Content-Length: 0\r\n\r\n", b"Content-Length: 2\r\n\r\n\xff\xfe",
        b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000,
    ]  # fmt: skip


async def test_nothing_else_is_answered_before_the_token(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with shared_server(tmp_path, *TCP, "--log-level", "debug") as server:
        for message in first_messages(server.token, marker):
            second = framed({"jsonrpc": "2.0", "id": 2, "method": "shutdown"})
            got = await output_for(server, message + framed_initialize({"token": server.token}) + second)
            head, _, body = got.partition(b"\r\n\r\n")
            assert int(head.removeprefix(b"Content-Length: ")) == len(body), message
            reply = json.loads(body)
            assert reply["error"]["code"] == -32600
            assert "token" in reply["error"]["message"]
            assert server.token not in reply["error"]["message"]
            assert reply["id"] in (1, None)
        async with server.connect() as client:
            await greets(client, server.token)
    assert not marker.exists()
    assert "without the right token" in server.log
    for secret in (server.token, "wrong-token", "marker", "xxxx"):
        assert secret not in server.log


async def test_the_token_is_taken_from_the_options_or_the_header(tmp_path: Path) -> None:
    async with shared_server(tmp_path, *TCP) as server:
        field = f"FIM-LSP-TOKEN: {server.token}\r\n".encode()
        for start in (
            framed_initialize({"token": server.token}),
            framed_initialize({"fim-lsp": {"token": server.token}}),
            field + framed_initialize(None),
            field + framed_initialize({"token": server.token}),
        ):
            reader, writer = await server.streams()
            for number in range(0, len(start), 50):
                writer.write(start[number : number + 50])
                await writer.drain()
            header = await reader.readuntil(b"\r\n\r\n")
            reply = json.loads(await reader.readexactly(int(header.split(b":")[1].split()[0])))
            assert reply["result"]["serverInfo"]["name"] == "fim-lsp"
            writer.close()


async def test_the_token_is_nowhere_but_on_stderr_and_in_its_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with shared_server(tmp_path, *TCP, "--log-level", "debug", "--log-file", str(log)) as server:
        file = server.token_file
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().strip() == server.token
        assert file.is_relative_to(tmp_path / "state")
        assert len(server.token) >= 40
        async with server.connect() as client:
            await greets(client, server.token)
            client.notify("workspace/didChangeConfiguration", {"settings": {"token": server.token}})
            why = await client.reply(
                client.request("workspace/executeCommand", {"command": "fim-lsp.why", "arguments": [{"quiet": True}]})
            )
            assert server.token not in json.dumps([client.replies, client.notes, client.requests, why])
        process = psutil.Process(server.process.pid)
        assert server.token not in " ".join([*process.cmdline(), *process.environ().values()])
        server.process.terminate()
        assert await server.exit_code() == 128 + signal.SIGTERM
        assert not file.exists()
    assert server.token not in server.log + log.read_text()


async def test_the_token_in_the_users_own_file_is_kept_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for number in range(2):
        async with shared_server(tmp_path, *TCP, "--tcp-token", str(file)) as server:
            assert ("is the one in" in server.lines[1]) == (number == 1)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert file.read_text().strip() == server.token
            async with server.connect() as client:
                await greets(client, server.token)
            server.process.terminate()
            await server.exit_code()
        assert file.exists()
    assert [name for name in os.listdir(tmp_path) if "token" in name] == ["token"]


def connection(token_check: TokenCheck | None) -> tuple[transport.Connection, list[bytes]]:
    class Sent:
        def write(self, data: bytes) -> None:
            sent.append(data)

        def close(self) -> None:
            pass

    sent: list[bytes] = []
    return transport.Connection({}, Sent(), trusted=False, token_check=token_check), sent


async def test_nothing_is_created_before_the_token() -> None:
    made, sent = connection(TokenCheck(Secret("the-right-token")))
    for byte in framed_initialize({"token": "the-right-token"})[:-1]:
        made.receive(bytes([byte]))
    assert (made.server, sent) == (None, [])
    made.receive(b"}")
    assert made.server
    assert not made.server.trusted
    await made.close()


async def test_rejected_clients_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    token_check = TokenCheck(Secret("the-right-token"))
    for number in range(3000):
        made, _ = connection(token_check)
        made.receive(
            (framed_initialize({"token": "wrong"}), b"GET / HTTP/1.1", b"Content-Length: 0\r\n\r\n")[number % 3]
        )
        assert made.ended.result() == 1
    lines = [record.getMessage() for record in caplog.records]
    assert any("without the right token" in line for line in lines)
    assert any("not LSP" in line for line in lines)
    assert len(lines) == 100


@pytest.mark.parametrize("field", [b"", b"Fim-Lsp-Token: the-right-token\r\n"])
async def test_a_first_message_is_bounded_and_later_ones_are_not(field: bytes) -> None:
    made, sent = connection(TokenCheck(Secret("the-right-token")))
    made.receive(field + b"Content-Length: %d\r\n\r\n" % (MAX_FIRST_MESSAGE + 1))
    assert await made.ended == 1
    assert (made.server, sent) == (None, [])
    made, sent = connection(TokenCheck(Secret("the-right-token")))
    made.receive(framed_initialize({"token": "the-right-token"}))
    made.receive(b"Content-Length: %d\r\n\r\n" % (MAX_FIRST_MESSAGE + 1))
    assert not made.ended.done()
    await made.close()


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """What still comes. An end that is a reset is one too: what was sent had not been read."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_idle_connections_make_room_for_clients_with_the_token(tmp_path: Path) -> None:
    count = 4 * MAX_UNAUTHENTICATED
    async with shared_server(tmp_path, *TCP) as server, server.connect() as before:
        await greets(before, server.token)
        idle = [await server.streams() for _ in range(count)]
        for _, writer in idle[::2]:
            writer.write(b"Content-Length: ")
        async with server.connect() as client:
            await greets(client, server.token)
            for reader, _ in idle[: count - MAX_UNAUTHENTICATED]:
                assert await rest_of(reader) == b""
            assert texts(await before.reply(before.ask(41, 19, kind=1)))
        for _, writer in idle:
            writer.close()


async def test_a_client_without_the_token_is_disconnected_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fim_lsp.lsp.shared_server.TOKEN_TIMEOUT", 0.01)
    shared = SharedServer({}, trusted=False, token_check=TokenCheck(Secret("the-right-token")))
    server = await asyncio.start_unix_server(shared.serve_client, tmp_path / "s")
    async with asyncio.timeout(GUARD):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        assert await reader.read() == b""
        writer.close()
    server.close()


# -- what a client on TCP may do


@pytest.mark.parametrize("source", ["file", "command", "environment"])
async def test_a_client_on_tcp_cannot_redirect_a_key(tmp_path: Path, source: str) -> None:
    marker = tmp_path / "marker"
    async with FakeCodestral(lambda body: "ours") as own, FakeCodestral(lambda body: "theirs") as other:
        key = {"file": 'api_key = "sk-own"', "command": 'api_key_command = ["echo", "sk-own"]', "environment": ""}[
            source
        ]
        write_config(tmp_path, f'backend = "codestral"\nbase_url = "{own.url}"\nfallback = []\ndebounce = 0\n{key}\n')
        env = {"FIM_LSP_API_KEY": "sk-own"} if source == "environment" else {}
        options = {**attack(marker), "base_url": other.url, "fallback": ["openai"], "limits_store": other.url}
        async with shared_server(tmp_path, *TCP, env=env) as server:
            for backend in ("codestral", "openai", "ollama", "mistral"):
                named = {**options, "backend": backend}
                for sent in ({**named, "token": server.token}, {"fim-lsp": {**named, "token": server.token}}):
                    async with server.connect() as client:
                        client.configuration = named
                        await client.initialize(options=sent, capabilities={"workspace": {"configuration": True}})
                        await client.until(lambda client=client: bool(client.requests))
                        client.notify("workspace/didChangeConfiguration", {"settings": named})
                        client.notify("workspace/didChangeConfiguration", {"settings": {"fim-lsp": named}})
                        client.open("total = ")
                        assert texts(await client.reply(client.ask(0, 8, kind=1))) == ["ours"]
        assert {request.headers["authorization"] for request in own.requests} == {"Bearer sk-own"}
        assert other.requests == []
    assert not marker.exists()


async def test_a_client_on_tcp_lets_no_excluded_file_through(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "x") as own:
        write_config(
            tmp_path, f'backend = "codestral"\nbase_url = "{own.url}"\napi_key = "k"\nfallback = []\ndebounce = 0\n'
        )
        async with shared_server(tmp_path, *TCP) as server, server.connect() as client:
            await client.initialize(options={"token": server.token, "exclude": ["!.env", "!*"]})
            client.open("KEY=1\n", uri="file:///ws/.env", language="dotenv")
            assert texts(await client.reply(client.ask(1, 0, uri="file:///ws/.env", kind=1))) == []
        assert own.requests == []


async def test_a_client_on_tcp_sets_what_a_project_may_set(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "x") as own:
        write_config(
            tmp_path, f'backend = "codestral"\nbase_url = "{own.url}"\napi_key = "k"\nfallback = []\ndebounce = 0\n'
        )
        async with shared_server(tmp_path, *TCP) as server, server.connect() as client:
            await client.initialize(options={"token": server.token, "max_tokens": 7})
            client.open("total = ")
            assert texts(await client.reply(client.ask(0, 8, kind=1))) == ["x"]
            assert client.messages() == []
        assert own.requests[0].body["max_tokens"] == 7


async def test_a_client_on_the_socket_is_the_user(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "theirs") as other:
        async with shared_server(tmp_path, "--socket", str(tmp_path / "s")) as server, server.connect() as client:
            await client.initialize(
                options={"backend": "codestral", "base_url": other.url, "api_key": "k", "token": "any"}
            )
            client.open("total = ")
            assert texts(await client.reply(client.ask(0, 8, kind=1))) == ["theirs"]
            assert client.messages() == []
        assert len(other.requests) == 1


# -- the end


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
async def test_a_tcp_server_continues_after_deep_json_and_ends_quietly(tmp_path: Path) -> None:
    async with shared_server(tmp_path, "--tcp", "127.0.0.1:0") as server, server.connect() as client:
        await client.initialize(options={"token": server.token})
        deep = b'{"jsonrpc":"2.0","id":7,"method":"x","params":' + DEEP + b"}"
        client.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(deep), deep))
        assert (await client.reply(7))["error"]["code"] == -32603
        assert (await client.reply(client.request("no/such", {})))["error"]["code"] == -32601
        server.process.send_signal(signal.SIGTERM)
        assert await server.exit_code() == 128 + signal.SIGTERM
        await client.ended()
    assert "Traceback" not in server.log


async def test_a_connection_that_cannot_be_read_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr(transport.Connection, "receive", fail)
    shared = SharedServer({}, trusted=True, token_check=None)
    with transport.without_details():
        server = await asyncio.start_unix_server(shared.serve_client, tmp_path / "s")
        async with asyncio.timeout(GUARD):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
            writer.write(b"x")
            assert await reader.read() == b""
            writer.close()
        server.close()
