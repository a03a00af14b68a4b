"""A back end that says what a test tells it to, and a typist."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from fim_lsp.backends.backend import Backend, Chunk, OnSent, ignore_sent
from fim_lsp.errors import BackendError, BadReply, Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.circuit_breaker import MAX_FAILURES, CircuitBreaker
from fim_lsp.schedule.events import BackendEvent, EventKind, Publish
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.prompt_builder import ContextSource
from fim_lsp.schedule.prompt_sender import PromptSender
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.schedule.scheduler import Scheduler
from fim_lsp.settings.schema import Settings
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.fakes.backend import BackendDefaults
from tests.marked import split
from tests.virtual import now


@dataclass
class Script(BackendDefaults):
    """Answers with ``text(prompt)``, a character at a time."""

    text: Callable[[Prompt], str]
    first: float = 0.25
    each: float = 0.01
    name: str = "script"
    host: str = "script.example"
    model: str = "m"
    calls: list[Prompt] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    hung_up: int = 0
    finished: int = 0
    failed: int = 0
    fail: BackendError | None = None

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        self.calls.append(prompt)
        self.started.append(now())
        done = False
        try:
            await asyncio.sleep(self.first)
            if self.fail is not None:
                raise self.fail
            for character in self.text(prompt):
                await asyncio.sleep(self.each)
                yield Chunk(text=character)
            done = True
            yield Chunk(finish="stop")
        finally:
            self.ended.append(now())
            if done:
                self.finished += 1
            elif isinstance(sys.exception(), BackendError):
                self.failed += 1
            else:
                self.hung_up += 1

    async def close(self) -> None:
        return


class BreaksOff(Script):
    """Fails after its text."""

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        async with aclosing(super().stream(prompt, on_sent=on_sent)) as chunks:
            async for chunk in chunks:
                if chunk.finish:
                    raise BadReply("broke off")
                yield chunk


def a_client(
    backend: Backend,
    *,
    limits: Limits | None = None,
    limiter: Limiter | None = None,
    breaker: CircuitBreaker | None = None,
    context_source: ContextSource | None = None,
    publish: Publish = lambda _event: None,
) -> BackendClient:
    """A client that may send everything, within ``limits``."""
    return BackendClient(
        sender=PromptSender(
            backend=backend,
            limiter=limiter
            or (Limiter(limits, identity=backend.name, clock=now, jitter=lambda: 0.0) if limits else None),
            estimator=Estimator(),
            redaction_key=b"k",
            may_send=lambda _uri, _local: True,
            publish=publish,
        ),
        breaker=breaker or CircuitBreaker(now, jitter=lambda: 0.0),
        context_source=context_source,
        windows=StickyWindows(),
    )


async def known() -> bool:
    """All sources of settings have been read."""
    return True


def a_chain(
    *clients: BackendClient,
    settings: Settings | None = None,
    on_event: Callable[[BackendEvent], None] = lambda _event: None,
    local_only: bool = False,
) -> FallbackChain:
    """A chain whose settings are known."""
    return FallbackChain(
        settings=settings or Settings(),
        clients=clients,
        on_event=on_event,
        local_only=lambda _uri: local_only,
        settings_known=known,
        policy=None,
    )


def limited(backend: Backend) -> BackendClient:
    """A client with a limiter that allows everything."""
    return a_client(backend, limits=Limits())


def a_snapshot(marked: str = "x‸", *, explicit: bool = False, path: str = "") -> Snapshot:
    """A request at the cursor in ``marked``."""
    return Snapshot(uri="file:///a.py", language="python", path=path, split=split(marked), explicit=explicit)


async def text_of(client: BackendClient, *, explicit: bool = False) -> str:
    """The whole answer to one call."""
    chunks = client.stream(a_snapshot(explicit=explicit), Settings(), lambda _error: None)
    return "".join([chunk.text async for chunk in chunks])


async def open_circuit(client: BackendClient) -> None:
    """Make calls that fail until the circuit breaker opens."""
    for _ in range(MAX_FAILURES):
        with pytest.raises(Unreachable):
            await text_of(client)


class Typist:
    """An editor with one document, over the scheduler alone."""

    def __init__(self, backend: Script, text: str = "‸", *, debounce: float | None = 0.1, limits: Limits | None = None,
                 silence: Callable[[str], Outcome | None] = lambda _language: None, **settings: object) -> None:  # fmt: skip
        self.before, _, self.after = text.partition("‸")
        self.failures: list[BackendError] = []
        client = a_client(backend, limits=limits)
        chain = a_chain(client, settings=Settings(**settings), on_event=self._note)  # type: ignore[arg-type]
        self.scheduler = Scheduler(
            chain, debounce=debounce, excluded=lambda uri: uri.endswith(".env"), silence=silence, clock=now
        )
        self.answers: list[tuple[int, CompletionResult]] = []
        self.asked = 0

    def _note(self, event: BackendEvent) -> None:
        if event.kind is EventKind.FAILED and event.error:
            self.failures.append(event.error)

    def type(self, text: str) -> None:
        """Put text in at the cursor."""
        self._edit(text=text)
        self.before += text

    def pair(self, brackets: str) -> None:
        """Type a bracket in an editor that adds the closing one."""
        self._edit(text=brackets)
        self.before, self.after = self.before + brackets[0], brackets[1] + self.after

    def erase(self, count: int = 1) -> None:
        """Backspace."""
        self._edit(erase=count)
        self.before = self.before[:-count]

    def _edit(self, *, text: str = "", erase: int = 0) -> None:
        """One change at the cursor, as the scheduler receives it."""
        document = Document(self.before + self.after, Encoding.UTF32)
        lines = Document(self.before, Encoding.UTF32).lines
        place = len(lines) - 1, len(lines[-1])
        if erase:
            above = Document(self.before[:-erase], Encoding.UTF32).lines
            edit = document.replace((len(above) - 1, len(above[-1])), place, "")
        else:
            edit = document.replace(place, place, text)
        self.scheduler.edited("file:///a.py", [edit])

    def ask(self, *, explicit: bool = False, uri: str = "file:///a.py") -> asyncio.Future[CompletionResult]:
        """Request a completion; answers are collected in their order."""
        snapshot = Snapshot(
            uri=uri,
            language="python",
            path="",
            split=split(f"{self.before}‸{self.after}"),
            explicit=explicit,
        )
        future = self.scheduler.request(snapshot)
        number, self.asked = self.asked, self.asked + 1
        future.add_done_callback(
            lambda done: None if done.cancelled() else self.answers.append((number, done.result()))
        )
        return future


def shown(answer: CompletionResult) -> str | None:
    """The text of an answer."""
    return answer.suggestion.text if answer.suggestion else None
