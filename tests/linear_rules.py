"""Which functions run on a text for each chunk or key, and how many steps they take when it grows.

The functions are found by inspecting the modules of ``MODULES``: all that are public and take a text. Their arguments are
made from their annotations (``MAKERS``), so a new rule is measured without being listed; one that takes something
unknown has to be added to ``MAKERS``, ``BY_HAND`` or, with a reason, to ``REACHED``. Regular expressions count as one step
here: ``tests/test_linear.py`` has theirs.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import fim_lsp
from fim_lsp.backends.backend import Chunk
from fim_lsp.backends.stop_filter import StopFilter
from fim_lsp.http.stream_decoders import LineDecoder, SseDecoder
from fim_lsp.ngram.lexer import lex_line
from fim_lsp.prompt.fim_templates import template_named
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.redaction.mask import mask
from fim_lsp.redaction.restore import Restorer
from fim_lsp.schedule.cache import CachedAnswer, SuggestionCache
from fim_lsp.suggest.bracket_scan import Scan, scan
from fim_lsp.suggest.cursor_context import CursorContext, Extent, cursor_context_at
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import Change, Document
from fim_lsp.text.positions import Encoding
from fim_lsp.workspace.setting_globs import SettingGlobs
from tests.interpreter_steps import steps

Call = Callable[[str, int], Callable[[], object]]
"""Prepares, for a unit and a size, what is to be counted."""

ROOMS = ("text", "prompt", "suggest", "redaction")
MODULES = ("ngram.lexer",)
SIZES = (1, 4, 16)
BASE = 32  # characters of a text of size 1
UNITS = (  # each stands for what some rule looks for
    "a", "f(", "}\n", '"', "\n", "```\n", "key = 'a1B2c3D4e5F6'\n", "-----BEGIN PRIVATE KEY-----\n", "\U0001f600", " ",
    "if a:\n\tb()\n", "def f():\n    return 1\n\n", "\r\n",
)  # fmt: skip

REACHED = {
    "Reading": "the rules of `end_rules` run in `end_of_block`",
    "Sequence[Cell]": "cells are joined to one window, `prompt.build` cuts it",
    "Iterable[Hashable]": "called by `without_overlap`",
    "Sequence[object]": "called by `difference`",
    "tuple[int, int]": "takes a position, no text",
    "Iterable[Span]": "called by `find_secrets`",
}

ONCE = {"suggest.wrappers.control_tokens": "compiles a pattern, once for a model"}


def text_of(unit: str, size: int) -> str:
    return (unit * (BASE * size // len(unit) + 1))[: BASE * size]


def split_of(unit: str, size: int) -> Split:
    text = text_of(unit, size)
    return Split(
        prefix=text, suffix=text, line=text.count("\n"), column=len(text) - text.rfind("\n") - 1, lines=2 * text.count("\n") + 1,
        at_start=True, at_end=True, line_end="\n",
    )  # fmt: skip


def context_of(unit: str, size: int) -> CursorContext:
    split = split_of(unit, size)
    if not split.line_suffix.strip():  # some rules run only where there is text to the right of the cursor
        split = dataclasses.replace(split, suffix=")" + split.suffix)
    return cursor_context_at(split, "python")


def scan_of(unit: str, size: int) -> Scan:
    return scan(text_of(unit, size), hash_comments=True)


MAKERS: dict[str, Callable[[str, int], Any]] = {
    "str": text_of,
    "str | None": text_of,
    "int": lambda unit, size: len(text_of(unit, size)) // 2,
    "line: int": lambda unit, size: text_of(unit, size).count("\n") // 2,
    "int | None": lambda _unit, _size: None,
    "float": lambda _unit, _size: 0.25,
    "bool": lambda _unit, _size: True,
    "bytes": lambda unit, size: text_of(unit, size).encode(),
    "Sequence[str]": lambda unit, size: text_of(unit, size).splitlines(keepends=True),
    "list[str]": lambda unit, size: text_of(unit, size).splitlines(keepends=True),
    "Iterable[str]": lambda unit, size: text_of(unit, size).splitlines(),
    "Split": split_of,
    "CursorContext": context_of,
    "Scan": scan_of,
    "Multiline": lambda _unit, _size: "always",
    "Extent": lambda _unit, _size: Extent.BLOCK,
    "Encoding": lambda _unit, _size: Encoding.UTF16,
    "Template": lambda _unit, _size: template_named("qwen"),
    "Prompt": lambda unit, size: Prompt(prefix=text_of(unit, size), suffix=text_of(unit, size)),
}


def _pieces(unit: str, size: int) -> list[str]:
    """As a reply arrives: one unit at a time, at most 16 characters."""
    text = text_of(unit, size)
    return [text[start : start + 16] for start in range(0, len(text), 16)]


def _document(unit: str, size: int) -> Callable[[], object]:
    document = Document(text_of(unit, size), Encoding.UTF16)
    changes = [Change(piece, ((0, 0), (0, 0))) for piece in _pieces(unit, size)]
    return lambda: [document.apply(change) for change in changes]


def _document_as_a_whole(unit: str, size: int) -> Callable[[], object]:
    document = Document(text_of(unit, size) + "x", Encoding.UTF16)
    return lambda: document.apply(Change(text_of(unit, size)))


def _decoder(kind: Callable[[], SseDecoder | LineDecoder]) -> Call:
    def ready(unit: str, size: int) -> Callable[[], object]:
        decoder = kind()
        return lambda: [decoder.feed(b"data: " + piece.encode()) for piece in _pieces(unit, size)] + [decoder.finish()]

    return ready


class _Reader:
    """What the stop filter reads from: every piece is text."""

    usage = None
    suffix_appended = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        yield Chunk(text=data.decode())

    def finish(self) -> Iterator[Chunk]:
        return iter(())


def _stop_filter(unit: str, size: int) -> Callable[[], object]:
    stopping = StopFilter(_Reader(), stops=(text_of(unit, size) + "\x01", "aab"), suffix=text_of(unit, size) + "\x02")  # type: ignore[arg-type]
    return lambda: [chunk for piece in _pieces(unit, size) for chunk in stopping.feed(piece.encode())]


def _restorer(unit: str, size: int) -> Callable[[], object]:
    secrets = {f"{unit}{number}": f"secret {number}" for number in range(size)}
    restorer = Restorer(secrets, {unit + "1": "secret"})
    return lambda: [*map(restorer.feed, _pieces(unit, size)), restorer.flush()]


def _mask(unit: str, size: int) -> Callable[[], object]:
    texts = (text_of(unit, size), text_of(unit, size))
    return lambda: mask(texts, key=b"key")


def _cache(unit: str, size: int) -> Callable[[], object]:
    """In texts a quarter as long, so that size 64 is as far as it looks back: a bound on the text would hide all growth."""
    text = text_of(unit, size)[: BASE // 4 * size]
    split = dataclasses.replace(split_of(unit, size), prefix=text, suffix=text)
    cache = SuggestionCache(lambda: 0.0)
    cache.put("another document", split, CachedAnswer(text=text, finish=None, suggestion=None))
    return lambda: cache.find("document", split)


def _globs(unit: str, size: int) -> Callable[[], object]:
    glob, path = text_of(unit, size), text_of(unit, size)
    return lambda: SettingGlobs([glob, "*.py", f"/{glob}"]).match(path, f"w/{path}", folder=False)


BY_HAND: dict[str, Call] = {
    "text.document.Document.apply: an edit for each piece": _document,
    "text.document.Document.apply: the whole text": _document_as_a_whole,
    "http.stream_decoders.SseDecoder": _decoder(SseDecoder),
    "http.stream_decoders.LineDecoder": _decoder(LineDecoder),
    "backends.stop_filter.StopFilter": _stop_filter,
    "redaction.restore.Restorer": _restorer,
    "redaction.mask.mask": _mask,
    "schedule.cache.SuggestionCache.find": _cache,
    "workspace.setting_globs.SettingGlobs": _globs,
    "ngram.lexer.lex_line: line by line": lambda unit, size: (
        lambda: [lex_line(line) for line in text_of(unit, size).split("\n")]
    ),
}
"""What is a class, or is called again and again: ready to be counted."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions that take a text, by name."""
    names = [
        module.name
        for room in ROOMS
        for module in pkgutil.iter_modules([f"{fim_lsp.__path__[0]}/{room}"], f"fim_lsp.{room}.")
    ]
    for module in (*names, *(f"fim_lsp.{name}" for name in MODULES)):
        for name, function in vars(importlib.import_module(module)).items():
            if inspect.isfunction(function) and function.__module__ == module and not name.startswith("_"):
                yield f"{module.removeprefix('fim_lsp.')}.{name}", function


