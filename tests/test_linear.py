"""What every regular expression of the package costs grows with the text and not with its square.

All that are compiled at import, or by a cached function without parameters, are found by looking, so that a new one
is in the table without being put there. Each is run by a matcher that counts its steps (``tests/regex_steps.py``) over
texts made of its own parts, which is what makes a pattern go back, and over those below; at sizes 1, 4 and 16. A
repetition with an upper end may grow faster until it is reached: then sizes 16 and 64 must tell.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fim_lsp
from tests.regex_steps import Counter, TooMany, attacks

SIZE = 16  # characters: size 1
ALLOWED = 4 * 1.4  # steps of four times the size may be so many times as many
SPARE = 3_000  # and so many besides, for what ends at once in a short text
BY_HAND = ("\"'\\", "/*", "# ", "=/[", "-----END ", "key=", "<", "[", "`", "},", ": ", "\\'", "import ", "x = ")


def patterns_in(value: Any, depth: int = 4) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif hasattr(value, "cache_clear") and not inspect.signature(value).parameters:  # compiled at its first use
        yield from patterns_in(value(), depth)
    elif depth and isinstance(value, dict):
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
    """Names of patterns that are only ever tried at one place, by ``match`` or ``fullmatch``."""
    sources = "\n".join(path.read_text("utf-8") for path in Path(fim_lsp.__file__).parent.rglob("*.py"))
    return {
        name
        for name in PATTERNS
        if (own := name.rpartition(".")[2]).isidentifier()
        and (used := set(re.findall(rf"\b{own}\.(\w+)", sources)))
        and used <= {"match", "fullmatch"}
    }


def steps(pattern: re.Pattern[Any], before: str, unit: str, after: str, size: int, *, once: bool) -> int:
    counter = Counter(pattern)
    run = counter.begin if once else counter.spans
    run(before + unit * max(1, SIZE * size // len(unit)) + after)
    return counter.steps


def is_linear(pattern: re.Pattern[Any], before: str, unit: str, after: str, *, once: bool = False) -> bool:
    try:
        one, four, sixteen = (steps(pattern, before, unit, after, size, once=once) for size in (1, 4, 16))
        if four <= ALLOWED * one + SPARE and sixteen <= ALLOWED * four + SPARE:
            return True
        return steps(pattern, before, unit, after, 64, once=once) <= ALLOWED * sixteen + SPARE
    except TooMany:
        return False


# Where the source does not show it by a name of its own:
TRIED_AT_ONE_PLACE = {
    *("prompt.secret_blocks._PART", "prompt.secret_assignments._QUOTED", "prompt.secret_assignments._BARE"),
    *("suggest.rules._END", *(name for name in PATTERNS if ".SHAPES" in name)),
}
ANCHORED = anchored() | TRIED_AT_ONE_PLACE
BOUNDED = {
    "lsp.items._WORD": "searched for in 256 characters",
    "prompt.secret_assignments._TYPED": "searched for in an operator, which has some hundred characters at the most",
    "prompt.imports._LINE": "searched for in the first lines of a file, each cut to a length",
    "suggest.ends._BODILESS": "tried on lines of 300 characters at the most",
    "suggest.scan._WITH_LINES[1]": "has repetitions of 200 inside one another, too many to be followed here",
    "suggest.scan._WITHOUT_LINES[1]": "the same",
}


def test_they_are_found() -> None:
    assert len(PATTERNS) > 100
    assert {"suggest.framing._THOUGHT", "prompt.secret_blocks._MARKER", "backends.sse._LINE_END"} <= set(PATTERNS)


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
def test_the_counter_sees_what_is_slow(pattern: str, unit: str) -> None:
    assert not is_linear(re.compile(pattern), "", unit, "\x01")


@pytest.mark.parametrize("name", PATTERNS)
def test_the_counter_finds_what_re_finds(name: str) -> None:
    pattern = PATTERNS[name]
    for before, unit, after in [*attacks(pattern), ("", "a1 = 'b'\n", "")]:
        text = before + unit * 3 + after
        given: Any = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
        assert Counter(pattern).spans(text) == [found.span() for found in pattern.finditer(given)], text
