"""Typing for hours: recorded traces one after the other, while fifty other documents are opened and closed."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.quality.recorded_typing import Model, Step, Trace, load
from tests.soak.editor import Answer, Editor

DOCUMENTS = 50
DATA = Path(__file__).parents[1] / "quality" / "data"
_PAUSE = 0.4  # seconds in a recording after which an answer is waited for in compressed time
_EVERY = 20  # edits from one ping, and from one change of the open documents, to the next


@dataclass(slots=True)
class Typed:
    """What was typed so far, and the latencies in seconds since :meth:`drain`."""

    edits: int = 0
    asked: int = 0
    shown: int = 0
    answers: list[float] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)

    def drain(self) -> tuple[list[float], list[float]]:
        taken = self.answers, self.pings
        self.answers, self.pings = [], []
        return taken

    def on_answer(self, done: asyncio.Task[Answer]) -> None:
        if not done.cancelled() and done.exception() is None and done.result().texts:
            self.shown += 1
            self.answers.append(done.result().took)


def traces() -> list[Trace]:
    return [load("rustcode"), load("json-crdt-patch")]


def model(recordings: Sequence[Trace]) -> Model:
    """A model that knows all of them, and is right at half of the places."""
    return Model({key: text for trace in recordings for key, text in trace.model().answers.items()}, 0.5)


async def type_for_hours(
    editor: Editor,
    folder: Path,
    recordings: Sequence[Trace],
    typed: Typed,
    *,
    pace: float,
    goes_on: Callable[[], bool],
    after_edit: Callable[[], Awaitable[None]],
) -> None:
    """Type the recordings, with gaps of ``pace`` times their length, again and again while ``goes_on``."""
    others = _Others(editor, folder)
    for number in itertools.count():
        trace = recordings[number % len(recordings)]
        uri = (folder / f"typed{number % 7}.{'rs' if trace.language == 'rust' else 'md'}").as_uri()
        editor.open(uri, trace.language, trace.text)
        before: asyncio.Task[Answer] | None = None
        for step in trace.steps:
            if not goes_on():
                break
            before = await _type(editor, uri, step, before, typed, pace)
            if typed.edits % _EVERY == 0:
                others.change()
                typed.pings.append(await editor.ping())
            await after_edit()
        if before:
            await asyncio.wait([before])
        editor.close(uri)
        if not goes_on():
            others.close_all()
            return


async def _type(
    editor: Editor, uri: str, step: Step, before: asyncio.Task[Answer] | None, typed: Typed, pace: float
) -> asyncio.Task[Answer]:
    if pace:
        await asyncio.sleep(step.gap * pace)
    elif before and step.gap > _PAUSE:
        await asyncio.wait([before])
    editor.edit(uri, step)
    if before:
        before.cancel()
    asked = editor.ask(uri, step.caret)
    asked.add_done_callback(typed.on_answer)
    await asyncio.sleep(0)
    typed.edits += 1
    typed.asked += 1
    return asked


class _Others:
    """Fifty documents: one after the other is opened until all are, then closed. Every tenth time all at once."""

    def __init__(self, editor: Editor, folder: Path) -> None:
        self._editor = editor
        texts = [file.read_text("utf-8") for file in sorted(DATA.rglob("*.txt"))]
        self._texts = {
            (folder / f"other{number}.py").as_uri(): text
            for number, text in zip(range(DOCUMENTS), itertools.cycle(texts), strict=False)
        }
        self._open: list[str] = []
        self._next: Iterator[str] = itertools.cycle(self._texts)
        self._count = 0

    def change(self) -> None:
        self._count += 1
        if self._count % 10 == 0:
            self.close_all()
            for uri in self._texts:
                self._show(uri)
        elif len(self._open) < DOCUMENTS:
            self._show(next(uri for uri in self._next if uri not in self._open))
        else:
            for uri in self._open[: DOCUMENTS // 2]:
                self._editor.close(uri)
            del self._open[: DOCUMENTS // 2]

    def _show(self, uri: str) -> None:
        self._open.append(uri)
        self._editor.open(uri, "python", self._texts[uri])

    def close_all(self) -> None:
        for uri in self._open:
            self._editor.close(uri)
        self._open.clear()


def clock() -> Callable[[], float]:
    """Seconds since now."""
    began = time.monotonic()
    return lambda: time.monotonic() - began
