"""Joins a suggestion to the rest of its line, so that nothing is closed twice and nothing is repeated.

What is after the cursor is either kept, or replaced because the text contains all of it; where neither fits, the text
ends before what would be closed a second time.
"""

from __future__ import annotations

import re

from fim_lsp.suggest.bracket_scan import scan, without_case_patterns
from fim_lsp.suggest.code_lines import CLOSERS
from fim_lsp.suggest.cursor_context import CursorContext
from fim_lsp.suggest.overlap import drawable, is_subsequence, without_overlap
from fim_lsp.text.document import common_prefix_length
from fim_lsp.text.typed import BRACKET_PAIRS

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w")
_MAX_TOKENS = 200  # of a reply that are compared with the rest of the line
_DISTINCTIVE = re.compile(r"[\"'`()\[\]{}<>;]")
_TAG = re.compile(
    r"<(?P<close>/)?(?P<name>[A-Za-z][\w.:-]{0,64}+)"
    r"(?:[^<>\"'{}/]{1,64}+|/(?!>)|\"[^\"]{0,200}+\"|'[^']{0,200}+'|\{[^{}]{0,200}+\}){0,32}+(?P<empty>/)?>"
)
_IN_TAG = re.compile(r"<[A-Za-z][\w.:-]*(?:[^<>\"'{}]|\"[^\"]*\"|'[^']*'|\{[^{}]*\})*\Z")
_TAG_END = re.compile(r"(?:[^<>\"'{}/]|/(?!>)|\"[^\"]*\"|'[^']*'|\{[^{}]*\})*?(?P<end>/?>)")
_MAX_PREFIX = 2000  # characters before the cursor, on its line, in which an open tag is looked for


def joined_to_suffix(context: CursorContext, text: str) -> tuple[str, int]:
    """What is inserted, ``""`` for nothing, and how many characters after the cursor it replaces."""
    if not context.line_suffix:
        return _without_surplus(context, text), 0
    if (
        context.may_have_tags
        and "<" in context.line_suffix
        and not text.endswith(context.line_suffix)
        and covers(context.line_suffix, text)
    ):
        return text, len(context.line_suffix)
    if (cut := _before_repeated_suffix(context, text)) is not None:
        return cut, 0
    kept = without_overlap(context, text)
    if not kept.strip():
        return "", 0
    if len(context.open_quote) == 1:
        return _joined_in_string(context, kept)
    if repeated := text[len(kept) :].strip():
        surplus = len(_closers(context, text)) - context.brackets.missing_closers
        if surplus <= len(_closers(context, repeated)):
            return kept, 0
    return (_joined_in_tag(context, text) if context.may_have_tags else None) or _joined_in_code(context, text, 0, 0)


def _before_repeated_suffix(context: CursorContext, text: str) -> str | None:
    """What comes before a repetition of the rest of the line, with changed words; ``None`` if the text has none."""
    suffix = context.line_suffix
    if "\n" in text or context.may_have_tags or context.is_text_document:
        return None
    if text.endswith(suffix) and _is_balanced(context, text[: -len(suffix)]) and _closes_its_line(context):
        return text[: -len(suffix)]
    if covers(suffix, text):
        return None
    in_suffix = _TOKEN.findall(suffix)
    if context.open_quote or context.at_line_start or not _WORD.search(suffix) or len(in_suffix) < 2:
        return None
    within_word = bool(re.fullmatch(r"\w\w", context.line_prefix[-1:] + suffix[0]))
    if _DISTINCTIVE.search(suffix) and drawable(suffix, text) and not within_word:
        return None
    in_text = list(_TOKEN.finditer(text))
    best, start = 1, -1
    for number, token in enumerate(in_text[:_MAX_TOKENS]):
        same = _common_tokens(
            [one.group() for one in in_text[number:]], in_suffix, within_word=within_word and not number
        )
        ended_alike = in_text[-1].group() == in_suffix[-1] and in_text[-1] != token and not within_word
        distinctive = same > 1 or (same == 1 and _WORD.match(in_suffix[0]) and ended_alike)
        at = token.end() - len(in_suffix[0])
        if distinctive and same + (best == 1) > best and at and _is_balanced(context, text[:at]):
            best, start = same, at
    if start < 0:
        return None
    return text[:start].rstrip() if suffix[0] in " \t" else text[:start]


