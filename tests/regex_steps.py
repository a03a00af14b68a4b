"""A matcher for Python's regular expressions that counts its steps.

``re`` does not report how often it backtracks. This matcher takes the same parse tree, tries the same alternatives in the
same order and finds the same matches (a test compares them), so its number of steps shows how the cost of a pattern
grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from re import _constants as c  # type: ignore[attr-defined]  # isort: skip
from re import _parser  # type: ignore[attr-defined]  # isort: skip

Test = Callable[[str], bool]
_WORD, _DIGIT, _SPACE = (lru_cache(None)(re.compile(one).match) for one in (r"\w", r"\d", r"\s"))


class TooMany(Exception):
    """The match took more steps than allowed."""


class Counter:
    """One compiled pattern, which may be run several times. ``steps`` is the total so far."""

    def __init__(self, pattern: re.Pattern[Any], *, most: int = 400_000) -> None:
        source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
        self._flags = pattern.flags
        self._tree = _parser.parse(source, pattern.flags & ~re.DEBUG)
        self._code: list[tuple[Any, ...]] = []
        self._emit(self._tree, self._code)
        self._code.append(("end",))
        self.steps, self.most = 0, most

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The spans that ``finditer`` finds."""
        found, at = [], 0
        while at <= len(text):
            end = self._run(self._code, text, at)
            if end is not None:
                found.append((at, end))
            at = end if end is not None and end > at else at + 1
        return found

    def begin(self, text: str) -> None:
        """Match at the start of the text, like ``match``."""
        self._run(self._code, text, 0)

    def _single(self, op: Any, argument: Any) -> Test | None:
        flags = self._flags
        if op is c.LITERAL or op is c.NOT_LITERAL:
            one = chr(argument)
            other = one.swapcase() if flags & re.IGNORECASE else one
            return (lambda x: x in (one, other)) if op is c.LITERAL else (lambda x: x not in (one, other))
        if op is c.ANY:
            return (lambda x: True) if flags & re.DOTALL else (lambda x: x != "\n")
        if op is c.IN:
            negate = argument[0][0] is c.NEGATE
            tests = [self._member(kind, what) for kind, what in argument if kind is not c.NEGATE]
            return lru_cache(None)(lambda x: any(test(x) for test in tests) != negate)
        return None

    def _member(self, kind: Any, what: Any) -> Test:
        if kind is c.LITERAL:
            return self._single(kind, what) or (lambda x: False)
        if kind is c.RANGE:
            low, high = what
            both = self._flags & re.IGNORECASE
            return lambda x: (
                low <= ord(x) <= high or bool(both and len(x.swapcase()) == 1 and low <= ord(x.swapcase()) <= high)
            )
        name = str(what)
        match = _WORD if "WORD" in name else _DIGIT if "DIGIT" in name else _SPACE
        ascii_only = bool(self._flags & re.ASCII) or not self._flags & re.UNICODE
        return lambda x: (bool(match(x)) and not (ascii_only and ord(x) > 127)) != ("NOT" in name)

    def _emit(self, tree: Any, code: list[tuple[Any, ...]]) -> None:
        for op, argument in tree:
            if (test := self._single(op, argument)) is not None:
                code.append(("one", test))
            elif op is c.SUBPATTERN:
                group, _, _, inside = argument
                code.append(("open", group))
                self._emit(inside, code)
                code.append(("close", group))
            elif op is c.BRANCH:
                self._branch(argument[1], code)
            elif op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
                self._repeat(op, *argument, code)
            elif op is c.ATOMIC_GROUP:
                code.append(("atomic", self._program(argument)))
            elif op in (c.ASSERT, c.ASSERT_NOT):
                direction, inside = argument
                back = inside.getwidth()[0] if direction < 0 else 0
                code.append(("look", self._program(inside), back, op is c.ASSERT))
            elif op is c.AT:
                code.append(("at", str(argument)))
            elif op is c.GROUPREF:
                code.append(("ref", argument))
            else:
                raise NotImplementedError(str(op))

    def _program(self, tree: Any) -> list[tuple[Any, ...]]:
        code: list[tuple[Any, ...]] = []
        self._emit(tree, code)
        return [*code, ("end",)]

    def _branch(self, ways: Any, code: list[tuple[Any, ...]]) -> None:
        ends = []
        for number, way in enumerate(ways):
            fork = len(code)
            last = number == len(ways) - 1
            if not last:
                code.append(())
            self._emit(way, code)
            if not last:
                ends.append(len(code))
                code.append(())
                code[fork] = ("fork", fork + 1, len(code))
        for end in ends:
            code[end] = ("jump", len(code))

    def _repeat(self, op: Any, least: int, most: int, inside: Any, code: list[tuple[Any, ...]]) -> None:
        if op is c.POSSESSIVE_REPEAT:
            program: list[tuple[Any, ...]] = []
            self._repeat(c.MAX_REPEAT, least, most, inside, program)
            code.append(("atomic", [*program, ("end",)]))
            return
        most = 1 << 30 if most is c.MAXREPEAT else most
        single = self._single(*inside[0]) if len(inside) == 1 else None
        if single is not None:
            code.append(("run", single, least, most, op is c.MAX_REPEAT))
            return
        for _ in range(least):
            self._emit(inside, code)
        if most == 1 << 30:
            start = len(code)
            code += [(), ("here",)]
            self._emit(inside, code)
            code.append(("again", start))
            after = len(code)
            code[start] = ("fork", start + 1, after) if op is c.MAX_REPEAT else ("fork", after, start + 1)
            return
        forks = []
        for _ in range(most - least):
            forks.append(len(code))
            code.append(())
            self._emit(inside, code)
        for fork in forks:
            code[fork] = ("fork", fork + 1, len(code)) if op is c.MAX_REPEAT else ("fork", len(code), fork + 1)

    def _run(self, code: list[tuple[Any, ...]], text: str, at: int, groups: Any = None) -> int | None:
        """The end of the match that starts at ``at``, or None."""
        stack: list[tuple[Any, ...]] = [(0, at, groups or {}, ())]
        while stack:
            self.steps += 1
            if self.steps > self.most:
                raise TooMany
            pc, at, groups, loops = stack.pop()
            while True:
                self.steps += 1
                op = code[pc]
                kind = op[0]
                if kind == "end":
                    return int(at)
                if kind == "one":
                    if at < len(text) and op[1](text[at]):
                        pc, at = pc + 1, at + 1
                        continue
                    break
                if kind == "run":
                    _, test, least, most, greedy = op
                    count = 0
                    limit = most if greedy else least
                    while count < limit and at + count < len(text) and test(text[at + count]):
                        count += 1
                        self.steps += 1
                    if count < least:
                        break
                    code_next = pc + 1
                    stack.append(("back", code_next, at, count, least, most, greedy, test, groups, loops))
                    break
                if kind == "fork":
                    stack.append((op[2], at, groups, loops))
                    pc = op[1]
                elif kind == "jump":
                    pc = op[1]
                elif kind == "here":
                    loops = (*loops, at)
                    pc += 1
                elif kind == "again":
                    *before, begun = loops
                    loops = tuple(before)
                    pc = pc + 1 if at == begun else op[1]
                elif kind == "open":
                    groups = {**groups, ("open", op[1]): at}
                    pc += 1
                elif kind == "close":
                    groups = {**groups, op[1]: text[groups[("open", op[1])] : at]}
                    pc += 1
                elif kind == "ref":
                    piece = groups.get(op[1])
                    if piece is None or not text.startswith(piece, at):
                        break
                    self.steps += len(piece)
                    pc, at = pc + 1, at + len(piece)
                elif kind == "atomic":
                    end = self._run(op[1], text, at, groups)
                    if end is None:
                        break
                    pc, at = pc + 1, end
                elif kind == "look":
                    _, program, back, wanted = op
                    found = self._run(program, text, at - back, groups) if at >= back else None
                    if (found is not None) != wanted:
                        break
                    pc += 1
                elif kind == "at":
                    if not self._at(op[1], text, at):
                        break
                    pc += 1
            while stack and stack[-1][0] == "back":
                _, follow, start, count, least, most, greedy, test, kept, nested = stack.pop()
                if greedy and count > least:
                    stack.append(("back", follow, start, count - 1, least, most, greedy, test, kept, nested))
                elif not greedy and count < most and start + count < len(text) and test(text[start + count]):
                    stack.append(("back", follow, start, count + 1, least, most, greedy, test, kept, nested))
                stack.append((follow, start + count, kept, nested))
        return None

    def _at(self, what: str, text: str, at: int) -> bool:
        if what == "AT_BEGINNING_STRING":
            return at == 0
        if what == "AT_BEGINNING":
            return at == 0 or bool(self._flags & re.MULTILINE and text[at - 1] == "\n")
        if what == "AT_END_STRING":
            return at == len(text)
        if what == "AT_END":
            last = at == len(text) or (at == len(text) - 1 and text[at] == "\n")
            return last or bool(self._flags & re.MULTILINE and text[at] == "\n")
        words = [bool(_WORD(one)) for one in (text[at - 1 : at], text[at : at + 1]) if one]
        boundary = (sum(words) == 1) if len(words) == 2 else words == [True]
        return boundary == (what == "AT_BOUNDARY")


