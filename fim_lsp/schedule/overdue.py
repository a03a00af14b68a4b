"""Answers that take longer than their back end usually needs: other back ends are asked, and these are waited for.

Whoever gets :class:`Overdue` may read the answer later, and must read or drop it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from fim_lsp.backends.backend import Chunk
from fim_lsp.errors import Paused
from fim_lsp.schedule.call_progress import TIMER_RESOLUTION, CallProgress
from fim_lsp.schedule.recovery_probe import Probe


class LateAnswer(Protocol):
    """An answer that may still come."""

    def read(self) -> AsyncGenerator[Chunk, None]:
        """Wait for it, and yield it. Raises :class:`~fim_lsp.errors.BackendError`."""

    def drop(self) -> None:
        """Nobody waits for it."""


class Overdue(Paused):
    """A back end has not answered so far, but may still do so: ``answer``."""

    def __init__(self, sentence: str, *, answer: LateAnswer, host: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence, host=host, retry_after=retry_after)
        self.answer = answer


class Silence(Exception):
    """Nothing has arrived for longer than the back end usually takes."""


class PatientCall:
    """A call that is not hung up on when it falls silent: it can go on as a probe.

    ``chunks`` is the call, ``progress`` knows since when it has been silent, ``max_silence`` is in seconds, None: without end.
    """

    def __init__(self, chunks: AsyncGenerator[Chunk, None], progress: CallProgress, max_silence: float | None) -> None:
        self._chunks = chunks
        self._progress = progress
        self._max_silence = max_silence
        self._next: asyncio.Task[Chunk | None] | None = None

    async def read(self) -> AsyncGenerator[Chunk, None]:
        """Yield the answer. Raises :class:`Silence`; if nothing has arrived before it, :meth:`rest` must be used."""
        silent = False
        try:
            while (chunk := await self._wait_for_next()) is not None:
                yield chunk
        except Silence:
            silent = not self._progress.has_begun
            raise
        finally:
            if not silent:
                await self._hang_up()

    async def rest(self) -> AsyncGenerator[Chunk, None]:
        """What arrives after the silence."""
        try:
            while self._next is not None:  # pragma: no branch - it is set when silence is noticed, and below
                chunk = await self._next
                self._next = None
                if chunk is None:
                    return
                yield chunk
                self._next = asyncio.get_running_loop().create_task(_next(self._chunks))
        finally:
            await self._hang_up()

    async def _wait_for_next(self) -> Chunk | None:
        if self._max_silence is None:
            return await anext(self._chunks, None)
        loop = asyncio.get_running_loop()
        self._next = loop.create_task(_next(self._chunks))
        while True:
            since = self._progress.waiting_since
            left = self._max_silence - (0.0 if since is None else loop.time() - since)
            if left < TIMER_RESOLUTION:
                raise Silence
            if (await asyncio.wait({self._next}, timeout=left))[0]:
                chunk, self._next = self._next.result(), None
                return chunk

    async def _hang_up(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})
            self._next = None
        await self._chunks.aclose()


async def _next(chunks: AsyncGenerator[Chunk, None]) -> Chunk | None:
    return await anext(chunks, None)


class LateProbe:
    """The answer to a probe, or to the one more that is made if it is silent for another ``gap`` seconds.

    A connection that has died is as silent as a slow server. Whichever answers first is read. ``second`` makes the other
    one, or returns None if there is to be none. It all ends at ``deadline``, in the event loop's time. ``gap`` also is how
    long an answer that has begun may pause.
    """

    def __init__(
        self,
        probe: Probe,
        second: Callable[[], Probe | None] | None = None,
        *,
        gap: float,
        deadline: float,
        sentence: str,
    ) -> None:
        self._probes = [probe]
        self._second = second
        self._second_at = asyncio.get_running_loop().time() + gap
        self._deadline = deadline
        self._gap = gap
        self._sentence = sentence
        probe.has_reader = True

    async def read(self) -> AsyncGenerator[Chunk, None]:
        """See :class:`LateAnswer`."""
        try:
            probe = await self._first()
            async with aclosing(probe.read(0.0, self._sentence, gap=self._gap)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self.drop()

    def drop(self) -> None:
        """See :class:`LateAnswer`."""
        for probe in self._probes:
            probe.leave()
        self._probes.clear()

    async def _first(self) -> Probe:
        """The one that answers first, or else the one that fails last."""
        loop = asyncio.get_running_loop()
        while True:
            if begun := [probe for probe in self._probes if probe.has_begun]:
                for other in self._probes:
                    if other is not begun[0]:
                        other.task.cancel()
                return begun[0]
            waiting = [probe.known for probe in self._probes if not probe.known.done()]
            if not waiting:
                return self._probes[-1]
            end = self._deadline if self._second is None else min(self._second_at, self._deadline)
            await asyncio.wait(waiting, timeout=max(0.0, end - loop.time()), return_when=asyncio.FIRST_COMPLETED)
            now = loop.time() + TIMER_RESOLUTION
            if now >= self._deadline:
                raise Paused(self._sentence)
            if self._second is not None and now >= self._second_at:
                second, self._second = self._second(), None
                if second is not None:
                    second.has_reader = True
                    self._probes.append(second)


class LateCall:
    """The answer to a call that may be made ``seconds`` from now: ``call`` makes it."""

    def __init__(self, call: Callable[[], AsyncGenerator[Chunk, None]], *, seconds: float) -> None:
        self._call = call
        self._seconds = seconds

    async def read(self) -> AsyncGenerator[Chunk, None]:
        """See :class:`LateAnswer`."""
        await asyncio.sleep(self._seconds)
        try:
            async with aclosing(self._call()) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Overdue as overdue:
            late = overdue.answer
        else:
            return
        async with aclosing(late.read()) as chunks:
            async for chunk in chunks:
                yield chunk

    def drop(self) -> None:
        """See :class:`LateAnswer`: it has not been made."""