def _common_tokens(in_text: list[str], in_suffix: list[str], *, within_word: bool) -> int:
    """How many tokens two lists have in common at the start; ``within_word``: the first may be the end of a word."""
    if within_word and in_text[0].endswith(in_suffix[0]):
        in_text = [in_suffix[0], *in_text[1:]]
    same = common_prefix_length(in_text, in_suffix)
    operator = in_text[-1] == in_suffix[-1] and not any(map(_DISTINCTIVE.match, in_suffix[:2]))
    return same if operator or any(map(_WORD.match, in_suffix[:same])) else 0


def _is_balanced(context: CursorContext, text: str) -> bool:
    """Whether a text closes every bracket that it opens, and no other, and leaves no string open."""
    read = scan(
        context.open_quote + text if len(context.open_quote) == 1 else text,
        hash_comments=context.hash_comments,
        by_line=False,
    )
    quotes = all((context.open_quote + text).count(quote) % 2 == 0 for quote in '"`')
    return not read.closers and not read.openers and quotes


def _closes_its_line(context: CursorContext) -> bool:
    """Whether the rest of the line closes all brackets that are open before the cursor on its line, and no other."""
    line = (
        context.line_prefix[: -len(context.open_quote)]
        if context.open_quote and context.line_prefix.endswith(context.open_quote)
        else context.line_prefix
    )
    opened = len(scan(line[-_MAX_PREFIX:], hash_comments=context.hash_comments, by_line=False).openers)
    return 0 < opened == len(scan(context.line_suffix, hash_comments=context.hash_comments, by_line=False).closers)


def _without_surplus(context: CursorContext, text: str) -> str:
    """Remove a bracket that closes nothing, and everything after it."""
    if context.in_prose or context.is_text_document:
        return text
    if not context.brackets.any:
        alone = (
            context.sees_document_start
            and context.looks_like_code
            and re.fullmatch(r"[\s)\]};,]+", text)
            and text.strip(" \t\n;,")
        )
        return "" if alone else text
    closers = _closers(context, text)
    inline = min(
        _open_braces(context.line_prefix, hash_comments=context.hash_comments),
        sum(at < len(text.partition("\n")[0]) for at in closers),
    )  # of a block on one line
    allowed = max(context.brackets.missing_closers, inline, context.brackets.open_at_document_end)
    return text[: closers[allowed]].rstrip() if len(closers) > allowed else text


def _open_braces(before: str, *, hash_comments: bool) -> int:
    """How many braces a line leaves open that are not at its end."""
    line = before.rstrip()[-_MAX_PREFIX:]
    openers = scan(line, hash_comments=hash_comments, by_line=False).openers if "{" in line else ()
    return sum(line[at] == "{" and at < len(line) - 1 for at in openers)


def _joined_in_string(context: CursorContext, text: str) -> tuple[str, int]:
    """The same if the cursor is in a string: a closing quote that the editor has inserted is replaced by the text's own."""
    quote, suffix = context.open_quote, context.line_suffix
    quotes_in_text, quotes_in_suffix = _unescaped(text, quote), _unescaped(suffix, quote)
    if not quotes_in_text or len(quotes_in_text) % 2 == 0:  # the string is still open where the text ends
        return text, 0
    return _joined_in_code(context, text, quotes_in_text[0] + 1, quotes_in_suffix[0] + 1 if quotes_in_suffix else 0)


def _closers(context: CursorContext, text: str) -> tuple[int, ...]:
    """Where the text closes brackets that it has not opened; one that is reopened counts where it is finally closed."""
    plain = without_case_patterns(text, context.language)
    return scan(plain, hash_comments=context.hash_comments, by_line=False, reopening=True).closers


def _unescaped(text: str, quote: str) -> list[int]:
    """The positions of unescaped quotes."""
    return [found.start() for found in re.finditer(r"\\.|(?P<end>" + quote + ")", text, re.DOTALL) if found["end"]]


