"""From a snapshot to a prompt: what fits the budget, and stays the same while one types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fim_lsp.prompt.prompt import Prompt, Snippet, has_heading
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.redaction.detect import find_secrets
from fim_lsp.text.cursor import Split
from fim_lsp.text.positions import with_line_feeds
from fim_lsp.text.unicode import is_visible

WINDOW_CHARACTERS = (
    24_000  # characters taken on each side of the cursor when a request arrives; the budget cuts further
)

_CONTEXT_MOST = 0.4  # of the room; the text round the cursor says more than any other
_SETTING, _LINES = 1_000, 4  # characters and lines above a window, and in it, in which a name and its value may stand


def context_budget(budget: int, wanted: int) -> int:
    """How many of a prompt's ``budget`` characters context may take when ``wanted`` are set aside for it."""
    return max(0, min(wanted, int(budget * _CONTEXT_MOST)))


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
    r"""Cut the window to what ``context`` leaves of ``budget`` characters, ``suffix_share`` of it behind the cursor.

    What one side doesn't need, the other may have. Context that doesn't fit is left out from its end, and all of it
    beside a text with headings of its own, which nobody could tell from those of context. ``windows`` keeps the window
    where it was before. ``max_prefix`` and ``max_suffix`` bound the two sides; 0 allows nothing there, None everything.
    ``notebook`` is what the window is one of, if not of ``uri`` alone. Line ends are ``\n``, whatever the document's are.
    """
    split = replace(split, prefix=with_line_feeds(split.prefix), suffix=with_line_feeds(split.suffix), line_end="\n")
    if context and not (is_visible(path) and not any(map(has_heading, (split.prefix, split.suffix)))):
        context = ()
    kept, left = _fitting(context, budget, path)
    after = min(len(split.suffix), int(left * suffix_share))
    before = min(len(split.prefix), left - after)
    after = min(len(split.suffix), left - before)
    before = before if max_prefix is None else min(before, max_prefix)
    after = after if max_suffix is None else min(after, max_suffix)
    prefix, suffix = (windows or StickyWindows()).cut(notebook or uri, split, before, after)
    return Prompt(
        prefix=_without_orphans(split.prefix, prefix),
        suffix=suffix,
        context=kept,
        language=language,
        path=path,
        uri=uri,
        max_tokens=max_tokens,
        single_line=single_line,
    )


def _fitting(context: Sequence[Snippet], budget: int, path: str) -> tuple[tuple[Snippet, ...], int]:
    """The context that fits, and the room that is left then."""
    whole = Prompt(prefix="", suffix="", context=tuple(context), path=path)
    while whole.context and whole.size > budget:
        whole = Prompt(prefix="", suffix="", context=whole.context[:-1], path=path)
    return whole.context, budget - whole.size


def _without_orphans(whole: str, prefix: str) -> str:
    """``prefix``, the end of ``whole``, without first lines that only the lines above them show to be secret."""
    start = len(whole) - len(prefix)
    above = "".join(whole[max(0, start - _SETTING) : start].splitlines(keepends=True)[-_LINES:])
    first = "".join(prefix[:_SETTING].splitlines(keepends=True)[:_LINES])
    if not above:
        return prefix
    shown = {len(above) + span.start for span in find_secrets(first)}
    hidden = [span.end for span in find_secrets(above + first) if span.start >= len(above) and span.start not in shown]
    end = prefix.find("\n", hidden[-1] - len(above)) if hidden else -1
    return prefix[end + 1 :]
