"""The steps of a keystroke, each as a function without arguments that does it once; ``bench_keystroke.py`` takes the time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fim_lsp.lsp.transport import Connection
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import predict
from fim_lsp.prompt.build import WINDOW_CHARACTERS, build
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.schedule.cache import CachedAnswer, SuggestionCache
from fim_lsp.schedule.events import Place, RequestAnswered
from fim_lsp.schedule.request import Outcome
from fim_lsp.suggest.cursor_context import cursor_context_at
from fim_lsp.suggest.postprocess import shaped
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.lsp.raw_client import framed

Step = Callable[[], object]

_BODY = """def {a}_{n}({b}, {c}):
    total = {a}.compute({b}, scale={n})
    if not total:
        return {c}.default({n})
    return [{b} for {b} in total if {b} is not None]

"""
_REPLY = "total_of(items, scale=2)\n    if not found:\n        return None\n    return found\n\ndef next():\n    pass\n"
_WORDS = "alpha beta gamma delta item value node edge path name index count cache token place line".split()
_CACHED = 2_000
_LOADING = 600.0  # seconds


def source(lines: int) -> str:
    """Code of this many lines, always the same, without two equal functions."""
    chosen = random.Random(lines)
    text = "".join(
        _BODY.format(n=n, **dict(zip("abc", chosen.sample(_WORDS, 3), strict=True))) for n in range(lines // 6 + 1)
    )
    return "".join(text.splitlines(keepends=True)[:lines])


class _Nowhere:
    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """A whole server in this process with one document open, without a pipe. ``run`` does a step in its event loop."""

    connection: Connection
    runner: asyncio.Runner

    def run(self, step: Step) -> object:
        async def once() -> object:
            return step()

        return self.runner.run(once())


@contextmanager
def editor(text: str) -> Iterator[Editor]:
    """An editor whose back end is ngram."""
    with asyncio.Runner() as runner:

        async def opened() -> Connection:
            connection = Connection({"HOME": "/nonexistent"}, _Nowhere())
            options = {"backend": "ngram", "stats": False}
            params = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": options}
            for method, arguments, more in (
                ("initialize", params, {"id": 1}),
                ("initialized", {}, {}),
                ("textDocument/didOpen", {"textDocument": document}, {}),
            ):
                connection.receive(framed({"jsonrpc": "2.0", "method": method, "params": arguments, **more}))
                await asyncio.sleep(0)
            assert connection.server
            await connection.server.session._ngram.settled(_LOADING)
            return connection

        document = {"uri": "file:///demo.py", "languageId": "python", "version": 0, "text": text}
        connection = runner.run(opened())
        try:
            yield Editor(connection=connection, runner=runner)
        finally:
            runner.run(connection.close())


def did_change(editor: Editor, line: int) -> Step:
    """One key, from the bytes on the pipe on: decoded, applied, learnt by ngram, told to the scheduler."""
    change = {
        "range": {"start": {"line": line, "character": 4}, "end": {"line": line, "character": 4}},
        "text": "x",
    }
    document = {"uri": "file:///demo.py", "version": 1}
    message = framed({"jsonrpc": "2.0", "method": "textDocument/didChange",
                      "params": {"textDocument": document, "contentChanges": [change]}})  # fmt: skip

    def key() -> object:
        return editor.run(lambda: editor.connection.receive(message))

    return key


def events(editor: Editor) -> Step:
    """What a request leaves behind: one event for the status line, ``why``, the log and the statistics."""
    server = editor.connection.server
    assert server
    place = Place(path="demo.py", language="python", line=1, column=4)
    answered = RequestAnswered(request=1, at=0.0, place=place, explicit=False, outcome=Outcome.CACHE, backend="ngram")
    return lambda: server.session.events.publish(answered)


def split_step(text: str) -> Step:
    """The text around the cursor, in the middle of the document."""
    document = Document(text, Encoding.UTF16)
    middle = len(document.lines) // 2
    return lambda: document.split(middle, 4, before=WINDOW_CHARACTERS, after=WINDOW_CHARACTERS)


def _split(text: str) -> Split:
    split = split_step(text)()
    assert isinstance(split, Split)
    return split


def prompt(text: str) -> Step:
    """The prompt, in a window that has a place already."""
    split, windows = _split(text), StickyWindows()
    return lambda: build(
        split,
        budget=8_000,
        suffix_share=0.25,
        uri="u",
        path="demo.py",
        language="python",
        max_tokens=128,
        windows=windows,
    )


def trim(text: str) -> Step:
    """What is shown of an answer that goes on too long, with the look at the cursor's surroundings."""
    split = _split(text)
    return lambda: shaped(cursor_context_at(split, "python"), _REPLY, finished="stop", multiline="auto")


def cache_lookup(text: str) -> Step:
    """A miss in a cache that is full: every position back to where an answer may begin is looked at."""
    cache = SuggestionCache(lambda: 0.0)
    lines = text.splitlines(keepends=True)
    for number in range(min(len(lines), _CACHED)):
        split = Document(lines[number], Encoding.UTF16).split(0, 4, before=1_000, after=1_000)
        answer = CachedAnswer(text="x", finish="stop", suggestion=Suggestion(text="x"))
        cache.put("scope", split, answer)
    split = _split(text)
    return lambda: cache.find("scope", split)


STEPS: dict[str, Callable[[str], Step]] = {
    "split": split_step,
    "prompt": prompt,
    "trim": trim,
    "cache_lookup": cache_lookup,
}
"""The steps that need no server, by name."""


def learnt(tokens: int) -> NgramModel:
    """A model that has learnt at least this many tokens from one open document and files."""
    model = NgramModel()
    model.open("file:///demo.py", source(1_000).splitlines(keepends=True), folder="")
    number = 0
    while len(model) < tokens:
        lines = source(2_000 + number).splitlines(keepends=True)
        model.add_lines(f"file{number}.py", lines, folder="")
        number += 1
    return model


def ngram_lookup(model: NgramModel) -> Step:
    """A prediction in a line that has begun."""
    above = source(1_000).splitlines(keepends=True)
    prefix = "".join(above[:504]) + "    if no"
    return lambda: predict(model, "file:///demo.py", prefix, "\n" + "".join(above[504:520]))
