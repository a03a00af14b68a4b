"""Builds a prompt from the text around the cursor. It fits the budget, and changes little while the user types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fim_lsp.prompt.prompt import Prompt, Snippet, has_heading
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.text.cursor import Split
from fim_lsp.text.positions import with_line_feeds
from fim_lsp.text.unicode import is_visible

WINDOW_CHARACTERS = 24_000
"""Characters on each side of the cursor that a snapshot contains; the budget cuts further."""

_MAX_CONTEXT_SHARE = 0.4  # of the budget: the text around the cursor is worth more than any other
_EDGE_LINES, _EDGE_CHARACTERS = 4, 1_000  # on either side of a window's start: a secret's name may be above its value


def context_budget(budget: int, wanted: int) -> int:
    """How many of a prompt's ``budget`` characters context may take if it should get ``wanted``."""
    return max(0, min(wanted, int(budget * _MAX_CONTEXT_SHARE)))


def build(
    split: Split,
    *,
    budget: int,
    suffix_share: float,
    uri: str,
    path: str,
    language: str,
    max_tokens: int | None,
    single_line: bool = False,
    context: Sequence[Snippet] = (),
    windows: StickyWindows | None = None,
    notebook: str = "",
    max_prefix: int | None = None,
    max_suffix: int | None = None,
) -> Prompt:
    r"""A prompt of up to ``budget`` characters: as much of ``context`` as fits, and a window of the text.

    ``suffix_share`` of the window comes after the cursor; characters that one side doesn't need go to the other.
    ``max_prefix`` and ``max_suffix`` bound the sides; 0 allows nothing there, None everything. ``windows`` keeps the
    window where it was in the previous prompt, per ``notebook`` or ``uri``. There is no context if the text has lines that
    look like its headings. Line ends are always ``\n``.
    """
    split = _with_line_feeds(split)
    if not is_visible(path) or has_heading(split.prefix) or has_heading(split.suffix):
        context = ()
    fitting, remaining = _fitting(context, budget, path)
    prefix, suffix = cut_window(
        split,
        budget=remaining,
        suffix_share=suffix_share,
        max_prefix=max_prefix,
        max_suffix=max_suffix,
        windows=windows,
        uri=notebook or uri,
    )
    return Prompt(
        prefix=prefix,
        suffix=suffix,
        context=fitting,
        language=language,
        path=path,
        uri=uri,
        max_tokens=max_tokens,
        single_line=single_line,
    )


def cut_window(
    split: Split,
    *,
    budget: int,
    suffix_share: float,
    max_prefix: int | None = None,
    max_suffix: int | None = None,
    windows: StickyWindows | None = None,
    uri: str = "",
) -> tuple[str, str]:
    """The prefix and suffix of a prompt that may take ``budget`` characters; see :func:`build`."""
    split = _with_line_feeds(split)
    before, after = _sides(split, budget, suffix_share)
    before = before if max_prefix is None else min(before, max_prefix)
    after = after if max_suffix is None else min(after, max_suffix)
    prefix, suffix = (windows or StickyWindows()).cut(uri, split, before, after)
    return _without_orphaned_secrets(split.prefix, prefix), suffix


def _with_line_feeds(split: Split) -> Split:
    return replace(split, prefix=with_line_feeds(split.prefix), suffix=with_line_feeds(split.suffix), line_end="\n")


def _fitting(context: Sequence[Snippet], budget: int, path: str) -> tuple[tuple[Snippet, ...], int]:
    """The first snippets that fit, and the characters that remain."""
    prompt = Prompt(prefix="", suffix="", context=tuple(context), path=path)
    while prompt.context and prompt.size > budget:
        prompt = replace(prompt, context=prompt.context[:-1])
    return prompt.context, budget - prompt.size


def _sides(split: Split, characters: int, suffix_share: float) -> tuple[int, int]:
    """How many characters to send before and after the cursor."""
    after = min(len(split.suffix), int(characters * suffix_share))
    before = min(len(split.prefix), characters - after)
    return before, min(len(split.suffix), characters - before)


def _without_orphaned_secrets(text: str, prefix: str) -> str:
    """``prefix``, the end of ``text``, without lines at its start up to a secret that only the lines above it reveal."""
    start = len(text) - len(prefix)
    above = "".join(text[max(0, start - _EDGE_CHARACTERS) : start].splitlines(keepends=True)[-_EDGE_LINES:])
    first = "".join(prefix[:_EDGE_CHARACTERS].splitlines(keepends=True)[:_EDGE_LINES])
    if not above:
        return prefix
    from fim_lsp.redaction.detect import find_secrets  # not for the start

    found = {len(above) + span.start for span in find_secrets(first)}
    orphaned = [
        span.end for span in find_secrets(above + first) if span.start >= len(above) and span.start not in found
    ]
    line_end = prefix.find("\n", orphaned[-1] - len(above)) if orphaned else -1
    return prefix[line_end + 1 :]