def attacks(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Texts made of the pattern's own parts, as (before, unit, after): the unit is to be repeated."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = _parser.parse(source, pattern.flags & ~re.DEBUG)
    whole = _sample(tree)
    units = dict.fromkeys(
        [part for part in _parts(tree) if part] + [whole, whole[: len(whole) // 2], whole[:-1], " ", "\n", "a", "\\"]
    )
    for unit in [unit for unit in units if unit][:6]:
        for before, after in (("", "\x01"), (whole[: max(1, len(whole) // 2)], "\x01")):
            yield before, unit, after


def _parts(tree: Any) -> Iterator[str]:
    """A text for each repetition, branch and group, and for each sequence that ends with a repetition."""
    for at, (op, argument) in enumerate(tree):
        if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            yield _sample(argument[2])
            yield _sample(tree[: at + 1])
            yield from _parts(argument[2])
        elif op is c.SUBPATTERN:
            yield _sample(argument[3])
            yield from _parts(argument[3])
        elif op is c.BRANCH:
            for way in argument[1]:
                yield _sample(way)
                yield from _parts(way)
        elif op is c.ATOMIC_GROUP:
            yield from _parts(argument)
        elif op in (c.ASSERT, c.ASSERT_NOT):
            yield _sample(argument[1])


def _sample(tree: Any) -> str:
    """A text that the tree may match."""
    text = ""
    for op, argument in tree:
        if op is c.LITERAL:
            text += chr(argument)
        elif op is c.NOT_LITERAL or op is c.ANY:
            text += "x"
        elif op is c.IN:
            text += _member_of(argument)
        elif op is c.SUBPATTERN:
            text += _sample(argument[3])
        elif op is c.BRANCH:
            text += _sample(argument[1][0])
        elif op is c.ATOMIC_GROUP:
            text += _sample(argument)
        elif op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            text += _sample(argument[2]) * min(max(argument[0], 1), 40)
    return text


def _member_of(items: Any) -> str:
    if items[0][0] is c.NEGATE:
        return next(one for one in "a1 .-\n\"'{" if not any(_holds(item, one) for item in items[1:]))
    kind, what = items[0]
    if kind is c.LITERAL:
        return chr(what)
    return chr(what[0]) if kind is c.RANGE else {"W": "a", "D": "1", "S": " "}[str(what).split("_")[-1][0]]


def _holds(item: Any, one: str) -> bool:
    kind, what = item
    if kind is c.LITERAL:
        return what == ord(one)
    if kind is c.RANGE:
        return bool(what[0] <= ord(one) <= what[1])
    return {"W": one.isalnum(), "D": one.isdigit(), "S": one.isspace()}[str(what).split("_")[-1][0]]
