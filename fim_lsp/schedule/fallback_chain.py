"""The back ends that the settings name, in the order in which they are tried."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.errors import BackendError, Paused, Withheld
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.events import BackendEvent, EventKind
from fim_lsp.schedule.overdue import LateAnswer, Overdue
from fim_lsp.schedule.postprocessor import Postprocessor
from fim_lsp.schedule.prompt_sender import Wanted, always_wanted
from fim_lsp.schedule.request import Snapshot
from fim_lsp.settings.schema import Settings


class _Partial(enum.Enum):
    """What has become of a partial answer by the back ends tried so far."""

    NONE = enum.auto()
    USABLE = enum.auto()  # it is shown if no other back end has any text
    VOID = enum.auto()  # its server retracted it: it is never shown


@dataclass(frozen=True, slots=True)
class _Late:
    """A back end whose answer takes longer than usual."""

    client: BackendClient
    answer: LateAnswer


class FallbackChain:
    """Answers with the first back end that can. New settings need a new chain."""

    def __init__(
        self,
        *,
        settings: Settings,
        clients: Sequence[BackendClient],
        on_event: Callable[[BackendEvent], None],
        local_only: Callable[[str], bool],
        settings_known: Callable[[], Awaitable[bool]],
        policy: object,
    ) -> None:
        """``clients`` are tried in this order, and ``on_event`` receives what happens at each.

        ``local_only`` decides by a document's URI whether its text may only go to back ends on this machine. It is called
        for each call, because the rules may change while a request waits. ``settings_known`` waits until every source of
        settings has been read; it returns false if one can't be, and then no text leaves this process. ``policy`` is the
        one that prompts were made with: a call in flight does not outlive it.
        """
        self.settings = settings
        self.clients = tuple(clients)
        self.postprocessor = Postprocessor(settings.multiline)
        self._on_event = on_event
        self._local_only = local_only
        self._settings_known = settings_known
        self._policy = policy

    @property
    def scope(self) -> Hashable:
        """The back ends and generation settings that a cached answer is valid for."""
        settings = self.settings
        return (
            tuple((client.backend.name, client.backend.host, client.backend.model) for client in self.clients),
            settings.temperature, settings.top_p, settings.max_tokens, settings.min_tokens, settings.stop,
            settings.random_seed, settings.multiline, settings.base_url, settings.region,
        )  # fmt: skip

    @property
    def identity(self) -> Hashable:
        """Everything that a call in flight depends on: when it changes, the call is aborted."""
        backends = tuple(id(client.backend) for client in self.clients)
        return self.scope, self.settings.local_only, self.settings.context_tokens, id(self._policy), backends

    @property
    def costs_nothing(self) -> bool:
        """Whether calls go to a back end in this process, so that there is no reason to wait for a pause in typing."""
        return not self.clients or self.clients[0].backend.host == ""

    @property
    def debounce_factor(self) -> float:
        """What the debounce is multiplied by, from 1: grows as the quota runs low."""
        return self.clients[0].debounce_factor(self.settings) if self.clients else 1.0

    def allowed(self, uri: str) -> Sequence[BackendClient]:
        """The back ends that a document's text may be sent to."""
        return [client for client in self.clients if client.is_local] if self._local_only(uri) else self.clients

    def can_prepare(self, uri: str) -> bool:
        """Whether :meth:`prepare` may have an effect."""
        first = next(iter(self.allowed(uri)), None)
        return first is not None and first.is_local and first.backend.host != ""

    async def prepare(self, snapshot: Snapshot) -> None:
        """Let the first back end evaluate a prompt ahead of time, if it is a server on this machine."""
        for client in self.allowed(snapshot.uri)[:1]:
            await client.prepare(snapshot, self.settings)

    async def stream(self, snapshot: Snapshot, wanted: Wanted = always_wanted) -> AsyncGenerator[Chunk, None]:
        """Yield the answer of the first back end that can give one. If it breaks off, the next one starts from scratch.

        If no other back end has any text, a partial answer is kept, without a finish reason, unless its server retracted
        it; or else an answer that takes longer than usual is waited for. Raises
        :class:`~fim_lsp.errors.BackendError` if there is no answer at all, with the
        sentence of the first one that failed. Nobody else is asked once it is not ``wanted`` any more.
        """
        late: list[_Late] = []
        try:
            has_text, author = False, ""
            try:
                async with aclosing(self._now(snapshot, wanted, late)) as chunks:
                    async for chunk in chunks:
                        has_text = has_text or bool(chunk.text)
                        author = chunk.author or author
                        if has_text or not late:
                            yield replace(chunk, author=author)
            except BackendError:
                if not late:
                    raise
            if late and not has_text:
                yield Chunk(overdue=True)
                async with aclosing(self._relay(late[0].client, late[0].answer.read(), "")) as chunks:
                    async for chunk in chunks:
                        yield chunk
        finally:
            for one in late:
                one.answer.drop()

    async def _now(self, snapshot: Snapshot, wanted: Wanted, late: list[_Late]) -> AsyncGenerator[Chunk, None]:
        """What the back ends answer that are not ``late``; those that are, are added there."""
        clients = await self.clients_now(snapshot.uri)
        partial = _Partial.NONE
        because = ""
        for client in clients:
            if client not in self.allowed(snapshot.uri) or not wanted():
                continue
            written = False
            try:
                answer = client.stream(snapshot, self.settings, self._report(client.backend), wanted)
                async with aclosing(self._relay(client, answer, because)) as chunks:
                    async for chunk in chunks:
                        written = written or bool(chunk.text)
                        if client is not clients[0]:
                            chunk, partial = _from_fallback(chunk, partial)
                        yield chunk
                return
            except Withheld:
                continue
            except BackendError as error:
                if isinstance(error, Overdue):
                    late.append(_Late(client, error.answer))
                because = because or str(error)
                if written:
                    partial = _Partial.VOID if error.invalidates_output else _Partial.USABLE
        if partial is not _Partial.USABLE:
            raise BackendError(because or "no back end may be asked")

    async def _relay(
        self, client: BackendClient, answer: AsyncGenerator[Chunk, None], because: str
    ) -> AsyncGenerator[Chunk, None]:
        """One back end's answer; publishes what becomes of it."""
        written = False
        try:
            async with aclosing(_named(answer, client.backend.name, because)) as chunks:
                async for chunk in chunks:
                    written = written or bool(chunk.text)
                    if chunk.notice:
                        self._emit(client.backend, EventKind.NOTICE, notice=chunk.notice)
                    yield chunk
            self._emit(client.backend, EventKind.ANSWERED)
        except Withheld:
            raise
        except (GeneratorExit, asyncio.CancelledError):  # the call was hung up on
            if written:
                self._emit(client.backend, EventKind.ANSWERED)
            raise
        except BackendError as error:
            kind = EventKind.PAUSED if isinstance(error, Paused) else EventKind.FAILED
            self._emit(client.backend, kind, error)
            raise

    async def clients_now(self, uri: str) -> Sequence[BackendClient]:
        """The allowed back ends, once the settings are known; only those in this process if they can't be known."""
        clients = self.allowed(uri)
        if any(client.backend.host for client in clients) and not await self._settings_known():
            return [client for client in clients if not client.backend.host]
        return clients

    def _report(self, backend: Backend) -> Callable[[BackendError | None], None]:
        """A callback for the result of a call that no request waits for: the error, or None for an answer."""
        return lambda error: self._emit(backend, EventKind.FAILED if error else EventKind.ANSWERED, error)

    def _emit(self, backend: Backend, kind: EventKind, error: BackendError | None = None, notice: str = "") -> None:
        self._on_event(BackendEvent(backend=backend, kind=kind, error=error, notice=notice))


async def _named(chunks: AsyncGenerator[Chunk, None], author: str, because: str) -> AsyncGenerator[Chunk, None]:
    """The chunks, the first of which names the author; an answer without any has one that does only that."""
    named = False
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk if named else replace(chunk, author=author, because=because)
            named = True
    if not named:
        yield Chunk(author=author, because=because)


def _from_fallback(chunk: Chunk, partial: _Partial) -> tuple[Chunk, _Partial]:
    """A fallback's chunk, which replaces a partial answer as soon as it has text, or at once if that is void."""
    replaces = partial is _Partial.VOID or (partial is _Partial.USABLE and bool(chunk.text))
    left = _Partial.NONE if replaces else partial
    finish = chunk.finish if left is _Partial.NONE else None
    return replace(chunk, from_fallback=True, replaces_previous=replaces, finish=finish), left
