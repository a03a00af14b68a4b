"""What the text round the cursor says about what belongs there."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final, Literal

from fim_lsp.suggest.bracket_scan import Scan, comments_with_hashes, open_quote, scan, without_case_patterns
from fim_lsp.suggest.languages import MARKUP, TEXT, WITH_HASHES, WITH_SLASHES
from fim_lsp.text.cursor import Split

Multiline = Literal["auto", "always", "never"]

CLOSERS = re.compile(r"[\s)\]}>\"'`;:,]*")
"""What editors put behind the cursor by themselves, and what ends a statement."""

GOES_ON = re.compile(r"[\s})\]]*(else|elif|elsif|elseif|except|catch|finally|rescue|ensure|case|default|when)\b")
"""A line that goes on with the block of a line above it that is indented as far."""

_BEFORE, _AFTER = 4000, 2000  # characters that are looked at on both sides: enough for the blocks round the cursor
_NEAR = 6  # lines that are compared on both sides
_TAB = 4  # columns, where a tab and blanks must be compared

_CODE = re.compile(r"[;{})][ \t]*$", re.MULTILINE)
_PAIRS: Final = MappingProxyType({"(": ")", "[": "]", "{": "}"})
_OPENER = re.compile(r"(?:[{(\[:]|=>|->|\b(?:do|then|else|begin|try))$")
_CLOSING = re.compile(r"\s*(?:[)\]}>]|end\b|fi\b|done\b|esac\b)")
_COMMENT = re.compile(r"(?:^|\s)(?:\#(?!\[)|//)")
_DEFINITION = re.compile(
    r"(?:@\w|\#\[|/\*\*|(?:export |default |pub(?:\(\w+\))? |public |private |protected |static |abstract |async |const )*"
    r"(?:def|class|fn|func|fun|function|interface|struct|enum|impl|trait|module|namespace|type) |(?:public|private|protected) "
    r"|if __name__|import |export |from \S+ import |use |package |\#include"
    r"|static |extern |typedef |template\b|macro_rules!)"
)


class Extent(enum.Enum):
    """How much may be shown at a cursor."""

    LINE = enum.auto()  # the rest of the line
    STATEMENT = enum.auto()  # the rest of the line, with the block or the brackets that it opens
    BLOCK = enum.auto()  # all that belongs to the block at the cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorContext:
    """A cursor's surroundings. Lines in ``above`` (the nearest last) and ``below`` are not blank, and end without blanks.

    ``below`` starts with what is behind the cursor if nothing is before it. ``heads`` are the lines that the cursor's is
    indented under. ``missing`` is how many brackets are open at the cursor and closed nowhere, ``short`` how many behind
    it, on its line, close what is yet to be opened; ``bracketed`` says that some are open or closed round it. ``inside``
    is the quote that is open at the cursor. ``indent`` is one level of the file's indentation, ``spaced`` whether lines
    are indented with blanks. ``near`` is all the text that was looked at, and ``coded`` says that it reads like code.
    ``measured``: the file's own lines show its level of indentation. ``closed`` is how many brackets the rest of the line
    closes without opening them, ``known`` that all of the document before the cursor was looked at. ``language`` is the
    editor's id, ``""`` if unknown; ``control`` finds the models' control tokens, ``None`` the usual ones.
    ``runs_on``: a string of several lines is open at the cursor, and nothing below closes it. ``open_to_the_end`` brackets
    are open up to the document's end, if that was looked at.
    """

    split: Split
    before: str
    behind: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    heads: tuple[str, ...]
    column: int
    missing: int
    bracketed: bool
    hashes: bool
    inside: str
    short: int
    indent: str
    spaced: bool
    near: str
    coded: bool
    measured: bool
    closed: int
    known: bool
    language: str
    control: re.Pattern[str] | None
    runs_on: bool
    open_to_the_end: int

    @property
    def fresh(self) -> bool:
        """Whether nothing but indentation is before the cursor on its line."""
        return not self.before.strip()

    @property
    def prose(self) -> bool:
        """Whether sentences may stand here: in a string or a comment."""
        commented = self.before.lstrip().startswith(("#", "//", "/*", "*", "--", "<!--"))
        return bool(self.inside or commented or comment_at(self.before) is not None)

    @property
    def text(self) -> bool:
        """Whether the document is made of sentences."""
        return self.language in TEXT

    @property
    def tagged(self) -> bool:
        """Whether the document may have tags."""
        return self.language in MARKUP or (self.text and self.language != "latex")

    @property
    def opened(self) -> bool:
        """Whether the line above, or the one that the cursor is at the end of, opens a block."""
        return opens(self.before) if not self.fresh else bool(self.above) and opens(self.above[-1])


def wants_lines(split: Split, multiline: Multiline, language: str = "") -> bool:
    """Whether a suggestion here may be a block of several lines."""
    return extent_of(split, multiline, language) is Extent.BLOCK


def extent_of(split: Split, multiline: Multiline, language: str = "") -> Extent:
    """How much may be shown here. What ends the document's last line doesn't matter.

    By itself (``auto``) a block: at the start of a line, empty so far or at its very beginning, and behind what opens a
    block or a bracket. At the end of a line, or in front of closing characters, a statement. Never more than the line
    where there is code on both sides, or inside a line of prose.
    """
    if multiline != "auto":
        return Extent.BLOCK if multiline == "always" else Extent.LINE
    before, behind = split.line_prefix, split.line_suffix.strip()
    if not before.strip():
        return Extent.BLOCK if not before or not behind or CLOSERS.fullmatch(behind) else Extent.LINE
    if language in TEXT:
        return Extent.LINE
    if behind:
        if not CLOSERS.fullmatch(behind):
            return Extent.LINE
        return Extent.BLOCK if before.rstrip().endswith("{") else Extent.STATEMENT
    return Extent.BLOCK if opens(before) else Extent.STATEMENT


def opens(line: str) -> bool:
    """Whether a line ends in what opens a block or a bracket, a comment behind it aside."""
    return bool(_OPENER.search(line[: comment_at(line)].rstrip()))


def comment_at(line: str) -> int | None:
    """Where the comment at the end of a line begins, with the blank before it; ``None`` if there is none.

    What has quotes behind it is none: it may be in a string.
    """
    found = _COMMENT.search(line, max(map(line.rfind, "\"'`\n")) + 1)
    return found.start() if found else None


def defines(line: str) -> bool:
    """Whether a line starts a definition, or brings one in, in one of the languages that say so with a word."""
    return bool(_DEFINITION.match(line.lstrip()))


def closes(line: str) -> bool:
    """Whether a line begins with what closes a block or a bracket."""
    return bool(_CLOSING.match(line))


def width(line: str) -> int:
    """How many columns a line is indented by."""
    blanks = len(line) - len(line.lstrip(" "))
    return len(indentation(line).expandtabs(_TAB)) if line[blanks : blanks + 1] == "\t" else blanks


def indentation(line: str) -> str:
    """The blanks that a line starts with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def cursor_context_at(split: Split, language: str = "", control: re.Pattern[str] | None = None) -> CursorContext:
    """The surroundings of a cursor. A stream needs the same ones for every chunk: compute them once."""
    before, behind = split.line_prefix, split.line_suffix.rstrip()
    head = _plain(split.prefix[: len(split.prefix) - len(before)][-_BEFORE:])
    tail = _plain(split.suffix[len(split.line_suffix) :][:_AFTER])
    above = [line.rstrip() for line in head.split("\n") if line.strip()]
    below = [line.rstrip() for line in tail.split("\n")[1:] if line.strip()]
    lines = [*above, before + behind, *below] if before + behind else [*above, *below]
    near = f"{head}{before}{split.line_suffix}{tail}"
    hashes = language in WITH_HASHES or (language not in WITH_SLASHES and comments_with_hashes(near))
    inside = _open_quote(split)
    if split.prefix[: len(split.prefix) - len(head) - len(before)].count('"""') % 2:
        head = head.partition('"""')[2]
    front = scan(without_case_patterns(head + before, language), hashes=hashes, by_line=False)
    back = scan(without_case_patterns(behind + tail, language), hashes=hashes, inside=inside, by_line=False)
    missing = _missing(head + before, front, behind + tail, back)
    if not before.strip() and behind.strip():
        below.insert(0, before + behind)
    indent, measured = _indent(lines)
    return CursorContext(
        split=split,
        before=before,
        behind=behind,
        above=tuple(above[-_NEAR:]),
        below=tuple(below[:_NEAR]),
        heads=_heads([*above, before] if before.strip() else above, width(before)),
        column=width(before),
        missing=missing,
        short=_short(head + before, front, behind, back),
        bracketed=bool(front.openers or back.closers),
        hashes=hashes,
        inside=inside,
        indent=indent,
        spaced=any(line[0] == " " for line in lines),
        near=near,
        coded=hashes or bool(_CODE.search(near)),
        measured=measured,
        closed=sum(position < len(behind) for position in back.closers),
        known=split.at_start and len(split.prefix) - len(before) <= _BEFORE,
        language=language,
        control=control,
        open_to_the_end=max(0, len(front.openers) - len(back.closers))
        if split.at_end and len(split.suffix) <= _AFTER
        else 0,
        runs_on=len(inside) == 3 and f"{split.line_suffix}{tail}".count(inside) % 2 == 0,
    )


