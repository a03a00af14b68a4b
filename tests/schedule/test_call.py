"""A long answer is not read again at every chunk, and the call ends when no more can be shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest

from fim_lsp.backends.backend import Chunk, OnSent, ignore_sent
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.call import MAX_CHARACTERS, Call, StreamedText
from fim_lsp.schedule.request import Outcome, Snapshot
from fim_lsp.suggest import postprocess
from tests.marked import context, split
from tests.schedule.script import Script, Typist, shown
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


@dataclass
class Pieces(Script):
    """Sends its text in pieces of four characters, without end: it starts over."""

    sent: int = 0

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        self.calls.append(prompt)
        self.started.append(now())
        text = self.text(prompt)
        while True:
            for at in range(0, len(text), 4):
                await asyncio.sleep(self.each)
                self.sent += 4
                yield Chunk(text=text[at : at + 4])


class Reads:
    """Counts the characters that are read to decide whether an answer is complete, and how often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.characters = self.looks = 0
        self._real = postprocess.is_complete
        monkeypatch.setattr(postprocess, "is_complete", self._enough)

    def _enough(self, context: Any, text: str, multiline: Any) -> bool:
        self.characters += len(text)
        self.looks += 1
        return self._real(context, text, multiline)


ANSWERS = {
    "one line": "".join(chr(97 + n * n % 23) + " " * (n % 7 == 0) for n in range(8000)),
    "one line of marks": "> ] `` ++ \"'<" * 700,
    "blank lines": "\n" * 8000,
    "short lines": "".join(f"a{n}\n" for n in range(2000)),
    "brackets": "}" * 8000,
    "tokens of the document": "<s>" * 3000,
}


@pytest.mark.parametrize("marked", ["x = ‸\n", "def f():\n    ‸\n", "<s> = (‸)\n"])
@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
async def test_characters_read_are_linear_in_the_answer(
    text: str, marked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Pieces(lambda _prompt: text, each=0.0001)
    typist = Typist(backend, marked)
    reads = Reads(monkeypatch)
    answer = await asyncio.wait_for(typist.ask(explicit=True), 5)
    assert answer.outcome in (Outcome.CALL, Outcome.EMPTY)
    assert backend.sent <= postprocess.MAX_READ + 400  # no more can be shown
    assert reads.characters <= 64 * backend.sent + 16_000
    typist.scheduler.close()
    await asyncio.sleep(0)


async def test_a_line_too_long_to_be_drawn_is_cut() -> None:
    backend = Pieces(lambda _prompt: ANSWERS["one line"], each=0.001)
    typist = Typist(backend, "x = ‸\n")
    text = shown(await typist.ask(explicit=True))
    assert text is not None
    assert postprocess.MAX_LENGTH - 2 <= len(text) <= postprocess.MAX_LENGTH
    assert ANSWERS["one line"].startswith(text)
    assert now() < 1.2
    await asyncio.sleep(60)
    assert backend.sent <= MAX_CHARACTERS  # what follows may be the next suggestion; it is not read for ever


def test_a_block_too_long_to_be_drawn_is_cut_at_a_line_end() -> None:
    lines = "".join(f"    call_{n}({'a' * 200})\n" for n in range(40))
    suggestion = postprocess.suggestion_from(
        context("def f():\n    ‸"), lines.lstrip(), finished=None, multiline="auto"
    )
    assert suggestion is not None
    assert len(suggestion.text) > postprocess.MAX_LENGTH - 300
    assert suggestion.text.endswith("aaa)")


def a_call(marked: str = "x = ‸\n") -> Call:
    place = split(marked)
    snapshot = Snapshot(uri="file:///a.py", language="python", path="", split=place, explicit=False)
    return Call(snapshot, chain=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["a\r\nb\rc\n\r\n\r\rd", "\r", "\n", "\r\n\r\n", "a"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_line_ends_are_the_documents_however_the_answer_is_split(text: str, size: int) -> None:
    call = a_call("x = ‸\r\ny\r\n")
    for at in range(0, len(text), size):
        call.add(Chunk(text=text[at : at + size]))
    assert call.text == "\r\n".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    call.add(Chunk(text="\nz", replaces_previous=True))
    assert call.text == "\r\nz"


def test_an_answer_of_the_usual_length_is_examined_at_every_chunk() -> None:
    call = a_call()
    for _ in range(125):
        call.add(Chunk(text="four"))
        assert call.take_examination()


def test_an_endless_answer_is_kept_in_part() -> None:
    call = a_call("‸\r\n")
    for _ in range(3 * MAX_CHARACTERS):
        call.add(Chunk(text="\n"))
    assert call.is_full
    assert len(call.text) <= MAX_CHARACTERS + 1


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_size_is_that_of_the_text(size: int) -> None:
    streamed, text = StreamedText(), "a\r\nb\rc\n\r"
    for at in range(0, len(text), size):
        streamed.add(text[at : at + size], "\r\n")
    assert streamed.size == len(str(streamed))
