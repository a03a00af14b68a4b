"""The user types what is shown: the rest of the same reply must continue it, at cursors in real code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fim_lsp.suggest.cursor_context import cursor_context_at, extent_of
from fim_lsp.suggest.postprocess import is_complete, suggestion_from
from fim_lsp.suggest.suggestion import Suggestion
from tests.quality.recovery_eval import SEED
from tests.quality.recovery_places import LANGUAGES, Place, corpus, places


def pairs(place: Place) -> Iterator[tuple[Suggestion | None, Suggestion]]:
    """What the rest of the reply shows after each typed character, and what is left of what was shown first.

    Where typing turns an empty line into one that is begun, fewer lines are asked for by design: those are left out, as
    are the places inside an indentation, which editors fill by themselves.
    """
    reply = place.middle + place.split.suffix[:300]
    first = suggestion_from(cursor_context_at(place.split), reply, finished=None, multiline="auto")
    if first is None or not reply.startswith(first.text):
        return
    for length in range(1, len(first.text)):
        typed, left = first.text[:length], first.after(first.text[:length])
        split = replace(place.split, prefix=place.split.prefix + typed)
        blank = not split.line_prefix.strip()
        if left is None or not left.text.strip() or (blank and reply[length].isspace()):
            continue
        if extent_of(split, "auto") is extent_of(place.split, "auto"):
            yield suggestion_from(cursor_context_at(split), reply[length:], finished=None, multiline="auto"), left


def test_the_rest_of_a_reply_continues_what_was_shown() -> None:
    holes = [hole for language in LANGUAGES for hole in places(language, corpus(language), 2, seed=SEED)]
    found = [pair for hole in holes for pair in pairs(hole)]
    same = sum(now == left for now, left in found)
    fits = sum(
        now is not None and (left.text.startswith(now.text) or now.text.startswith(left.text)) for now, left in found
    )
    assert len(found) >= 500
    assert same >= 0.85 * len(found), f"{same} of {len(found)}"
    assert fits >= 0.99 * len(found), f"{fits} of {len(found)}"


def test_the_same_context_gives_the_same_suggestion() -> None:
    for hole in places("python", corpus("python"), 4, seed=SEED):
        reply = hole.middle + hole.split.suffix[:300]
        first = suggestion_from(cursor_context_at(hole.split), reply, finished=None, multiline="auto")
        assert suggestion_from(cursor_context_at(replace(hole.split)), reply, finished=None, multiline="auto") == first
        assert is_complete(cursor_context_at(hole.split), reply, "auto") == is_complete(
            cursor_context_at(replace(hole.split)), reply, "auto"
        )
