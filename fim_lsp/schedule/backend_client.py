"""One back end and what stands between it and a call: its health, its quota, a second try."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.errors import (
    BackendError,
    BadReply,
    Overloaded,
    Paused,
    RateLimited,
    Unreachable,
    Withheld,
    duration,
)
from fim_lsp.http.urls import is_local
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.prompt.redact import redact
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.rate_limit.limiter import Limiter, Permit
from fim_lsp.rate_limit.local_counter import Refusal
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.circuit_breaker import CircuitBreaker, State
from fim_lsp.schedule.prompt_builder import ContextSource, PromptBuilder
from fim_lsp.schedule.recovery_probe import Probe, ProbeResult
from fim_lsp.schedule.request import Snapshot
from fim_lsp.settings.schema import Settings

log = logging.getLogger(__name__)

Report: TypeAlias = Callable[[BackendError | None], None]
"""Hears what became of a call that nobody waits for: the error, or None if it answered."""

MaySend: TypeAlias = Callable[[str, bool], bool]
"""Whether a document's text may be sent now, to a back end that is or is not on this machine."""

_AGAIN = 0.2  # seconds before the second try, and up to as much again by chance
_ABSURD = 10_000_000  # tokens: more than any model reads at once; a server that says so is mistaken
_TOKEN = 3.0  # characters of an answer that count as a token when nobody counted them


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendClient:
    """``limiter`` is there for back ends that are somewhere else, ``estimator`` counts their tokens.

    ``around`` gives prompts their context, ``windows`` keeps them where they are; ``key`` is for the placeholders of secrets.
    ``may_send`` decides for a document's URI right before its text is sent: a prompt may have waited for the quota or
    for a second try, while a setting or an ignore file was changed.
    """

    backend: Backend
    breaker: CircuitBreaker
    limiter: Limiter | None = None
    estimator: Estimator
    around: ContextSource | None = None
    windows: StickyWindows = field(default_factory=StickyWindows)
    key: bytes = b""
    may_send: MaySend = lambda _uri, _here: True

    @property
    def is_local(self) -> bool:
        """Whether the text stays on this machine."""
        return is_local(self.backend.host)

    def compose(self, snapshot: Snapshot, settings: Settings) -> Prompt:
        """The prompt at a snapshot's place."""
        composer = PromptBuilder(
            backend=self.backend,
            estimator=self.estimator,
            limiter=self.limiter,
            around=self.around,
            windows=self.windows,
        )
        return composer.prompt(snapshot, settings)

    def debounce_factor(self, settings: Settings) -> float:
        """The factor on the debounce by which the quota lasts."""
        if self.limiter is None:
            return 1.0
        output = self.estimator.output(settings.max_tokens, self.backend.model, "")
        return self.limiter.thrift(prompt=settings.prompt_tokens, output=output).debounce

    async def stream(
        self, snapshot: Snapshot, settings: Settings, report: Report = lambda _error: None
    ) -> AsyncGenerator[Chunk, None]:
        """Ask if that is sensible now. Raises :class:`~fim_lsp.errors.BackendError`, or its child ``Paused`` if not.

        After a failure it is asked once more, if nothing has come and the setting ``timeout`` leaves time. While the
        circuit is open, a request becomes a probe from time to time; ``report`` hears of one that nobody waits for.
        """
        if snapshot.explicit:
            self.backend.retry()
        elif self.breaker.state is not State.CLOSED:
            async with aclosing(self._probe(snapshot, settings, report)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        charge = _Charge(clock=asyncio.get_running_loop().time)
        failed = False
        try:
            prompt = self.compose(snapshot, settings)
            async with aclosing(self._twice(prompt, snapshot, settings, charge)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (_Silent, _Stalled) as silent:
            failed = True
            self.breaker.failed(silent, here=self.is_local)
            self._start_probe(snapshot, settings, report)
            raise Paused(str(silent), host=self.backend.host) from None
        except (Paused, RateLimited):
            raise
        except BackendError as error:
            failed = True
            self.breaker.failed(error, here=self.is_local)
            raise
        finally:
            if charge.heard and not failed:
                self.breaker.succeeded(charge.first)

    async def _twice(
        self, prompt: Prompt, snapshot: Snapshot, settings: Settings, charge: _Charge
    ) -> AsyncGenerator[Chunk, None]:
        """One call, and one more if the first failed before it brought anything."""
        silence = None if snapshot.explicit or not self.backend.host else self.breaker.silence
        for last in (False, True):
            try:
                async with aclosing(self._once(prompt, snapshot, charge, silence)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except (Unreachable, Overloaded) as error:
                late = charge.clock() - charge.began > settings.timeout / 2
                if last or charge.heard or late or error.timed_out or not error.transient:
                    raise
                log.info("%s: %s, trying again", self.backend.name, type(error).__name__)
            await asyncio.sleep(_AGAIN * (1 + random.random()))  # noqa: S311 - only to spread load

    async def _probe(self, snapshot: Snapshot, settings: Settings, report: Report) -> AsyncGenerator[Chunk, None]:
        """The answer of a probe if one is due and answers soon."""
        if not self.breaker.probe_due or self.breaker.probes.progressing:
            raise Paused(self.breaker.reason, host=self.backend.host)
        patience = self.breaker.patience
        probe = self._start_probe(snapshot, settings, report)
        async with aclosing(probe.listen(patience)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _start_probe(self, snapshot: Snapshot, settings: Settings, report: Report) -> Probe:
        breaker = self.breaker
        charge = _Charge(clock=asyncio.get_running_loop().time)
        outcome = ProbeResult(
            succeeded=breaker.succeeded,
            failed=partial(breaker.failed, here=self.is_local),
            ended=breaker.probe_ended,
            report=report,
        )
        call = self._once(self.compose(snapshot, settings), snapshot, charge)
        breaker.probe_started()
        return breaker.probes.start(call, charge, outcome, whole=breaker.wants_whole_answer)

    async def prepare(self, snapshot: Snapshot, settings: Settings) -> bool:
        """Let a server of this machine read ahead what a first prompt would begin with; others would only cost."""
        if not self.is_local:
            return False
        return await self.backend.prepare(self.compose(snapshot, settings))

    async def _once(
        self, prompt: Prompt, snapshot: Snapshot, charge: _Charge, silence: float | None = None
    ) -> AsyncGenerator[Chunk, None]:
        """One call within the quota. Raises ``_Silent`` or ``_Stalled`` if nothing comes for ``silence`` seconds."""
        permit = await self._permit(prompt, snapshot)
        try:
            if self.backend.host and not self.may_send(snapshot.uri, self.is_local):
                raise Withheld("the settings or ignore rules have changed since this was asked")
            async with aclosing(self._shielded(prompt)) as chunks:
                while (chunk := await self._next(chunks, charge, silence)) is not None:
                    self._note(chunk, charge)
                    yield chunk
            self._learn(prompt, charge)
        except RateLimited as error:
            if permit is not None:
                permit.refused(error.retry_after)
            raise
        except BackendError as error:
            if permit is not None and not error.sent:
                permit.release()
            raise
        finally:
            if permit is not None:
                charge.settle(permit)

    async def _next(self, chunks: AsyncGenerator[Chunk, None], charge: _Charge, silence: float | None) -> Chunk | None:
        """The next chunk, None at the end."""
        if silence is None:
            return await anext(chunks, None)
        try:
            async with asyncio.timeout(silence):
                return await anext(chunks, None)
        except TimeoutError:
            host = self.backend.host
            kind = _Stalled if charge.heard else _Silent
            raise kind(f"{host} has been silent for {silence:.1f} s", host=host) from None

    async def _shielded(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """One call. No secret that can be told as one leaves this machine."""
        if self.is_local:
            async with aclosing(self.backend.stream(prompt)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        shielded = redact(prompt, self.key)
        restorer = shielded.restorer()
        async with aclosing(self.backend.stream(shielded.prompt)) as chunks:
            async for chunk in chunks:
                text = restorer.feed(chunk.text)
                yield replace(chunk, text=text + restorer.flush() if chunk.finish is not None else text)
        if rest := restorer.flush():
            yield Chunk(text=rest)

    async def _permit(self, prompt: Prompt, snapshot: Snapshot) -> Permit | None:
        if self.limiter is None:
            return None
        model, language = self.backend.model, prompt.language
        permit = await self.limiter.reserve(
            prompt=self.estimator.tokens(prompt.size, model, language),
            output=self.estimator.output(prompt.max_tokens, model, language),
            explicit=snapshot.explicit,
        )
        if isinstance(permit, Refusal):
            room = f"has room again in {duration(permit.seconds)}"
            never = "is too small for one request: check requests_per_minute, tokens_per_minute and prompt_tokens"
            raise Paused(f"the quota {room if math.isfinite(permit.seconds) else never}", host=self.backend.host)
        return permit

    def _note(self, chunk: Chunk, charge: _Charge) -> None:
        charge.characters += len(chunk.text)
        if not charge.heard and (chunk.text or chunk.finish is not None):
            charge.heard, charge.first = True, charge.clock() - charge.began
        if chunk.usage is not None:
            charge.prompt = min(chunk.usage.prompt_tokens, _ABSURD)
            charge.completion = min(chunk.usage.completion_tokens, _ABSURD)
        if chunk.quota is not None and self.limiter is not None:
            self.limiter.observe(chunk.quota)

    def _learn(self, prompt: Prompt, charge: _Charge) -> None:
        if charge.prompt:
            self.estimator.learn(prompt.size, self.backend.model, prompt.language, charge.prompt, charge.completion)


@dataclass(slots=True)
class _Charge:
    """What a call has cost so far. ``first`` are the seconds until something was ``heard``, by ``clock``."""

    clock: Callable[[], float]
    characters: int = 0
    prompt: int = 0
    completion: int = 0
    heard: bool = False
    first: float = 0.0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def settle(self, permit: Permit) -> None:
        if self.prompt:
            permit.settle(self.prompt + self.completion)
        else:
            permit.hung_up(math.ceil(self.characters / _TOKEN))


class _Silent(Unreachable):
    """A back end that usually answers at once has not said a word for a while."""

    timed_out = True


class _Stalled(BadReply):
    """The same in the middle of an answer."""

    timed_out = True
