"""Real typing, replayed against the real scheduler in virtual time: how many calls, how much right ghost text.

``python -m tests.quality.typing_eval`` prints the table. The traces are recorded edits of real files
(josephg/editing-traces, CC BY 4.0: see the first line of each file); gaps inside a burst are drawn from the real
milliseconds of json-crdt-patch. The model answers after 250 ms with 15 ms a token. At half of the places, chosen by a
hash, it says what the person really typed next; elsewhere a plausible line that is wrong. "Visible" counts ghost text
that an editor keeps while typing agrees with it; "right" is ghost text that begins with what was typed next.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import json
import re
import statistics
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.errors import RateLimited
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.circuit_breaker import CircuitBreaker
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import Outcome, Snapshot
from fim_lsp.schedule.scheduler import Scheduler
from fim_lsp.settings.schema import Settings
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.fakes.backend import Bare
from tests.virtual import now, run

TRACES = Path(__file__).parent / "traces"
URI = "file:///trace"
KEY = 60  # characters before the cursor that name a place
FIRST_TOKEN, PER_TOKEN = 0.25, 0.015  # seconds
WRONG = [
    "let result = self.compute(value);",
    "return Err(Error::new(index));",
    "if count > limit { break; }",
    "items.push(entry.clone());",
    "const total = values.reduce(add, 0)",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One edit, ``gap`` seconds after the one before; the cursor is at ``caret`` then."""

    gap: float
    changes: tuple[tuple[int, int, int, int, str], ...]
    caret: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Trace:
    """Steps on ``text``; after each, ``following`` is what was typed at the cursor next, ``keys`` names the place."""

    language: str
    text: str
    steps: tuple[Step, ...]
    keys: tuple[str, ...]
    following: tuple[str, ...]


def load(name: str, start: int = 0, count: int | None = None) -> Trace:
    """``count`` steps of a trace from ``start`` on."""
    head, *rows = (TRACES / f"{name}.jsonl").read_text("utf-8").split("\n")[:-1]
    info = json.loads(head)
    every = [Step(row[0] / 1000, tuple(map(tuple, row[1])), tuple(row[2])) for row in map(json.loads, rows)]
    document = Document(info["text"], Encoding.UTF16)
    for step in every[:start]:
        _apply(document, step)
    text = document.text()
    end = min(start + (count or info["edits"]), info["edits"])
    keys, following = [], []
    for number in range(start, end):
        _apply(document, every[number])
        keys.append(document.split(*every[number].caret, before=KEY * 4, after=0).prefix[-KEY:])
        following.append(_typed_next(every, number))
    return Trace(info["language"], text, tuple(every[start:end]), tuple(keys), tuple(following))


def _apply(document: Document, step: Step) -> None:
    for line, character, end_line, end_character, text in step.changes:
        document.replace((line, character), (end_line, end_character), text)


def _typed_next(steps: list[Step], number: int) -> str:
    typed, caret = "", steps[number].caret
    for step in steps[number + 1 :]:
        text = _typed(step, caret)
        if text is None or len(typed) > 240:
            break
        typed, caret = typed + text, step.caret
    return typed if typed.startswith("\n") else typed[:1] + typed[1:].split("\n")[0]


def _typed(step: Step, caret: tuple[int, int]) -> str | None:
    """What a step typed at ``caret``, and nothing else than that at other cursors; None if it did anything else."""
    places = {(tuple(change[:2]), tuple(change[2:4])) for change in step.changes}
    texts = {change[4] for change in step.changes}
    only_typed = len(texts) == 1 and all(start == end for start, end in places) and (caret, caret) in places
    return texts.pop() if only_typed else None


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S{1,4}|\s+", text) or [""]


@dataclass
class Model(Bare):
    """The model, with a quota of its own if ``limits`` are given: 429 as soon as a sliding minute is over them."""

    answers: dict[str, str]
    share: float = 0.5
    limits: Limits | None = None
    name: str = "codestral"
    host: str = "model.example"
    model: str = "m"
    calls: int = 0
    hung_up: int = 0
    refused: int = 0
    connections: int = 0
    _idle: int = 0
    _minute: collections.deque[tuple[float, int]] = field(default_factory=collections.deque)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.calls += 1
        self._idle, new = max(0, self._idle - 1), self._idle == 0
        self.connections += new
        charged = (len(prompt.prefix) + len(prompt.suffix)) // 3
        self._take(charged)
        done = False
        generated = 0
        try:
            await asyncio.sleep(FIRST_TOKEN)
            for token in _tokens(self._answer(prompt.prefix[-KEY:])):
                await asyncio.sleep(PER_TOKEN)
                generated += 1
                yield Chunk(text=token)
            done = True
            self._idle += 1
            yield Chunk(finish="stop", usage=Usage(prompt_tokens=charged, completion_tokens=generated))
        finally:
            self.hung_up += not done
            self._minute.append((now(), generated))

    async def close(self) -> None:
        return

    def _answer(self, key: str) -> str:
        known = self.answers.get(key)
        return known if known and _number("o" + key) % 1000 / 1000 < self.share else WRONG[_number(key) % len(WRONG)]

    def _take(self, tokens: int) -> None:
        while self._minute and self._minute[0][0] <= now() - 60:
            self._minute.popleft()
        if self.limits is not None:
            used = sum(entry for _, entry in self._minute)
            asked = sum(1 for _, entry in self._minute if entry > 100)
            if used + tokens > (self.limits.tokens or 1e9) or asked + 1 > (self.limits.requests or 1e9):
                self.refused += 1
                raise RateLimited("the quota is used up", host=self.host)
        self._minute.append((now(), tokens))


