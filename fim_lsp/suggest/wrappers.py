"""Removes what models put around the code they mean: thoughts, control tokens, headers, sentences, fences.

Each rule only removes characters, and leaves alone what the document itself contains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fim_lsp.suggest.cursor_context import CursorContext
from fim_lsp.text.unicode import REVERSING, without_hidden

_USUAL = (
    r"\[(?:PREFIX|SUFFIX|MIDDLE)\]|</?s>|<(?:PRE|SUF|MID|EOT)>|<\|?(?:fim[_▁-]|endoftext|end_of_text|im_(?:start|end)|file_sep|"
    r"repo_name|eot_id|cursor|user_cursor|file_separator|EOF)[^<>\n]*?>|<｜[^<>\n]*?｜>|<\|[a-z_]+\|>|<(?:file_sep|reponame|filename)>"
)
"""The usual control tokens, besides those of known templates: a server may send those of a family not known yet."""

_BOS, _PAIR_ENDS = "<s>", ("</s>", "[/INST]")
_PAIR_START = re.compile(r"<s>|\[INST\]")  # after one of these, the closing one is not a control token
_THOUGHT = re.compile(
    r"\s*(?:<(?P<tag>think|thinking|thought|thoughts|reasoning|reflection)>|(?P<mark>\[THINK\])|(?P<channel><\|channel\|?>\s*(?:analysis|commentary|thought)\b))"
)
_THOUGHT_END = re.compile(r"</(?:think|thinking|thought|thoughts|reasoning|reflection)>|\[/THINK\]")
_CHANNEL = re.compile(r"(?:<\|start\|>assistant)?<\|channel\|>final(?:\s*<\|constrain\|>\w*)?\s*<\|message\|>")
_FINAL_CHANNEL = re.compile(rf"\s*{_CHANNEL.pattern}")
_HEADER = re.compile(r"^\+{5} \S[^\n]*$", re.MULTILINE)
_FENCE = re.compile(r"\A\s*(?:```+|~~~+)[^\n`]*(?:\n|\Z)")
_OUTER_FENCE = re.compile(r"\A\s*(?:```+|~~~+)[ \t]*(?:markdown|md|mdx|text|txt|plaintext)[ \t]*(?:\n|\Z)")
_TALK = re.compile(
    r"\s*(?:Here(?:['’]s| is| are) |(?:Sure|Certainly|Of course|Okay|Sorry|Unfortunately)(?:[,!.:](?=\s|\Z)| [a-z]|\Z)|Below is "
    r"|(?:The user|We|Let me|Let's|Let’s) (?:\w+ )"
    r"|You (?:can|could|should) |To complete |I(?:['’](?:m|ll|ve|d) | (?:am|can|can't|cannot|could|do|don't|have|will|would) )"
    r"|(?:The|This) (?:\w+ ){0,2}(?:code|completion|function|line|answer|block)\b)[^\n]*(?:[:.!]|\Z)[ \t]*(?:\n|\Z)"
)
_FENCED = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_ESCAPE = re.compile(  # of a terminal: ECMA-48's control sequences and strings
    r"(?:\x1b\[|\x9b)[0-9;?]{0,64}[ -/]{0,16}(?:[@-~]|\Z)?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,256}(?:\x07|\x1b\\|\x9c|\Z)|\x1b"
)
_GARBLED = re.compile(f"[{REVERSING}\ufffd]")
_NO_BREAK_SPACE = re.compile(r"[\u00a0\u2007\u202f]")  # non-breaking spaces


def without_thoughts(context: CursorContext, text: str) -> str:
    """Remove a model's thoughts before its answer; nothing is left if the thoughts have not ended, or were cut off."""
    found = _THOUGHT.match(text)
    if found is not None and found.group().strip() not in context.nearby:
        ending = _CHANNEL if found["channel"] else _THOUGHT_END
        end = ending.search(text, found.end())
        return after_thoughts(context, text[end.end() :]) if end else ""
    return text[found.end() :] if (found := _FINAL_CHANNEL.match(text)) else text


def unopened_thought_end(context: CursorContext, text: str) -> re.Match[str] | None:
    """The end of thoughts that began in the prompt: a closing tag that neither the text nor the document opens."""
    found = _THOUGHT_END.search(text) if "</" in text or "[/THINK]" in text else None
    if found is None or found.group() in context.nearby or _opening(found.group()) in text[: found.start()]:
        return None
    return found


def _opening(closing: str) -> str:
    return closing.replace("/", "", 1)