def _joined_in_code(context: CursorContext, text: str, start: int, start_of_code: int) -> tuple[str, int]:
    """The same where ``text[start:]`` and what comes ``start_of_code`` characters after the cursor are code."""
    suffix = context.line_suffix
    in_text = [start + at for at in _closers(context, text[start:])]
    in_suffix = scan(suffix[start_of_code:], hash_comments=context.hash_comments, by_line=False)
    surplus = max(0, len(in_text) - context.brackets.missing_closers)
    spent = (
        _closed_by_suffix(text[start:], suffix[start_of_code:], hash_comments=context.hash_comments) if surplus else 0
    )
    if surplus > len(in_suffix.closers):
        fitting = len(in_text) - surplus + len(in_suffix.closers)
        text, in_text = text[: in_text[fitting]].rstrip(), in_text[:fitting]
        surplus = len(in_suffix.closers)
    gone = start_of_code + (in_suffix.closers[surplus - spent - 1] + 1 if surplus > spent else 0)
    if surplus >= len(in_suffix.closers) and covers(suffix, text):
        return text, len(suffix)
    if not gone:
        return _without_second_statement(context, text), 0
    if (not suffix[gone:].strip() or CLOSERS.fullmatch(suffix[gone:])) and drawable(suffix[:gone], text):
        return text, gone
    cut = text[: start - 1] if start else text[: in_text[len(in_text) - surplus]]
    return _unless_glued(context, _without_second_statement(context, cut)), 0


def _closed_by_suffix(text: str, suffix: str, *, hash_comments: bool) -> int:
    """How many of the brackets that a text leaves open are closed by the suffix."""
    openers = [
        BRACKET_PAIRS[text[at]] for at in reversed(scan(text, hash_comments=hash_comments, by_line=False).openers)
    ]
    closers = [suffix[at] for at in scan(suffix, hash_comments=hash_comments, by_line=False).closers]
    return common_prefix_length(openers, closers)


def covers(suffix: str, text: str) -> bool:
    """Whether a text contains all tokens of the line's rest in order, possibly with others between, and ends alike."""
    in_suffix, in_text = _TOKEN.findall(suffix), _TOKEN.findall(text)
    if not in_text or in_suffix[-1:] != in_text[-1:] or not (len(in_suffix) > 1 and _DISTINCTIVE.search(suffix)):
        return False
    if not is_subsequence(in_suffix, in_text):
        return False
    return drawable(suffix.rstrip(), text.rstrip()) and drawable(suffix, text)


def _without_second_statement(context: CursorContext, text: str) -> str:
    """Drop a call or a statement that would be put before the one that is already there."""
    suffix = context.line_suffix
    if not text.strip():
        return ""
    if text.rstrip().endswith(";") and re.search(r"\w", text) and re.search(r"\w", suffix[: suffix.rfind(";") + 1]):
        return text if context.line_prefix.rstrip().endswith((";", "{", "}")) or "\n" in text else ""
    start = text.find(suffix[0]) if suffix[0] in BRACKET_PAIRS and re.match(r"[\w.]", text) else -1
    whole = start > 0 and "\n" not in text and text.rstrip(" ;").endswith(BRACKET_PAIRS[suffix[0]])
    return text[:start] if whole and re.fullmatch(r"[\w.]+", text[:start]) else text


def _unless_glued(context: CursorContext, text: str) -> str:
    """Nothing if a word would be joined to the one after the cursor."""
    joined = re.fullmatch(r"\w\w", text[-1:] + context.line_suffix[:1]) and not re.fullmatch(
        r"\w", context.line_prefix[-1:]
    )
    return "" if joined else text


def _joined_in_tag(context: CursorContext, text: str) -> tuple[str, int] | None:
    """The same next to tags, so that a tag is ended only once; ``None`` if none is closed."""
    suffix = context.line_suffix
    if _IN_TAG.search(context.line_prefix[-_MAX_PREFIX:]):
        in_text, in_suffix = _TAG_END.match(text), _TAG_END.match(suffix)
        if in_text is None or in_suffix is None:
            return None
        if covers(suffix, text):
            return text, len(suffix)
        trivial = not suffix[in_suffix.end() :].strip(" \t)}];,")
        if trivial and drawable(suffix[: in_suffix.end()], text):
            return text, in_suffix.end()
        return text[: in_text.start("end")], 0
    closing = _outer_tag(text)
    if closing is None or f"</{closing['name']}" not in suffix:
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
