"""Decides how a request is answered, purely from what is known when it arrives."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.schedule.call import Call
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.schedule.triggers import EditKind, skip_reason


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer from the cache."""

    result: CompletionResult


@dataclass(frozen=True, slots=True)
class Vary:
    """Answer from the cache, once alternatives to it have been looked for."""

    first: CompletionResult


@dataclass(frozen=True, slots=True)
class Reuse:
    """Answer with the output of a call in flight."""

    call: Call


@dataclass(frozen=True, slots=True)
class Start:
    """Make a call once the user pauses, or at once if the request is explicit."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Answer with nothing, and make no call."""

    outcome: Outcome


Decision = Serve | Vary | Reuse | Start | Skip


def decide(
    snapshot: Snapshot,
    *,
    cached: CompletionResult | None,
    in_flight: Call | None,
    edit_kind: EditKind,
    silence: Outcome | None = None,
    is_offered: bool = False,
    wants_others: bool = False,
) -> Decision:
    """``cached`` is the cache's answer; ``in_flight`` is the call whose output matches what was typed since.

    For an explicit request, neither a cached "nothing to suggest" nor a fallback's text is enough: the user wants more.

    ``silence`` is why no suggestion appears without being asked for, if that is so. Then an automatic request only gets
    the rest of the suggestion that was asked for before, which editors request again at each key: ``is_offered`` if that
    is presumably on the screen.

    ``wants_others``: the request is explicit, at the very place where a suggestion has been shown, and no alternatives to
    it are known.
    """
    if silence is not None and not snapshot.explicit:
        if in_flight is not None:
            return Reuse(in_flight)
        return Serve(cached) if cached is not None and is_offered else Skip(silence)
    if cached is not None and not (snapshot.explicit and _is_poor(cached)):
        return Vary(cached) if wants_others else Serve(cached)
    if in_flight is not None:
        return Reuse(in_flight)
    if outcome := skip_reason(snapshot, edit_kind):
        return Skip(outcome)
    return Start()


def _is_poor(cached: CompletionResult) -> bool:
    return cached.suggestion is None or cached.outcome is Outcome.FALLBACK
