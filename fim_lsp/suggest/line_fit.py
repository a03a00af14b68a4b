"""How a suggestion and the rest of its line fit together: nothing is closed twice, and nothing is said twice.

What stands behind the cursor either stays, or gives way because the text has all of it; where neither fits, the text ends
before what would be closed a second time.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from fim_lsp.suggest.bracket_scan import scan, without_case_patterns
from fim_lsp.suggest.cursor_context import CLOSERS, CursorContext
from fim_lsp.suggest.overlap import drawable, without_overlap

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w")
_MOST_TOKENS = 200  # of a reply that are compared with the rest of the line
_TELLING = re.compile(r"[\"'`()\[\]{}<>;]")
_TAG = re.compile(
    r"<(?P<close>/)?(?P<name>[A-Za-z][\w.:-]{0,64}+)"
    r"(?:[^<>\"'{}/]{1,64}+|/(?!>)|\"[^\"]{0,200}+\"|'[^']{0,200}+'|\{[^{}]{0,200}+\}){0,32}+(?P<empty>/)?>"
)
_IN_TAG = re.compile(r"<[A-Za-z][\w.:-]*(?:[^<>\"'{}]|\"[^\"]*\"|'[^']*'|\{[^{}]*\})*\Z")
_TAG_END = re.compile(r"(?:[^<>\"'{}/]|/(?!>)|\"[^\"]*\"|'[^']*'|\{[^{}]*\})*?(?P<end>/?>)")
_GROUPS: Final = MappingProxyType({"(": ")", "[": "]", "{": "}"})
_MOST = 2000  # characters in front of the cursor, on its line, in which an open tag is looked for


def fitted(place: CursorContext, text: str) -> tuple[str, int]:
    """What is inserted, ``""`` for nothing, and how many characters behind the cursor give way to it."""
    if not place.behind:
        return _without_surplus(place, text), 0
    if place.tagged and "<" in place.behind and not text.endswith(place.behind) and covers(place.behind, text):
        return text, len(place.behind)
    if (cut := _before_the_rest(place, text)) is not None:
        return cut, 0
    rest = without_overlap(place, text)
    if not rest.strip():
        return "", 0
    if len(place.inside) == 1:
        return _in_string(place, rest)
    if again := text[len(rest) :].strip():
        surplus = len(_closers(place, text)) - place.missing
        if surplus <= len(_closers(place, again)):
            return rest, 0
    return (_in_tag(place, text) if place.tagged else None) or _beside(place, text, 0, 0)


def _before_the_rest(place: CursorContext, text: str) -> str | None:
    """What comes before the rest of the line where a text says that again, with changed words; ``None`` if it doesn't."""
    behind = place.behind
    if "\n" in text or place.tagged or place.text:
        return None
    if text.endswith(behind) and _is_balanced(place, text[: -len(behind)]) and _closes_its_line(place):
        return text[: -len(behind)]
    if covers(behind, text):
        return None
    there = _TOKEN.findall(behind)
    if place.inside or place.fresh or not _WORD.search(behind) or len(there) < 2:
        return None
    within_word = bool(re.fullmatch(r"\w\w", place.before[-1:] + behind[0]))
    if _TELLING.search(behind) and drawable(behind, text) and not within_word:
        return None
    own = list(_TOKEN.finditer(text))
    best, start = 1, -1
    for number, token in enumerate(own[:_MOST_TOKENS]):
        same = _same_tokens([one.group() for one in own[number:]], there, within_word=within_word and not number)
        ended_alike = own[-1].group() == there[-1] and own[-1] != token and not within_word
        telling = same > 1 or (same == 1 and _WORD.match(there[0]) and ended_alike)
        at = token.end() - len(there[0])
        if telling and same + (best == 1) > best and at and _is_balanced(place, text[:at]):
            best, start = same, at
    if start < 0:
        return None
    return text[:start].rstrip() if behind[0] in " \t" else text[:start]


def _same_tokens(own: list[str], there: list[str], *, within_word: bool) -> int:
    """How many tokens two lists begin with alike; ``within_word``, the first may be the end of a word."""
    if within_word and own[0].endswith(there[0]):
        own = [there[0], *own[1:]]
    same = next((n for n, (a, b) in enumerate(zip(own, there, strict=False)) if a != b), min(len(own), len(there)))
    operator = own[-1] == there[-1] and not any(map(_TELLING.match, there[:2]))
    return same if operator or any(map(_WORD.match, there[:same])) else 0


def _is_balanced(place: CursorContext, text: str) -> bool:
    """Whether a text closes no more brackets than it opens, and the other way round, and leaves no string open."""
    read = scan(place.inside + text if len(place.inside) == 1 else text, hashes=place.hashes, by_line=False)
    quotes = all((place.inside + text).count(quote) % 2 == 0 for quote in '"`')
    return not read.closers and not read.openers and quotes


def _closes_its_line(place: CursorContext) -> bool:
    """Whether what stands after the cursor closes all brackets that are open before it on its line, and no other."""
    line = place.before[: -len(place.inside)] if place.inside and place.before.endswith(place.inside) else place.before
    opened = len(scan(line[-_MOST:], hashes=place.hashes, by_line=False).openers)
    return 0 < opened == len(scan(place.behind, hashes=place.hashes, by_line=False).closers)


def _without_surplus(place: CursorContext, text: str) -> str:
    """Without what comes behind a bracket that closes nothing."""
    if place.prose or place.text:
        return text
    if not place.bracketed:
        alone = place.known and place.coded and re.fullmatch(r"[\s)\]};,]+", text) and text.strip(" \t\n;,")
        return "" if alone else text
    closers = _closers(place, text)
    inline = min(
        _begun(place.before, hashes=place.hashes), sum(at < len(text.partition("\n")[0]) for at in closers)
    )  # of a block on one line
    allowed = max(place.missing, inline, place.open_to_the_end)
    return text[: closers[allowed]].rstrip() if len(closers) > allowed else text