def after_thoughts(context: CursorContext, text: str) -> str:
    """Remove the blank lines between the thoughts and an answer; if it begins a block, one line break is kept."""
    body = text[len(text) - len(text.lstrip()) :]
    whitespace = text[: len(text) - len(body)]
    if "\n" not in whitespace:
        return text
    line = whitespace[whitespace.rfind("\n") + 1 :] + body
    return "\n" + line if not context.at_line_start and line[:1] in (" ", "\t") else line


def ends_at_tokens(context: CursorContext, text: str) -> str:
    """Cut the text at a template's control token, unless the document contains it too; leading ones are skipped."""
    if "<" not in text and "[" not in text:
        return text
    start, pair_start = 0, _PAIR_START.search(text)
    for found in (context.control_tokens or _USUAL_TOKENS).finditer(text):
        token = found.group()
        closes = pair_start is not None and pair_start.start() < found.start() and token in _PAIR_ENDS
        if token in context.nearby or closes or (token == _BOS and text.rfind(_PAIR_ENDS[0]) > found.start()):
            continue
        if text[start : found.start()].strip():
            return text[start : found.start()]
        start = found.end()
    return text[start:]


def control_tokens(known: Iterable[str]) -> re.Pattern[str]:
    """A pattern for control tokens: the known ones, and the usual ones."""
    return re.compile("|".join([*map(re.escape, sorted(known, key=len, reverse=True)), _USUAL]))


_USUAL_TOKENS = control_tokens(())


def ends_at_headers(context: CursorContext, text: str) -> str:
    """Cut the text at ``+++++ path``, which starts another file in a prompt; an echo of it at the start is skipped."""
    found = _HEADER.search(text)
    if found is None or (context.line_prefix and not found.start()):
        return text
    before = text[: found.start()]
    return before if before.strip() else text[found.end() :].removeprefix("\n")


def without_invisibles(context: CursorContext, text: str) -> str:
    """Remove escape sequences and hidden characters, except those that the document contains or that join emoji.

    Characters that reverse the text are left to :func:`until_garbled`, which drops the line. Non-breaking spaces become
    plain ones, unless the document contains them.
    """
    if "\x1b" not in context.nearby:
        text = _ESCAPE.sub("", text)
    text = without_hidden(text, context.nearby + REVERSING)
    return (
        text
        if context.is_text_document or context.in_prose
        else _NO_BREAK_SPACE.sub(lambda one: one[0] if one[0] in context.nearby else " ", text)
    )


def until_garbled(context: CursorContext, text: str) -> str:
    """Keep only the lines before one that reverses the text (CVE-2021-42574) or contains a replacement character.

    What such a line means is unclear. Characters that the document itself contains are allowed.
    """
    found = next((one.start() for one in _GARBLED.finditer(text) if one.group() not in context.nearby), None)
    return text if found is None else text[: text.rfind("\n", 0, found) + 1]


def without_talk(context: CursorContext, text: str) -> str:
    """Remove a sentence about the code, if the document is code: what it announces is in a fence."""
    talk = _TALK.match(text)
    if talk is None or not context.looks_like_code or context.is_text_document:
        return text
    fence = _FENCED.search(text)
    if context.in_prose:
        return text[fence.start() :] if fence and not text[talk.end() : fence.start()].strip() else text
    return text[fence.start() :] if fence else ""


def may_announce_fence(context: CursorContext, text: str) -> bool:
    """Whether the text so far is a sentence that may announce a fence, in a place where it may also be the answer."""
    talk = _TALK.match(text) if context.in_prose else None
    return talk is not None and not text[talk.end() :].strip("`~ \t\n")


def without_fence(context: CursorContext, text: str) -> str:
    """The code in a Markdown fence, unless the document has fences of its own; a closing fence alone ends the text."""
    if not _FENCED.search(text) or _FENCED.search(context.nearby):
        return text
    opening = (_OUTER_FENCE if context.is_text_document else _FENCE).match(text)
    if context.is_text_document and opening is None:
        return text
    body = text[opening.end() :] if opening else text
    closing = _closing_fence(body) if context.is_text_document else _FENCED.search(body)
    if closing is None:
        return body
    return body[: closing.start()].removesuffix("\n") if opening or body[: closing.start()].strip() else body


def _closing_fence(body: str) -> re.Match[str] | None:
    """The fence that ends a fenced document: the first that does not close one of the document's own."""
    open_now = False
    for found in re.finditer(r"^[ \t]*(?:```+|~~~+)(?P<info>[^\n]*)", body, re.MULTILINE):
        if not open_now and not found["info"].strip():
            return found
        open_now = not open_now
    return None


def has_wrapper(context: CursorContext, text: str) -> bool:
    """Whether the text contains any such wrapper."""
    marks = (context.control_tokens or _USUAL_TOKENS, _HEADER, _FENCED)
    return any(mark.search(text) for mark in marks)
