"""One document's completions: the newest request wins, and there is one call under way at the most.

A request is answered from memory if that can be; else it joins the call under way if the user has only typed what the
call is saying; else it hangs up on that call and, once the user pauses, makes its own. Every request is answered
exactly once, an older one before a newer one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from fim_lsp.backends.base import Chunk
from fim_lsp.errors import BackendError
from fim_lsp.schedule.cache import Cache
from fim_lsp.schedule.rhythm import Rhythm
from fim_lsp.schedule.snapshot import Answer, Reason, Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.typed import typed_since

log = logging.getLogger(__name__)

GRACE = 0.025  # seconds a call outlives a cancelled request: VS Code cancels just before it asks again


class Source(Protocol):
    """What a lane needs to know about the settings in force."""

    @property
    def scope(self) -> Hashable:
        """Back end and generation settings: an answer is good only for the same."""

    @property
    def waits(self) -> bool:
        """Whether calls cost something, so that the user's pause is worth waiting for."""

    def stream(self, snapshot: Snapshot) -> AsyncGenerator[Chunk, None]:
        """Ask for a completion."""

    def enough(self, snapshot: Snapshot, text: str) -> bool:
        """Whether ``text`` is all that would be shown."""

    def shape(self, snapshot: Snapshot, text: str, finished: str | None) -> Suggestion | None:
        """What is shown of ``text``."""


@dataclass(slots=True, eq=False)
class _Call:
    """A call that waits for its moment or is under way."""

    snapshot: Snapshot
    source: Source
    task: asyncio.Task[None] | None = None
    started: bool = False
    text: str = ""
    finished: str | None = None
    farewell: asyncio.TimerHandle | None = None

    def agrees(self, snapshot: Snapshot) -> bool:
        """Whether what has arrived so far and what was typed since begin alike."""
        typed = typed_since(self.snapshot.split, snapshot.split)
        return typed is not None and (self.text.startswith(typed) or typed.startswith(self.text))


@dataclass(slots=True, eq=False)
class Lane:
    """One document. ``source`` gives the settings in force, asked again for every request; ``clock`` gives seconds."""

    source: Callable[[], Source]
    cache: Cache
    clock: Callable[[], float]
    rhythm: Rhythm = field(default_factory=Rhythm)
    _pending: tuple[Snapshot, asyncio.Future[Answer]] | None = None
    _call: _Call | None = None

    def edited(self) -> None:
        """The document changed."""
        self.rhythm.edited(self.clock())

    def ask(self, snapshot: Snapshot) -> asyncio.Future[Answer]:
        """Request a completion. Cancelling the future takes the request back; it never raises anything else."""
        self._answer(Answer(reason=Reason.SUPERSEDED))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        future.add_done_callback(self._taken_back)
        self._pending = snapshot, future
        source = self.source()
        call = self._call
        if call is not None and (call.source.scope != source.scope or (call.started and not call.agrees(snapshot))):
            self._hang_up()
        if found := self.cache.find((snapshot.uri, source.scope), snapshot.split):
            self._answer(Answer(reason=Reason.CACHE, suggestion=found.suggestion))
        elif self._call is None or (snapshot.explicit and not self._call.started):
            self._hang_up()
            self._start(snapshot, source)
        elif not self._call.started:
            self._call.snapshot = snapshot
        else:
            self._forget_farewell(self._call)
        return future

    def close(self) -> None:
        """The document is gone: answer what waits, hang up."""
        self._answer(Answer(reason=Reason.CLOSED))
        self._hang_up()

    def _answer(self, answer: Answer) -> None:
        if self._pending is None:
            return
        _, future = self._pending
        self._pending = None
        if not future.done():
            future.set_result(answer)

    def _start(self, snapshot: Snapshot, source: Source) -> None:
        self._call = call = _Call(snapshot, source)
        call.task = asyncio.get_running_loop().create_task(self._run(call))
        call.task.add_done_callback(lambda task: self._broke(call, task))

    def _hang_up(self) -> None:
        call, self._call = self._call, None
        if call is not None and call.task is not None:
            self._forget_farewell(call)
            call.task.cancel()

    async def _run(self, call: _Call) -> None:
        """Wait for the user's pause, then make the call and follow it to its end."""
        try:
            await self._pause(call)
            call.started = True
            async with aclosing(call.source.stream(call.snapshot)) as chunks:
                async for chunk in chunks:
                    call.text += chunk.text
                    call.finished = chunk.finish or call.finished
                    if self._progress(call):
                        break
        except BackendError:
            if self._call is call:
                self._call = None
                self._answer(Answer(reason=Reason.TROUBLE))
            return
        self._ended(call)

    async def _pause(self, call: _Call) -> None:
        while call.source.waits and not call.snapshot.explicit:
            left = self.rhythm.due(self.clock()) - self.clock()
            if left <= 0:
                return
            await asyncio.sleep(left)

    def _progress(self, call: _Call) -> bool:
        """Text has arrived, or a request has joined. True when no more text is needed."""
        if self._pending is not None and not call.agrees(self._pending[0]):
            self._call = None
            self._start(self._pending[0], self.source())
            return True
        return call.source.enough(call.snapshot, call.text)

    def _broke(self, call: _Call, task: asyncio.Task[None]) -> None:
        """A fault in the program must not leave a request without its answer."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("%s in a call", type(error).__name__)
        if self._call is call:
            self._call = None
            self._answer(Answer(reason=Reason.TROUBLE))

    def _ended(self, call: _Call) -> None:
        """All text is here: remember it, and answer whoever waits."""
        if self._call is not call:
            return
        self._forget_farewell(call)
        self._call = None
        suggestion = call.source.shape(call.snapshot, call.text, call.finished)
        self.cache.put((call.snapshot.uri, call.source.scope), call.snapshot.split, suggestion)
        if self._pending is None:
            return
        snapshot, _ = self._pending
        typed = typed_since(call.snapshot.split, snapshot.split)
        if typed == "":
            reason = Reason.CALL if suggestion else Reason.EMPTY
            self._answer(Answer(reason=reason, suggestion=suggestion))
        elif typed is not None and suggestion is not None and (rest := suggestion.after(typed)):
            self._answer(Answer(reason=Reason.JOINED, suggestion=rest))
        else:
            self._start(snapshot, self.source())

    def _taken_back(self, future: asyncio.Future[Answer]) -> None:
        """The editor cancelled. Hang up, unless a newer request joins in a moment."""
        if not future.cancelled() or self._pending is None or self._pending[1] is not future:
            return
        self._pending = None
        if self._call is not None:
            self._call.farewell = asyncio.get_running_loop().call_later(GRACE, self._hang_up)

    @staticmethod
    def _forget_farewell(call: _Call) -> None:
        if call.farewell is not None:
            call.farewell.cancel()
            call.farewell = None
