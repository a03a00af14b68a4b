"""Where a key comes from, and to which host it belongs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from fim_lsp.errors import Unauthorized
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret

HOST_VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "codestral.mistral.ai": "CODESTRAL_API_KEY",
        "api.mistral.ai": "MISTRAL_API_KEY",
        "api.langdock.com": "LANGDOCK_API_KEY",
    }
)
"""The environment's key for each host. It is sent to that host only, and there over TLS only."""

COMMAND_TIMEOUT: Final = 30.0
"""Seconds for ``api_key_command``: a password manager may ask its user first."""

COMMAND_PAUSE: Final = 30.0
"""Seconds in which a command that brought no usable key is not run again: it may ask its user each time."""

_OUTPUT_LIMIT: Final = 64 * 1024  # bytes; keys have some dozens
_RUNS_ON: Final = 2.0  # seconds for a command that has printed a line to end by itself, and say whether it failed
_LAST_WORDS: Final = 0.2  # seconds for what an ended command has printed to be read, if its pipe stays open
_ENDING: Final = 1.0  # seconds for a killed process to be gone


class KeySource:
    """The key for one back end: the setting's, else its command's, else the environment's for that very host.

    ``base_url`` is where the key belongs: :attr:`origin` is its scheme and host. ``env`` is the environment,
    ``command`` an argv that is run without a shell, ``clock`` counts seconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: Secret | None = None,
        command: tuple[str, ...] | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin_of(base_url)
        self._key = api_key or (None if command else environment_key(base_url, env))
        self._command = None if api_key else command
        self._clock = clock
        self._running: asyncio.Task[Secret] | None = None
        self._failure = ""  # why the command's last run brought no usable key
        self._failed_at = float("-inf")

    async def key(self) -> Secret | None:
        """The key, None if there is none. Raises :class:`~fim_lsp.errors.Unauthorized` if it is no usable one."""
        if self._key is None and self._command:
            self._key = await self._fetch(self._command)
        return self._key and _usable(self._key)

    async def refresh(self, refused: Secret) -> bool:
        """After a 401 for ``refused``: whether :meth:`key` has another one now, for which the command may be run.

        However many calls fail with the same key, the command runs once for it.
        """
        if self._key is not None and self._key != refused:
            return True  # another call was refused the same key, and has seen to it
        if not self._command:
            return False
        fresh = await self._fetch(self._command)
        if fresh == refused:
            self._fail("api_key_command brings a key that the server refuses")
            return False
        self._key = fresh
        return True

    def retry(self) -> None:
        """Let the next call run the command, though it has just brought no usable key: the user asks."""
        self._failed_at = float("-inf")

    async def close(self) -> None:
        """Stop a command that is still running."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _fetch(self, command: tuple[str, ...]) -> Secret:
        """Run the command, or join the run under way, which goes on when a caller is cancelled."""
        if self._clock() - self._failed_at < COMMAND_PAUSE:
            raise Unauthorized(self._failure, host=self.origin[1])
        if self._running is None:
            self._running = asyncio.create_task(run_command(command))
            self._running.add_done_callback(self._finished)
        return await asyncio.shield(self._running)

    def _finished(self, task: asyncio.Task[Secret]) -> None:
        self._running = None
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._fail(str(error))
        elif self._key is None:
            self._key = task.result()  # though nobody may have waited for so long

    def _fail(self, sentence: str) -> None:
        self._failure, self._failed_at = sentence, self._clock()


def environment_key(base_url: str, env: Mapping[str, str]) -> Secret | None:
    """The key that ``env`` has for the very host of ``base_url``, if that is asked over TLS."""
    scheme, host = origin_of(base_url)
    variable = HOST_VARIABLES.get(host)
    value = env.get(variable, "").strip() if variable and scheme == "https" else ""
    return Secret(value) if value else None


def _usable(key: Secret) -> Secret:
    """``key`` without blanks around it, if a header can hold it: the network's own errors would show it."""
    value = key.reveal().strip()
    if not (value and value.isascii() and value.isprintable()):
        raise Unauthorized("the API key is empty or holds characters that no key has")
    return Secret(value)


async def run_command(command: tuple[str, ...], *, limit: float = COMMAND_TIMEOUT) -> Secret:
    """The first line that ``command`` prints, within ``limit`` seconds.

    Raises :class:`~fim_lsp.errors.Unauthorized`, which tells neither the command's arguments nor its output.
    """
    loop = asyncio.get_running_loop()
    try:
        # a session of its own, so that its children can be stopped with it
        transport, printed = await loop.subprocess_exec(
            _Printed, *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:  # not found, not executable; a NUL inside
        raise Unauthorized("api_key_command can't be started: check that its first item is a program") from error
    try:
        async with asyncio.timeout(limit):
            await printed.complete
        status = transport.get_returncode()
    except TimeoutError as error:
        raise Unauthorized(f"api_key_command did not end within {limit:.0f} s") from error
    finally:
        await _end(transport, printed)
    if status:  # None: it has printed a line, and runs on
        raise Unauthorized(f"api_key_command failed with exit status {status}")
    return _usable(Secret(printed.output.strip().partition(b"\n")[0].decode("utf-8", "replace")))


class _Printed(asyncio.SubprocessProtocol):
    """What a process prints. ``complete`` is done when nothing more is to be expected of it; ``over`` when asyncio has let
    go of it.

    That is not only when its pipe is closed: a child that it leaves behind (an agent, a daemon) holds the pipe open, and
    some programs print and go on running.

    Not asyncio's ``Process``: that has no public way to close a pipe which a grandchild holds open.
    """

    def __init__(self) -> None:
        self.output = bytearray()
        self._ended = False
        loop = asyncio.get_running_loop()
        self.complete: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self.complete.done():
            return
        self.output += data
        if len(self.output) > _OUTPUT_LIMIT:
            self.complete.set_exception(Unauthorized("api_key_command printed far more than a key"))
        elif self._ended or b"\n" in self.output.lstrip():
            self._complete_after(0 if self._ended and b"\n" in self.output.lstrip() else _RUNS_ON)

    def process_exited(self) -> None:
        self._ended = True
        self._complete_after(0 if b"\n" in self.output.lstrip() else _LAST_WORDS)

    def _complete_after(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._complete)

    def _complete(self) -> None:
        if not self.complete.done():
            self.complete.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.complete, self.over):
            if not future.done():
                future.set_result(None)


async def _end(transport: asyncio.SubprocessTransport, printed: _Printed) -> None:
    """Stop what still runs of the command, its children too, and wait until nothing of it is left in the loop."""
    if printed.over.done():
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has just ended
        if sys.platform == "win32":
            transport.kill()
        else:
            os.killpg(transport.get_pid(), signal.SIGKILL)
    transport.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDING):
            await printed.over
