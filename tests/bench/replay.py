"""One replay: recorded typing sent to one server, and what came of it."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.bench.backend import Backend, Call
from tests.bench.client import Answer, Client
from tests.bench.servers import Server
from tests.quality.recorded_typing import Trace

_SETTLE = 1.5  # seconds: what a server does by itself after its start, such as looking for its back end
_KEY_GAP = 0.12  # seconds between two keys that type a completion


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Figures of one replay; times in seconds, None where nothing was measured."""

    edits: int
    calls: int
    aborted: int
    tokens: int
    sent: int  # bytes
    connections: int
    visible: int
    right: int
    unanswered: int
    answer: float | None
    typed_through: float | None
    memory: int  # bytes
    cpu: float


@dataclass(frozen=True, slots=True)
class _Asked:
    at: float
    answer: asyncio.Task[Answer]


async def replay(
    start: Callable[[str], Server], trace: Trace, *, places: int = 12, pace: float = 1.0, backend: Backend | None = None
) -> Result:
    """Replay ``trace``, with gaps of ``pace`` times their length, then type completions at up to ``places`` places."""
    backend = backend or Backend(trace.model())
    with tempfile.TemporaryDirectory() as home:
        async with backend, Client(start(backend.url), Path(home)) as client:
            await asyncio.sleep(_SETTLE * pace)
            await client.open(f"replayed.{_extension(trace)}", trace.language, trace.text)
            asked = await _type(client, trace, pace)
            memory, cpu = _usage(client.pid)
            calls, connections = list(backend.calls), len(backend.callers)
            backend.model = trace.model(share=1)
            typed_through = [took async for took in _type_completions(client, trace, places, pace)]
    shown = [one.answer.result().texts if _in_time(asked, number) else () for number, one in enumerate(asked)]
    visible, right = trace.visible(texts[0] if texts else "" for texts in shown)
    return Result(
        edits=len(trace.steps),
        calls=len(calls),
        aborted=sum(call.aborted for call in calls),
        tokens=sum(call.tokens for call in calls),
        sent=sum(call.size for call in calls),
        connections=connections,
        visible=visible,
        right=right,
        unanswered=sum(one.answer.cancelled() or one.answer.exception() is not None for one in asked),
        answer=_median(
            [took for one, texts in zip(asked, shown, strict=True) if texts and (took := _took(one, calls))]
        ),
        typed_through=_median(typed_through),
        memory=memory,
        cpu=cpu,
    )


async def _type(client: Client, trace: Trace, pace: float) -> list[_Asked]:
    asked: list[_Asked] = []
    due = time.monotonic()
    for step in trace.steps:
        due = max(due + step.gap * pace, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        client.edit(step.changes)
        if asked:
            asked[-1].answer.cancel()
        asked.append(_Asked(time.monotonic(), client.ask(step.caret)))
    await asyncio.wait([one.answer for one in asked])
    return asked


async def _type_completions(client: Client, trace: Trace, places: int, pace: float) -> AsyncIterator[float]:
    """At some places, ask, and type five characters of the answer, asking after each: how long each answer took."""
    for number, (text, caret) in enumerate(_places(trace, places)):
        await client.open(f"place{number}.{_extension(trace)}", trace.language, text)
        await asyncio.sleep(pace / 2)
        texts = (await client.ask(caret)).texts
        for character in (texts[0][:-1][:5] if texts else "").partition("\n")[0]:
            await asyncio.sleep(_KEY_GAP * pace)
            client.edit([(*caret, *caret, character)])
            caret = (caret[0], caret[1] + 1)
            at = time.monotonic()
            yield (await client.ask(caret)).at - at


def _places(trace: Trace, count: int) -> Sequence[tuple[str, tuple[int, int]]]:
    """The document and the cursor at places where the person went on to type at least twelve characters."""
    document = Document(trace.text, Encoding.UTF16)
    found = []
    for step, following in zip(trace.steps, trace.following, strict=True):
        step.apply(document)
        if len(following) >= 12 and following.isascii() and "\n" not in following:
            found.append(("".join(document.lines), step.caret))
    return found[:: max(1, len(found) // max(count, 1))][:count]


def _in_time(asked: Sequence[_Asked], number: int) -> bool:
    """Whether the answer came before the next edit."""
    task = asked[number].answer
    if task.cancelled() or task.exception() is not None:
        return False
    return number + 1 == len(asked) or task.result().at <= asked[number + 1].at


def _took(asked: _Asked, calls: Sequence[Call]) -> float | None:
    """The time to an answer, if a call was made for it."""
    answered = asked.answer.result().at
    served = (asked.at <= call.arrived and (call.finished or answered + 1) <= answered + 0.002 for call in calls)
    return answered - asked.at if any(served) else None


def _usage(pid: int) -> tuple[int, float]:
    """Memory in bytes and CPU seconds of a process and its children."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(one.memory_info().rss for one in family), sum(sum(one.cpu_times()[:2]) for one in family)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _extension(trace: Trace) -> str:
    return {"rust": "rs", "markdown": "md"}[trace.language]
