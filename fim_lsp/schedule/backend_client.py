"""One back end, with everything that decides when it is called, and how often: circuit breaker, patience, retry.

**How often one call may be sent.** Here, once more if it failed without any text, for a reason that may pass (no
connection, a 5xx) and within half of the timeout; a probe is never retried. Below, in
:mod:`fim_lsp.backends.http_backend`, each of these is sent again if a kept connection turns out to be closed (once), if the
API rejects the key and there is a new one (once), and if the server wants to be asked in another way (twice; that way is
kept for later calls). So an outage costs two requests a call; after three failed calls the circuit breaker opens.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.errors import BackendError, BadReply, Overloaded, Paused, RateLimited, Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.schedule.call_progress import CallProgress
from fim_lsp.schedule.circuit_breaker import Admission, CircuitBreaker
from fim_lsp.schedule.events import CallPurpose
from fim_lsp.schedule.overdue import LateCall, LateProbe, Overdue, PatientCall, Silence
from fim_lsp.schedule.prompt_builder import ContextSource, build_prompt
from fim_lsp.schedule.prompt_sender import PromptSender, Wanted, always_wanted
from fim_lsp.schedule.recovery_probe import Probe, ProbeListener
from fim_lsp.schedule.request import Snapshot
from fim_lsp.settings.schema import Settings

log = logging.getLogger(__name__)

Report: TypeAlias = Callable[[BackendError | None], None]
"""Receives the result of a call that no request waits for any more: the error, or None if it answered."""

_RETRY_DELAY = 0.2  # seconds, and up to as much again by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendClient:
    """Makes calls to one back end, through ``sender``.

    ``context_source`` finds snippets for prompts, ``windows`` keeps their windows in place.
    """

    sender: PromptSender
    breaker: CircuitBreaker
    context_source: ContextSource | None
    windows: StickyWindows

    @property
    def backend(self) -> Backend:
        """The one that is called."""
        return self.sender.backend

    @property
    def is_local(self) -> bool:
        """Whether the text does not leave this machine."""
        return self.sender.is_local

    def debounce_factor(self, settings: Settings) -> float:
        """What the debounce is multiplied by to make the quota last."""
        if self.sender.limiter is None:
            return 1.0
        return self.sender.limiter.debounce_factor(
            prompt=settings.prompt_tokens, output=self._output_tokens(settings, "")
        )

    def build_prompt(self, snapshot: Snapshot, settings: Settings) -> Prompt:
        """The prompt for a snapshot; it is smaller when the quota runs low."""
        model, language = self.backend.model, snapshot.language
        return build_prompt(
            snapshot,
            settings,
            backend=self.backend,
            share=self._prompt_share(settings, language),
            output_tokens=self._output_tokens(settings, language),
            characters=lambda tokens: self.sender.estimator.characters(math.floor(tokens), model, language),
            context_source=self.context_source,
            windows=self.windows,
        )

    def _prompt_share(self, settings: Settings, language: str) -> float:
        if self.sender.limiter is None:
            return 1.0
        output = self._output_tokens(settings, language)
        return self.sender.limiter.choose_prompt_share(prompt=settings.prompt_tokens, output=output)

    def _output_tokens(self, settings: Settings, language: str) -> int:
        return self.sender.estimator.output(settings.max_tokens, self.backend.model, language)

    async def prepare(self, snapshot: Snapshot, settings: Settings) -> bool:
        """Have a server on this machine evaluate the start of a first prompt early; elsewhere that would only add cost."""
        return await self.sender.prepare(self.build_prompt(snapshot, settings), snapshot)

    async def stream(
        self, snapshot: Snapshot, settings: Settings, report: Report, wanted: Wanted = always_wanted
    ) -> AsyncGenerator[Chunk, None]:
        """Make a call, if the circuit breaker admits it, or a probe of it; an explicit request is always a call.

        Raises :class:`~fim_lsp.errors.BackendError`, or its subclass ``Paused`` if the back end was not asked or is silent.
        ``report`` gets the result of a probe that outlives this generator. Nothing is sent, or sent again, unless ``wanted``:
        whoever asked may have gone while it waited, for the quota or a retry.
        """
        admission = Admission.CALL if snapshot.explicit else self.breaker.before_call()
        if snapshot.explicit:
            self.backend.retry()
        if admission is Admission.REJECT:
            raise self._rejected(snapshot, settings, report, wanted)
        if admission is Admission.PROBE:
            chunks = self._probe(snapshot, settings, report, wanted)
        else:
            chunks = self._call(snapshot, settings, report, wanted)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    def _rejected(self, snapshot: Snapshot, settings: Settings, report: Report, wanted: Wanted) -> Paused:
        """Why the back end is not asked now. If it was silent, whoever still waits then may ask it when that is allowed."""
        sentence, wait = f"{self.backend.name} {self.breaker.reason}", self.breaker.retry_after
        if wait is None or not self.breaker.hangs or wait > settings.timeout:
            return Paused(sentence, host=self.backend.host, retry_after=wait)
        late = LateCall(lambda: self._call_now(snapshot, settings, report, wanted), seconds=wait)
        return Overdue(sentence, host=self.backend.host, retry_after=wait, answer=late)

    async def _call_now(
        self, snapshot: Snapshot, settings: Settings, report: Report, wanted: Wanted
    ) -> AsyncGenerator[Chunk, None]:
        if not wanted() or self.breaker.before_call() is Admission.REJECT:
            raise Paused(f"{self.backend.name} {self.breaker.reason}", host=self.backend.host)
        async with aclosing(self.stream(snapshot, settings, report, wanted)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _probe(
        self, snapshot: Snapshot, settings: Settings, report: Report, wanted: Wanted
    ) -> AsyncGenerator[Chunk, None]:
        """Make a probe, and wait for it for a moment before another back end is asked."""
        breaker, started = self.breaker, asyncio.get_running_loop().time()
        hangs = breaker.hangs
        sentence, prompt = f"{self.backend.name} {breaker.reason}", self.build_prompt(snapshot, settings)
        probe = self._start_probe(prompt, snapshot, report)
        try:
            async with aclosing(probe.read(breaker.probe_wait, sentence)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Paused as error:
            if probe.has_begun or probe.has_ended or not hangs:
                raise
            late = LateProbe(
                probe, gap=self._patience(settings), deadline=started + settings.timeout, sentence=sentence
            )
            raise Overdue(sentence, host=error.host, answer=late) from None

    def _patience(self, settings: Settings) -> float:
        return self.breaker.max_silence or settings.timeout

    async def vary(self, snapshot: Snapshot, settings: Settings, variation: int) -> AsyncGenerator[Chunk, None]:
        """Make a call for another reply to the same text, if the quota has room and nothing is wrong with the back end.

        It is sent once, and its failure tells nobody anything. Raises :class:`~fim_lsp.errors.BackendError`.
        """
        if self.breaker.before_call() is not Admission.CALL:
            raise Paused(self.breaker.reason, host=self.backend.host)
        prompt = replace(self.build_prompt(snapshot, settings), variation=variation)
        progress = CallProgress(clock=asyncio.get_running_loop().time)
        chunks = self.sender.send(prompt, snapshot, progress, purpose=CallPurpose.ALTERNATIVE)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def _call(
        self, snapshot: Snapshot, settings: Settings, report: Report, wanted: Wanted
    ) -> AsyncGenerator[Chunk, None]:
        """Make a call and report its result to the circuit breaker. If it falls silent, it goes on as a probe."""
        started = asyncio.get_running_loop().time()
        progress = CallProgress(clock=asyncio.get_running_loop().time)
        failed = False
        prompt = self.build_prompt(snapshot, settings)
        max_silence = None if snapshot.explicit or not self.backend.host else self.breaker.max_silence
        call = PatientCall(self._with_retry(prompt, snapshot, settings, progress, wanted), progress, max_silence)
        try:
            async with aclosing(call.read()) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Silence:
            failed = True
            sentence = f"{self.backend.host} has been silent for {max_silence:.1f} s"
            error = _Stalled if progress.has_begun else _Silent
            self.breaker.failed(error(sentence, host=self.backend.host, timed_out=True), local=self.is_local)
            if progress.has_begun:
                self._start_probe(prompt, snapshot, report)
                raise Paused(sentence, host=self.backend.host) from None
            self.breaker.probe_continues()
            late = LateProbe(
                self._as_probe(call.rest(), progress, report),
                lambda: self._second(prompt, snapshot, report, wanted),
                gap=self._patience(settings),
                deadline=started + settings.timeout,
                sentence=sentence,
            )
            raise Overdue(sentence, host=self.backend.host, answer=late) from None
        except (Paused, RateLimited):
            raise
        except BackendError as error:
            failed = True
            self.breaker.failed(error, local=self.is_local)
            raise
        finally:
            if progress.has_begun and not failed:
                self.breaker.succeeded(progress.latency)

    def _second(self, prompt: Prompt, snapshot: Snapshot, report: Report, wanted: Wanted) -> Probe | None:
        """The call that is made beside one that stays silent, if it may be made and somebody still waits."""
        if not wanted() or self.breaker.before_call() is Admission.REJECT:
            return None
        return self._start_probe(prompt, snapshot, report)

    def _start_probe(self, prompt: Prompt, snapshot: Snapshot, report: Report) -> Probe:
        progress = CallProgress(clock=asyncio.get_running_loop().time)
        self.breaker.probe_started()
        return self._as_probe(self.sender.send(prompt, snapshot, progress, purpose=CallPurpose.PROBE), progress, report)

    def _as_probe(self, chunks: AsyncGenerator[Chunk, None], progress: CallProgress, report: Report) -> Probe:
        breaker = self.breaker
        listener = ProbeListener(
            succeeded=breaker.succeeded,
            failed=partial(breaker.failed, local=self.is_local),
            ended=breaker.probe_ended,
            report=report,
        )
        return breaker.probes.start(chunks, progress, listener, needs_whole_answer=breaker.needs_whole_answer)

    async def _with_retry(
        self, prompt: Prompt, snapshot: Snapshot, settings: Settings, progress: CallProgress, wanted: Wanted
    ) -> AsyncGenerator[Chunk, None]:
        for is_last in (False, True):  # pragma: no branch - the last try returns or raises
            try:
                async with aclosing(self.sender.send(prompt, snapshot, progress, wanted)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except (Unreachable, Overloaded) as error:
                late = progress.elapsed > settings.timeout / 2
                if is_last or progress.has_begun or late or error.timed_out or not error.transient:
                    raise
                progress.waiting_since = None
                log.info("%s: %s, trying again", self.backend.name, type(error).__name__)
            await asyncio.sleep(_RETRY_DELAY * (1 + random.random()))  # noqa: S311 - only to spread load


class _Silent(Unreachable):
    """A back end that usually answers at once has not sent anything for a while."""


class _Stalled(BadReply):
    """The same in the middle of an answer."""
