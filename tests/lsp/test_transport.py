"""The server on stdio: when it ends and with which code, editors that do not read, and what it must not log."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from fim_lsp.lsp import transport
from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import NGRAM, SOURCE, RawClient, flood, texts
from tests.rate_limit.fakes import until


async def test_exit_without_shutdown_is_1(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.notify("exit", None)
        assert await client.exit_code() == 1


async def test_the_end_of_input_ends_the_server(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.stdin.close()
        assert await client.exit_code() == 1


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_end_the_server(tmp_path: Path, number: int) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.process.send_signal(number)
        assert await client.exit_code() == 128 + number


@pytest.mark.skipif(os.name != "posix", reason="process ids are looked up as POSIX has them")
async def test_the_end_of_the_editors_process_ends_the_server(tmp_path: Path) -> None:
    """Though the pipe is still open: another process may hold it."""
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    async with RawClient(tmp_path) as client:
        number = client.request("initialize", {"processId": editor.pid, "capabilities": {}})
        await client.reply(number)
        editor.kill()
        await editor.wait()
        assert await client.exit_code() == 1


async def test_a_stream_that_is_not_lsp_ends_the_server(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        client.stdin.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.exit_code() == 1


async def test_an_editor_that_does_not_read_blocks_nothing(tmp_path: Path) -> None:
    """Some 4 MB of answers wait to be read, more than any pipe holds, and later edits and requests still count."""
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        client.open(SOURCE)
        client.stdout._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(20_000):
            client.request("no/such/" + "x" * 100, {})
        last = client.request("shutdown", None)
        await client.stdin.drain()
        client.stdout._transport.resume_reading()  # type: ignore[attr-defined]
        assert (await client.reply(last))["result"] is None


async def test_a_length_of_thousands_of_digits_is_not_lsp(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        client.stdin.write(b"Content-Length: " + b"0" * 5000 + b"9\r\n\r\n")
        assert await client.exit_code() == 1
    assert "Traceback" not in client.log


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_server_on_stdio_though_its_editor_does_not_read(tmp_path: Path, sent: int) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        await flood(client)
        client.process.send_signal(sent)
        await until(lambda: client.process.returncode is not None)  # wait() would want the pipe read to its end
        assert client.process.returncode == 128 + sent
        client.stdout._transport.resume_reading()  # type: ignore[attr-defined]
    assert "Traceback" not in client.log
    assert "Fatal" not in client.log  # Python's own end, when a thread holds a buffered stream


async def test_an_editor_on_stdio_that_reads_nothing_at_all_ends_its_server(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM)
        await flood(client, 3 * transport.MAX_UNSENT)
        await until(lambda: client.process.returncode is not None)
        assert client.process.returncode == 1
        client.stdout._transport.resume_reading()  # type: ignore[attr-defined]
    assert "does not read its answers" in client.log


async def test_the_debug_mode_of_asyncio_logs_no_text(tmp_path: Path) -> None:
    client = RawClient(tmp_path, "--log-level", "debug", env={"PYTHONASYNCIODEBUG": "1"})
    async with FakeCodestral(lambda body: "ANSWERED") as server, client:
        await client.initialize(options={"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0})
        client.open("print('hunter2')\n" * 100_000)  # slow enough for this mode to report it
        assert texts(await client.reply(client.ask(100_000, 0))) == ["ANSWERED"]
        await client.reply(client.request("shutdown", None))
        client.notify("exit", None)
        assert await client.exit_code() == 0
    for text in ("hunter2", "ANSWERED", "Content-Length", "receive(b"):
        assert text not in client.log


async def test_errors_in_the_event_loop_are_logged_by_class_only(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_text: str) -> None:
        raise ValueError("hunter2")

    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    with transport.without_details():
        loop.call_soon(fail, "hunter2")
        await until(lambda: "ValueError" in caplog.text)
        loop.call_exception_handler({"message": "hunter2"})
    assert loop.get_exception_handler() is before
    assert "hunter2" not in caplog.text + "".join(capfd.readouterr())