@dataclass(frozen=True, slots=True)
class Result:
    """Shares are of the edits; ``answered`` is the median time to an answer that a call brought, in seconds."""

    calls: float
    visible: float
    right: float
    answered: float
    connections: int
    hung_up: int
    refused: int
    in_order: bool


async def replay(trace: Trace, *, limits: Limits | None = None, share: float = 0.5) -> Result:
    """Type the trace as VS Code's client tells it: after each edit the request before is cancelled, and a new one made."""
    model = Model({key: text for key, text in zip(trace.keys, trace.following, strict=True) if text}, share, limits)
    limiter = Limiter(limits or Limits(), identity="trace", clock=now, jitter=lambda: 0.5)
    asker = BackendClient(backend=model, health=CircuitBreaker(now), limiter=limiter, estimator=Estimator())
    plan = FallbackChain(settings=Settings(), askers=(asker,), trouble=lambda *_: None, fine=lambda _: None)
    completer = Scheduler(plan, debounce=None, excluded=lambda _: False, clock=now)
    document = Document(trace.text, Encoding.UTF16)
    shown: list[str] = [""] * len(trace.steps)
    answered: list[float] = []
    answers: list[int] = []
    futures: list[asyncio.Future[Any]] = []
    for number, step in enumerate(trace.steps):
        await asyncio.sleep(step.gap)
        for index, (line, character, end_line, end_character, text) in enumerate(step.changes):
            edit = document.replace((line, character), (end_line, end_character), text)
            completer.edited(URI, edit, first=index == 0)
        if futures and not futures[-1].done():
            futures[-1].cancel()
        split = document.split(*step.caret, before=24_000, after=24_000)
        asked = now()
        snapshot = Snapshot(uri=URI, version=number, language=trace.language, path="", split=split)
        future = completer.ask(snapshot)
        futures.append(future)

        def note(done: asyncio.Future[Any], number: int = number, asked: float = asked) -> None:
            if done.cancelled():
                return
            answers.append(number)
            if number == len(futures) - 1 and (suggestion := done.result().suggestion):
                shown[number] = suggestion.text
                if done.result().reason is Outcome.CALL:
                    answered.append(now() - asked)

        future.add_done_callback(note)
    await asyncio.sleep(5)
    completer.close()
    await asyncio.sleep(0)
    visible, right = _kept(trace, shown)
    count = len(trace.steps)
    return Result(
        calls=model.calls / count,
        visible=visible / count,
        right=right / count,
        answered=statistics.median(answered or [0.0]),
        connections=model.connections,
        hung_up=model.hung_up,
        refused=model.refused,
        in_order=answers == sorted(set(answers)) and all(future.done() for future in futures),
    )


def _kept(trace: Trace, shown: list[str]) -> tuple[int, int]:
    """How often ghost text stands after an edit, and is right, where the editor keeps it while typing agrees."""
    visible = right = 0
    ghost, caret = "", (-1, -1)
    for step, text, following in zip(trace.steps, shown, trace.following, strict=True):
        typed = _typed(step, caret)
        agrees = typed is not None and ghost.startswith(typed) and len(ghost) > len(typed)
        ghost = ghost[len(typed or "") :] if agrees else ""
        ghost, caret = text or ghost, step.caret
        visible += bool(ghost)
        right += bool(ghost and following) and (
            ghost.startswith(following[:4].rstrip("\n") or "\0") or (len(ghost) < 4 and following.startswith(ghost))
        )
    return visible, right


WINDOWS = [("rustcode", start, 300) for start in range(0, 2400, 300)] + [
    ("json-crdt-patch", 0, 300),
    ("json-crdt-patch", 300, 300),
]


def table() -> str:
    rows = [
        "| trace | calls/edit | visible | right | answer p50 | connections | hung up |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, start, count in WINDOWS:
        result: Result = run(replay(load(name, start, count)))
        rows.append(
            f"| {name} {start}–{start + count - 1} | {result.calls:.3f} | {result.visible:.0%} | {result.right:.0%} "
            f"| {result.answered * 1000:.0f} ms | {result.connections} | {result.hung_up} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
