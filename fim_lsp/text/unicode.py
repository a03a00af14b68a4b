"""Characters that are invisible or that reorder others: one table for everything that is shown and for names in prompts.

The table contains Unicode's Default_Ignorable_Code_Point and Bidi_Control (DerivedCoreProperties.txt and PropList.txt of
Unicode 16.0.0), the general categories Cc, Cf, Cs, Co, Zl and Zp, and the noncharacters. It does not contain spaces of
any width, which are visible, or unassigned code points, which will include next year's emoji.
"""

from __future__ import annotations

import functools
import re
from typing import Final

HIDDEN: Final = (
    (0x00, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x9F),  # controls except tab and line ends
    (0xAD, 0xAD), (0x34F, 0x34F), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891),
    (0x8E2, 0x8E2), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E),
    (0x2060, 0x206F), (0x3164, 0x3164), (0xD800, 0xF8FF), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, 0xD0000, 0x10000)),
    (0xDFFFE, 0xE0FFF), (0xEFFFE, 0x10FFFF),
)  # fmt: skip
"""The first and last of each run of hidden code points."""

REVERSING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that change the direction of the text after them, as in CVE-2021-42574."""

_PICTURES = "©®‼⁉™ℹ←-⇿⌀-⏿Ⓜ■-➿⤀-⥿⬀-⯿〰〽㊗㊙\U0001f000-\U0001faff"
_JOINING = (  # scripts that are written with joiners between letters: Arabic to Mandaic, the Indic ones to Mongolian
    "\u0610-\u061a\u0620-\u06dc\u0710-\u088f\u0898-\u08e1\u08e3-\u0fff\u1000-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af"
    "\ua840-\ua87f\ua8e0-\ua8ff\uaa60-\uaa7f\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00011000-\U000110bc\U000110d0-\U00011fff"
)
_ALLOWED = (
    rf"(?<=[{_PICTURES}\ufe0f])\u200d(?=[{_PICTURES}])"  # a family; emoji modifiers are pictures too
    rf"|(?<=[{_PICTURES}])[\ufe0e\ufe0f]"  # as text or in colour
    r"|(?<=[#*0-9])\ufe0f(?=\u20e3)"  # a keycap
    rf"|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
)
_FLAGS = "|".join(  # the three that are recommended for interchange; other tags can hide any text
    "(?<=\U0001f3f4)" + "".join(chr(0xE0000 + ord(one)) for one in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)
_CLASS = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in HIDDEN)


@functools.cache
def _hidden() -> re.Pattern[str]:
    """Compiled for the first text that is not plain ASCII: at import, it would take half of the command line's time."""
    return re.compile(f"[{_CLASS}]")


@functools.cache
def _hidden_or_allowed() -> re.Pattern[str]:
    """Compiled on first use, too."""
    return re.compile(f"(?P<allowed>{_FLAGS}|{_ALLOWED})|[{_CLASS}]")


def without_hidden(text: str, known: str = "") -> str:
    """``text`` without hidden characters, except those in ``known``, line ends, tabs, and what writing needs.

    That is: what joins emoji or selects their style, and joiners between the letters of scripts that use them.
    """
    if text.isascii() and text.isprintable():
        return text
    return _hidden_or_allowed().sub(lambda one: one[0] if one["allowed"] or one[0] in known else "", text)


def visible(text: str) -> str:
    r"""``text`` for a message or a terminal: hidden characters are written as ``\x1b`` or ``\u202e``.

    Line feeds and tabs are kept. A carriage return would move to the line's start, so it is escaped too.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _hidden_or_allowed().sub(lambda one: one[0] if one["allowed"] else _escaped(one[0]), text)
    return text.replace("\r", "\\r")


def for_message(text: str) -> str:
    """:func:`visible`, on one line and without links, since a name in a message may be a project's: after a line end it would
    look like a message of ours, and VS Code makes ``[text](command:…)`` a link that runs the command.
    """
    return visible(text).replace("\n", "\\n").replace("](", "] (")


def on_one_line(text: str) -> str:
    """``text`` for a menu entry: each run of line ends, tabs and hidden characters becomes one space."""
    text = _hidden_or_allowed().sub(lambda one: one[0] if one["allowed"] else "\n", text)
    return re.sub(r"[\t\n\r]+", " ", text)


def is_visible(name: str) -> bool:
    """Whether a name is visible and on one line, so that it can be part of a heading or a sentence."""
    return name.isprintable() and (name.isascii() or not _hidden().search(name))


def _escaped(one: str) -> str:
    code = ord(one)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def encodable(text: str) -> str:
    """``text`` with surrogate pairs joined and lone surrogates replaced: UTF-8 can't encode them."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
