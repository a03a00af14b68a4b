"""Every regular expression of the package takes time linear in the length of the text, not quadratic.

The patterns are found by inspecting the modules: all that are compiled at import, or by a cached function without
parameters. Each is run by a matcher that counts its steps (``tests/regex_steps.py``), over texts made of the pattern's
own parts, which are what makes a pattern backtrack, and over those of ``BY_HAND``; at sizes 1, 4 and 16. A bounded
repetition may grow faster until its bound is reached: then sizes 16 and 64 decide.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import fim_lsp
from tests.regex_steps import Counter, TooMany, attacks

SIZE = 16  # characters of a text of size 1
MAX_GROWTH = 4 * 1.4  # of the number of steps, when the text is four times as long
SPARE_STEPS = 3_000  # allowed on top, because a match in a short text may end early
BY_HAND = ("\"'\\", "/*", "# ", "=/[", "-----END ", "key=", "<", "[", "`", "},", ": ", "\\'", "import ", "x = ")


def patterns_in(value: Any, depth: int = 4) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif hasattr(value, "cache_clear") and not inspect.signature(value).parameters:  # compiled on first use
        yield from patterns_in(value(), depth)
    elif depth and isinstance(value, Mapping):
        for one in value.values():
            yield from patterns_in(one, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from patterns_in(one, depth - 1)
    elif depth and dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from patterns_in(getattr(value, field.name, None), depth - 1)


def all_patterns() -> dict[str, re.Pattern[Any]]:
    found: dict[tuple[Any, int], str] = {}
    compiled: dict[str, re.Pattern[Any]] = {}
    for module in pkgutil.walk_packages(fim_lsp.__path__, "fim_lsp."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for number, pattern in enumerate(patterns_in(value)):
                key = (pattern.pattern, pattern.flags)
                if key not in found:
                    found[key] = f"{module.name.removeprefix('fim_lsp.')}.{name}" + (f"[{number}]" if number else "")
                    compiled[found[key]] = pattern
    return compiled


PATTERNS = all_patterns()


def anchored() -> set[str]:
    """The names of patterns that are only used with ``match`` or ``fullmatch``, that is, tried at one position."""
    used: dict[str, set[str]] = defaultdict(set)
    for path in Path(fim_lsp.__file__).parent.rglob("*.py"):
        for name, attribute in re.findall(r"\b([A-Za-z_]\w*)\.(\w+)", path.read_text("utf-8")):
            used[name].add(attribute)
    own = {name: used[name.rpartition(".")[2]] for name in PATTERNS}
    return {name for name, attributes in own.items() if attributes and attributes <= {"match", "fullmatch"}}


@functools.cache
def counter_of(pattern: re.Pattern[Any]) -> Counter:
    """Parsed once for all texts and sizes."""
    return Counter(pattern)


def steps(pattern: re.Pattern[Any], before: str, unit: str, after: str, size: int, *, once: bool) -> int:
    counter = counter_of(pattern)
    counter.steps = 0
    run = counter.begin if once else counter.spans
    run(before + unit * max(1, SIZE * size // len(unit)) + after)
    return counter.steps


def is_linear(pattern: re.Pattern[Any], before: str, unit: str, after: str, *, once: bool = False) -> bool:
    try:
        one, four, sixteen = (steps(pattern, before, unit, after, size, once=once) for size in (1, 4, 16))
        if four <= MAX_GROWTH * one + SPARE_STEPS and sixteen <= MAX_GROWTH * four + SPARE_STEPS:
            return True
        return steps(pattern, before, unit, after, 64, once=once) <= MAX_GROWTH * sixteen + SPARE_STEPS
    except TooMany:
        return False


# Anchored too, but the source does not call them by their own name:
ANCHORED_BY_ANOTHER_NAME = {
    "redaction.private_keys._PARTIAL_KEY_LINE",
    "redaction.assignments._QUOTED",
    "redaction.assignments._BARE",
    "migrate.literals.LUA[2]",
    "migrate.literals.VIM[2]",
    *(name for name in PATTERNS if ".TOKEN_PATTERNS" in name),
}
ANCHORED = anchored() | ANCHORED_BY_ANOTHER_NAME
TOO_NESTED = ("suggest.bracket_scan._WITH_LINES[1]", "suggest.bracket_scan._WITHOUT_LINES[1]")
BOUNDED = {
    "lsp.to_protocol._WORD": "searched for in 256 characters",
    "redaction.assignments._TYPE_ANNOTATION": "searched for in an operator, which has about a hundred characters at most",
    "context.import_parser._IMPORT": "searched for in the first lines of a file, each cut to a length",
    "suggest.end_rules._BODILESS": "tried on lines of up to 300 characters",
    **dict.fromkeys(TOO_NESTED, "its repetitions of 200 are bounded, and too many to follow here"),
}


def test_patterns_are_found() -> None:
    assert len(PATTERNS) > 100
    assert {"suggest.wrappers._THOUGHT", "redaction.private_keys._MARKER", "http.stream_decoders._SSE_LINE_END"} <= set(
        PATTERNS
    )


def test_the_exceptions_exist() -> None:
    assert ANCHORED_BY_ANOTHER_NAME | set(BOUNDED) <= set(PATTERNS)


@pytest.mark.parametrize("name", [name for name in PATTERNS if name not in BOUNDED])
def test_a_pattern_is_linear(name: str) -> None:
    pattern = PATTERNS[name]
    texts = [*attacks(pattern), *(("", unit, "\x01") for unit in BY_HAND)]
    once = name in ANCHORED
    slow = [text for text in texts if not is_linear(pattern, *text, once=once)]
    assert slow == []


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [(r"\S[^\n]*\n", "a"), (r"(?:a|a)*b", "a"), (r"#[^\n]*;", "#"), (r"[^A-Z]{0,40}=*[^A-Z]{0,80}Z", "=")],
)
def test_slow_patterns_are_recognized(pattern: str, unit: str) -> None:
    assert not is_linear(re.compile(pattern), "", unit, "\x01")


@pytest.mark.parametrize("name", [name for name in PATTERNS if name not in TOO_NESTED])
def test_the_counting_matcher_finds_what_re_finds(name: str) -> None:
    pattern = PATTERNS[name]
    for before, unit, after in [*attacks(pattern), ("", "a1 = 'b'\n", "")]:
        text = before + unit * 3 + after
        given: Any = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
        assert Counter(pattern).spans(text) == [found.span() for found in pattern.finditer(given)], text
