"""An error that nobody has foreseen is reported without its message, whichever way it comes up."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import warnings
from collections.abc import Callable

import pytest

from fim_lsp.cli import main as cli
from fim_lsp.cli.crashes import without_details

TEXT = "the user's text sk-12345"


def fail() -> None:
    raise ValueError(TEXT)


class FailsAtItsEnd:
    def __del__(self) -> None:
        fail()


def in_a_thread() -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def at_the_end_of_an_object() -> None:
    FailsAtItsEnd()
    gc.collect()


def in_a_task() -> None:
    async def main() -> None:
        async def work() -> None:
            fail()

        task = asyncio.get_running_loop().create_task(work())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(main())


def in_a_callback() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda _text: fail(), TEXT)
        await asyncio.sleep(0)

    asyncio.run(main(), debug=True)


def in_the_log_of_a_library() -> None:
    for name in ("httpx", "httpcore.http11", "asyncio", "pygls.protocol", "redis", "keyring.backend"):
        logging.getLogger(name).error("%s", TEXT)


WAYS: dict[str, tuple[Callable[[], None], str]] = {
    "a thread": (in_a_thread, "unexpected ValueError ("),
    "the end of an object": (at_the_end_of_an_object, "unexpected ValueError ("),
    "a task": (in_a_task, ""),
    "a callback": (in_a_callback, ""),
    "the log of a library": (in_the_log_of_a_library, ""),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_report_contains_the_message(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    happens, reported = WAYS[way]
    with without_details():
        happens()
    written = "".join(capsys.readouterr())
    assert TEXT not in written
    assert reported in written


def test_python_itself_reports_as_before_afterwards() -> None:
    def hooks() -> tuple[object, ...]:
        return sys.excepthook, sys.unraisablehook, threading.excepthook, tuple(logging.getLogger().handlers)

    before = hooks()
    with without_details():
        assert hooks() != before
    assert hooks() == before


def test_a_command_that_fails_names_the_place_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fim_lsp.cli.config.show", lambda *_, **__: fail())
    with warnings.catch_warnings():
        assert cli.main(["config"]) == 70
    written = "".join(capsys.readouterr())
    assert TEXT not in written
    assert "unexpected ValueError (" in written
    assert "test_crashes.py" in written
