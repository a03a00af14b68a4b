"""Making a guess fit between what is typed and what follows on the line."""

from __future__ import annotations

from collections.abc import Sequence

from fim_lsp.ngram.generate import Step

_OPENING = "([{"
_CLOSING = ")]}"


def fit(steps: Sequence[Step], rest: str) -> tuple[Step, ...] | None:
    """The steps that come before ``rest``, the text that follows the cursor on its line; ``None`` if it never comes.

    A guess that holds the rest at its end loses it there; else one that meets it with all its brackets closed, such as
    editors put in pairs.
    """
    wanted = rest.strip()
    if not wanted:
        return tuple(steps)
    texts = [step.text for step in steps]
    ends = [index for index in range(len(texts)) if "".join(texts[index:]).strip() == wanted]
    if ends:
        return tuple(steps[: ends[0]])
    meets = [
        index
        for index in range(len(texts))
        if "".join(texts[index:]).lstrip().startswith(wanted) and _closed("".join(texts[:index]))
    ]
    return tuple(steps[: meets[-1]]) if meets else None


def _closed(text: str) -> bool:
    """Whether brackets come in pairs, whatever their kinds."""
    depth = 0
    for character in text:
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth < 0:
            return False
    return depth == 0
