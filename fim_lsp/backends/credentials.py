"""Where the key of a back end comes from, and the host that it is for."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, Literal

from fim_lsp.backends.key_store import KEYRING_TIMEOUT, KeyStore, StoredKey, key_set_command
from fim_lsp.errors import KeyStoreError, Unauthorized
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.workspace.programs import find_program, safe_folder

HOST_VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "codestral.mistral.ai": "CODESTRAL_API_KEY",
        "api.mistral.ai": "MISTRAL_API_KEY",
        "api.langdock.com": "LANGDOCK_API_KEY",
    }
)
"""The environment variable with the key for each host. It is sent to that host only, and only over TLS."""

COMMAND_TIMEOUT: Final = 30.0
"""Seconds for ``api_key_command``: a password manager may ask the user first."""

COMMAND_COOLDOWN: Final = 30.0
"""Seconds in which a command that failed is not run again: it may ask the user each time."""

_OUTPUT_LIMIT: Final = 64 * 1024  # bytes; keys have some dozens
_EXIT_GRACE: Final = (
    2.0  # seconds for a command to exit after it has printed a line: its status shows whether it failed
)
_OUTPUT_GRACE: Final = 0.2  # seconds to read the output of a command that has exited, if its pipe stays open
_KILL_TIMEOUT: Final = 1.0  # seconds for a killed process to be gone


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlace:
    """One place that has a key for a host. ``str(place)`` completes "the key from …"."""

    kind: Literal["setting", "command", "variable", "keyring", "file"]
    name: str

    def __str__(self) -> str:
        return self.name


def key_places(
    base_url: str,
    *,
    api_key: Secret | None = None,
    command: tuple[str, ...] | None = None,
    env: Mapping[str, str] = MappingProxyType({}),
    store: KeyStore | None = None,
    given_in: str = "the setting api_key",
) -> tuple[KeyPlace, ...]:
    """All places with a key for the host of ``base_url``; the first one is used. The arguments are those of KeySource."""
    places = []
    if api_key:
        places.append(KeyPlace(kind="setting", name=given_in))
    if command:
        places.append(KeyPlace(kind="command", name="api_key_command"))
    if environment_key(base_url, env):
        places.append(KeyPlace(kind="variable", name=HOST_VARIABLES[origin_of(base_url)[1]]))
    if store and (entry := store.entries().get(origin_of(base_url))):
        name = "the system's keyring" if entry.place == "keyring" else str(store.file)
        places.append(KeyPlace(kind=entry.place, name=name))
    return tuple(places)


class KeySource:
    """The key for one back end: from the setting, else the command, else the environment, else the user's stored keys.

    The key is for :attr:`origin`, the scheme and host of ``base_url``; those of the environment and of ``store`` are used
    only if they are for it. ``command`` is an argv that is run without a shell, ``env`` the environment, ``clock`` counts
    seconds. ``given_in`` says where ``api_key`` is from.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: Secret | None = None,
        command: tuple[str, ...] | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        store: KeyStore | None = None,
        given_in: str = "the setting api_key",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.origin = origin_of(base_url)
        self._places = partial(
            key_places, base_url, api_key=api_key, command=command, env=env, store=store, given_in=given_in
        )
        self._key = api_key or (None if command else environment_key(base_url, env))
        self._command = None if api_key else command
        self._store = None if self._key or command else store
        self._entry: StoredKey | None = None  # what the store says about this origin
        self._clock = clock
        self._running: asyncio.Task[Secret] | None = None
        self._failure = ""  # of the last run of the command, or of the last read of the stored key
        self._failed_at = float("-inf")

    @property
    def place(self) -> KeyPlace | None:
        """Where the key comes from, None if there is none."""
        return next(iter(self._places()), None)

    @property
    def problem(self) -> str:
        """A sentence for the user whose stored keys can't be used, or ``""``."""
        return self._store.problem if self._store else ""

    @property
    def delay(self) -> str:
        """A sentence for the user whose key takes longer than a call may."""
        if self._command:
            return "api_key_command has not printed a key yet"
        return "the system's keyring, which has the key, has not answered yet: unlock it"

    @property
    def is_waiting(self) -> bool:
        """Whether ``api_key_command`` or the keyring has been asked and has not answered yet."""
        return self._running is not None

    async def key(self) -> Secret | None:
        """The key, or None if there is none. Raises :class:`~fim_lsp.errors.Unauthorized` if it is unusable."""
        self._follow_store()
        if self._key is None and (self._command or self._entry):
            return _usable(await self._fetch())
        return self._key and _usable(self._key)

    async def refresh(self, refused: Secret) -> bool:
        """After a 401 for ``refused``, run the command or read the stored key again; whether :meth:`key` returns another now.

        That is done once for a key, even if several calls fail with it.
        """
        self._follow_store()
        if self._key is not None and self._key != refused:
            return True  # another call with the same key has refreshed it
        if not (self._command or self._entry):
            return False
        entry, fresh = self._entry, await self._fetch()
        if entry != self._entry:
            return True  # another one has been stored meanwhile
        if fresh == refused:
            if self._command:
                self._fail("api_key_command prints a key that the server refuses")
            return False
        self._key = fresh
        return True

    def retry(self) -> None:
        """Let the next call run the command, or read the stored key, even if that has just failed."""
        self._failed_at = float("-inf")

    async def close(self) -> None:
        """Stop the command if it is running."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def _follow_store(self) -> None:
        """Forget a stored key that has been replaced or removed since it was read."""
        if self._store is None or (entry := self._store.entries().get(self.origin)) == self._entry:
            return
        self._entry, self._key, self._running = entry, None, None
        self.retry()

    async def _fetch(self) -> Secret:
        """Get the key, or wait for the run in progress, which continues when a caller is cancelled."""
        if self._clock() - self._failed_at < COMMAND_COOLDOWN:
            raise Unauthorized(self._failure, host=self.origin[1])
        if self._running is None:
            work = run_command(self._command) if self._command else self._read_stored()
            self._running = asyncio.create_task(work)
            self._running.add_done_callback(self._finished)
        return await asyncio.shield(self._running)

    async def _read_stored(self) -> Secret:
        assert self._store is not None and self._entry is not None  # noqa: S101, PT018 - see _fetch
        try:
            async with asyncio.timeout(KEYRING_TIMEOUT):
                return await asyncio.wrap_future(self._store.start_reading(self._entry))
        except KeyStoreError as error:
            raise Unauthorized(str(error)) from error
        except TimeoutError as error:
            raise Unauthorized(
                f"the system's keyring has not answered within {KEYRING_TIMEOUT:.0f} s: unlock it, or keep the key in a "
                f"file with `{key_set_command(self._entry.address)} --file`"
            ) from error

    def _finished(self, task: asyncio.Task[Secret]) -> None:
        if task is not self._running:
            return  # for a key that was replaced meanwhile
        self._running = None
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._fail(str(error))
        elif self._key is None:
            self._key = task.result()  # even if all callers have been cancelled

    def _fail(self, sentence: str) -> None:
        self._failure, self._failed_at = sentence, self._clock()


def environment_key(base_url: str, env: Mapping[str, str]) -> Secret | None:
    """The key in ``env`` for exactly the host of ``base_url``, if the scheme is https."""
    scheme, host = origin_of(base_url)
    variable = HOST_VARIABLES.get(host)
    value = env.get(variable, "").strip() if variable and scheme == "https" else ""
    return Secret(value) if value else None


def _usable(key: Secret) -> Secret:
    """The key, stripped. Raises Unauthorized if it can't be put into a header: httpx's own error would show it."""
    value = key.reveal().strip()
    if not (value and value.isascii() and value.isprintable()):
        raise Unauthorized("the API key is empty or contains characters that no key has")
    return Secret(value)


async def run_command(command: tuple[str, ...], *, limit: float = COMMAND_TIMEOUT) -> Secret:
    """The first line that ``command`` prints, within ``limit`` seconds.

    It runs in the user's home folder, and is never a program of the current folder's. Raises
    :class:`~fim_lsp.errors.Unauthorized`, with neither the command's arguments nor its output.
    """
    try:
        if (program := find_program(command[0], os.environ)) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        transport, output = await _start(program, command[1:])
    except (OSError, ValueError) as error:  # not found, not executable; a NUL inside
        raise Unauthorized("api_key_command can't be started: check that its first item is a program") from error
    try:
        async with asyncio.timeout(limit):
            await output.complete
        status = transport.get_returncode()
    except TimeoutError as error:
        raise Unauthorized(f"api_key_command did not end within {limit:.0f} s") from error
    finally:
        await _stop(transport, output)
    if status:  # None: it has printed a line and is still running
        raise Unauthorized(f"api_key_command failed with exit status {status}")
    return _usable(Secret(output.data.strip().partition(b"\n")[0].decode("utf-8", "replace")))


async def _start(program: str, arguments: Sequence[str]) -> tuple[asyncio.SubprocessTransport, _CommandOutput]:
    """Start a command in a session of its own, so that its children can be stopped with it."""
    starting = asyncio.create_task(
        asyncio.get_running_loop().subprocess_exec(
            _CommandOutput, program, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, cwd=safe_folder(),
            start_new_session=True,
        )
    )  # fmt: skip
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:  # asyncio would kill the program alone, and not its children
        with contextlib.suppress(OSError, ValueError):
            await _stop(*await starting)
        raise


class _CommandOutput(asyncio.SubprocessProtocol):
    """The output of a command.

    ``complete`` is done when nothing more is expected. That is not only when the pipe is closed: a child that is left
    behind (an agent, a daemon) keeps the pipe open, and some programs print and continue to run. ``exited`` is done when
    the program has ended, ``closed`` when asyncio has released the process. (asyncio's ``Process`` has no public way to
    close a pipe that a grandchild keeps open.)
    """

    def __init__(self) -> None:
        self.data = bytearray()
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.complete: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self.complete.done():
            return
        self.data += data
        if len(self.data) > _OUTPUT_LIMIT:
            self.complete.set_exception(Unauthorized("api_key_command printed far more than a key"))
        elif self.exited.done() or self._has_line():
            self._complete_after(0 if self.exited.done() and self._has_line() else _EXIT_GRACE)

    def process_exited(self) -> None:
        self.exited.set_result(None)
        self._complete_after(0 if self._has_line() else _OUTPUT_GRACE)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.complete, self.closed):
            if not future.done():
                future.set_result(None)

    def _has_line(self) -> bool:
        return b"\n" in self.data.lstrip()

    def _complete_after(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._complete)

    def _complete(self) -> None:
        if not self.complete.done():
            self.complete.set_result(None)


async def _stop(transport: asyncio.SubprocessTransport, output: _CommandOutput) -> None:
    """Kill the command and its children if they still run, and wait until the loop has released them."""
    if output.closed.done():
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has just ended
        if sys.platform == "win32":
            transport.kill()
        else:
            os.killpg(transport.get_pid(), signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_KILL_TIMEOUT):
            await output.exited  # otherwise close() may take the exit status away from the thread that waits for it
    transport.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_KILL_TIMEOUT):
            await output.closed