def _open_quote(split: Split) -> str:
    """The quote that the cursor is inside of; a long string must also end, unless all that is before it is known."""
    for quote in ('"""', "'''"):
        if split.prefix.count(quote) % 2 and (split.at_start or split.suffix.count(quote) % 2):
            return quote
    return open_quote(split.line_prefix)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _missing(head: str, front: Scan, tail: str, back: Scan) -> int:
    """How many brackets are open before the cursor that nothing behind it closes.

    The window may end before the closing ones come: a bracket is taken for closed where what follows is indented
    deeper than its line, and where the first one that is closed is of its kind, on a line indented at least as deep.
    """
    first = tail.find("\n") if "\n" in tail else len(tail)
    here = sum(position < first for position in back.closers)
    openers = front.openers[: len(front.openers) - here]
    closer = next(iter(back.closers[here:]), None)
    following = next((width(line) for line in tail[first:].split("\n") if line.strip()), 0)
    missing = 0
    for position in reversed(openers):
        column, bracket = width(_line_at(head, position)), head[position]
        if closer is not None:
            closed = _PAIRS[bracket] == tail[closer] and width(_line_at(tail, closer)) >= column
        else:
            closed = bracket == "{" and following > column
        if closed:
            break
        missing += 1
    return missing


def _short(head: str, front: Scan, behind: str, back: Scan) -> int:
    closers = [behind[position] for position in back.closers if position < len(behind)]
    openers = [_PAIRS[head[position]] for position in reversed(front.openers)]
    fitting = next((n for n, (a, b) in enumerate(zip(closers, openers, strict=False)) if a != b), len(openers))
    return max(0, len(closers) - fitting)


def _heads(above: list[str], column: int) -> tuple[str, ...]:
    """The lines round the cursor's, each indented less than the one inside it, the nearest first."""
    heads: list[str] = []
    inner = column + 1
    for line in reversed(above):
        if width(line) < inner:
            heads.append(line)
            inner = width(line)
        if not inner:
            break
    return tuple(heads)


def _line_at(text: str, position: int) -> str:
    return text[text.rfind("\n", 0, position) + 1 : position + 1]


def _indent(lines: list[str]) -> tuple[str, bool]:
    """One level of indentation, and whether the lines show it: a tab, or as many blanks as most of them go deeper by."""
    lines = [line for line in lines if not line.lstrip().startswith("*")]  # comments are aligned with their first line
    widths = [len(line) - len(line.lstrip(" ")) for line in lines if line[0] == " "]
    if sum(line[0] == "\t" for line in lines) > len(widths):
        return "\t", True
    steps = [
        width(line) - width(above) for above, line in pairwise(lines) if width(line) > width(above) and opens(above)
    ]
    usual = max((2, 4, 8, 3, 1), key=steps.count)
    if usual in steps:
        return " " * usual, 2 * steps.count(usual) > len(steps)
    return " " * (2 if any(one % 4 for one in widths) else 4), False