def reason_not_to_measure(function: Callable[..., Any]) -> str:
    """Why a function is not measured by itself, or nothing. Raises KeyError for an argument that nothing is known of."""
    wanted = _annotations(function)
    if not {"str", "CursorContext", "Split", "Sequence[str]", "Iterable[str]", "Prompt"} & set(wanted):
        return next((REACHED[one] for one in wanted if one in REACHED), "it takes no text")
    if unknown := [one for one in wanted if one not in MAKERS]:
        return REACHED[unknown[0]]
    return ""


def _annotations(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [str(one.annotation) for one in parameters if one.default is inspect.Parameter.empty]


def _made(parameter: inspect.Parameter, unit: str, size: int) -> Any:
    """An argument; a name may mean more than its type: a line's number counts lines."""
    annotation = str(parameter.annotation)
    return MAKERS.get(f"{parameter.name}: {annotation}", MAKERS[annotation])(unit, size)


def _call_of(function: Callable[..., Any]) -> Call:
    parameters = inspect.signature(function).parameters.values()
    wanted = [one for one in parameters if one.default is inspect.Parameter.empty]

    def ready(unit: str, size: int) -> Callable[[], object]:
        given = [_made(one, unit, size) for one in wanted if one.kind is not one.KEYWORD_ONLY]
        named = {one.name: _made(one, unit, size) for one in wanted if one.kind is one.KEYWORD_ONLY}

        def call() -> object:
            found = function(*given, **named)
            return list(found) if isinstance(found, Iterator) else found

        return call

    return ready


def calls() -> dict[str, Call]:
    """Everything that is measured, by name."""
    measured = {name: _call_of(one) for name, one in functions() if set(_annotations(one)) <= set(MAKERS)}
    return {name: call for name, call in measured.items() if name not in ONCE} | BY_HAND


def counted(call: Call, unit: str, sizes: tuple[int, ...] = SIZES) -> list[int]:
    """The steps for each size. What is only done once, like filling a cache of compiled patterns, has been done before."""
    call(unit, 1)()
    return [steps(call(unit, size)) for size in sizes]