def _begun(before: str, *, hashes: bool) -> int:
    """How many braces a line leaves open that are not at its end."""
    line = before.rstrip()[-_MOST:]
    openers = scan(line, hashes=hashes, by_line=False).openers if "{" in line else ()
    return sum(line[at] == "{" and at < len(line) - 1 for at in openers)


def _in_string(place: CursorContext, text: str) -> tuple[str, int]:
    """The same where the cursor is in a string: the quote that an editor has paired gives way to the text's own."""
    quote, behind = place.inside, place.behind
    ends, stops = _ends(text, quote), _ends(behind, quote)
    if not ends or len(ends) % 2 == 0:  # it goes on where it ends
        return text, 0
    return _beside(place, text, ends[0] + 1, stops[0] + 1 if stops else 0)


def _closers(place: CursorContext, text: str) -> tuple[int, ...]:
    """Where it closes a bracket that it has not opened; one that is opened again counts where it is closed for good."""
    plain = without_case_patterns(text, place.language)
    return scan(plain, hashes=place.hashes, by_line=False, reopening=True).closers


def _ends(text: str, quote: str) -> list[int]:
    """Where an unescaped quote is."""
    return [found.start() for found in re.finditer(r"\\.|(?P<end>" + quote + ")", text, re.DOTALL) if found["end"]]


def _beside(place: CursorContext, text: str, start: int, least: int) -> tuple[str, int]:
    """The same where ``text[start:]`` and what comes ``least`` characters behind the cursor are code."""
    behind = place.behind
    own = [start + at for at in _closers(place, text[start:])]
    there = scan(behind[least:], hashes=place.hashes, by_line=False)
    surplus = max(0, len(own) - place.missing)
    spent = _closed_there(text[start:], behind[least:], hashes=place.hashes) if surplus else 0
    if surplus > len(there.closers):
        fitting = len(own) - surplus + len(there.closers)
        text, own = text[: own[fitting]].rstrip(), own[:fitting]
        surplus = len(there.closers)
    gone = least + (there.closers[surplus - spent - 1] + 1 if surplus > spent else 0)
    if surplus >= len(there.closers) and covers(behind, text):
        return text, len(behind)
    if not gone:
        return _said_otherwise(place, text), 0
    if (not behind[gone:].strip() or CLOSERS.fullmatch(behind[gone:])) and drawable(behind[:gone], text):
        return text, gone
    cut = text[: start - 1] if start else text[: own[len(own) - surplus]]
    return _unglued(place, _said_otherwise(place, cut)), 0


def _closed_there(text: str, behind: str, *, hashes: bool) -> int:
    """How many brackets that a text leaves open are closed by what stands behind the cursor."""
    openers = [_GROUPS[text[at]] for at in reversed(scan(text, hashes=hashes, by_line=False).openers)]
    closers = [behind[at] for at in scan(behind, hashes=hashes, by_line=False).closers]
    return next(
        (n for n, (a, b) in enumerate(zip(openers, closers, strict=False)) if a != b), min(len(openers), len(closers))
    )


def covers(behind: str, text: str) -> bool:
    """Whether a text says all of the line's rest again, word by word and with more between, up to the same end."""
    there, own = _TOKEN.findall(behind), _TOKEN.findall(text)
    if not own or there[-1:] != own[-1:] or not (len(there) > 1 and _TELLING.search(behind)):
        return False
    rest = iter(own)
    return all(one in rest for one in there) and drawable(behind.rstrip(), text.rstrip()) and drawable(behind, text)


def _said_otherwise(place: CursorContext, text: str) -> str:
    """Not a call or a statement in front of the one that stands there already."""
    behind = place.behind
    if not text.strip():
        return ""
    if text.rstrip().endswith(";") and re.search(r"\w", text) and re.search(r"\w", behind[: behind.rfind(";") + 1]):
        return text if place.before.rstrip().endswith((";", "{", "}")) or "\n" in text else ""
    start = text.find(behind[0]) if behind[0] in _GROUPS and re.match(r"[\w.]", text) else -1
    whole = start > 0 and "\n" not in text and text.rstrip(" ;").endswith(_GROUPS[behind[0]])
    return text[:start] if whole and re.fullmatch(r"[\w.]+", text[:start]) else text


def _unglued(place: CursorContext, text: str) -> str:
    """Nothing where a word would be joined to the one behind the cursor."""
    joined = re.fullmatch(r"\w\w", text[-1:] + place.behind[:1]) and not re.fullmatch(r"\w", place.before[-1:])
    return "" if joined else text


def _in_tag(place: CursorContext, text: str) -> tuple[str, int] | None:
    """The same beside tags, ``None`` where none is closed: what ends one comes once."""
    behind = place.behind
    if _IN_TAG.search(place.before[-_MOST:]):
        own, there = _TAG_END.match(text), _TAG_END.match(behind)
        if own is None or there is None:
            return None
        if covers(behind, text):
            return text, len(behind)
        trivial = not behind[there.end() :].strip(" \t)}];,")
        if trivial and drawable(behind[: there.end()], text):
            return text, there.end()
        return text[: own.start("end")], 0
    closing = _outer_tag(text)
    if closing is None or f"</{closing['name']}" not in behind:
        return None
    return text[: closing.start()], 0


def _outer_tag(text: str) -> re.Match[str] | None:
    """The first closing tag that the text has not opened."""
    depth = 0
    for tag in _TAG.finditer(text):
        if tag["close"] and not depth:
            return tag
        depth += -1 if tag["close"] else 0 if tag["empty"] else 1
    return None
