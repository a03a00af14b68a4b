"""Builds the prompt for one back end from a snapshot, within the settings, the quota and what the server accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fim_lsp.backends.backend import Backend, Capacity
from fim_lsp.http.urls import is_local
from fim_lsp.prompt.build import build, context_budget, cut_window
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.schedule.request import Snapshot
from fim_lsp.settings.schema import Settings
from fim_lsp.suggest.cursor_context import Extent, extent_of

ContextSource = Callable[[str, str, str, int, bool, int | None], tuple[Snippet, ...]]
"""Finds snippets for a prompt. The arguments are the document's URI, the window's prefix and suffix, the characters that
the snippets may take, whether they leave this machine, and the cursor's line."""


def build_prompt(
    snapshot: Snapshot,
    settings: Settings,
    *,
    backend: Backend,
    share: float,
    output_tokens: int,
    characters: Callable[[float], int],
    context_source: ContextSource | None,
    windows: StickyWindows,
) -> Prompt:
    """``share`` is the part of the usual prompt that the quota allows; ``characters`` converts a number of tokens.

    ``output_tokens`` are set aside for the answer where a server bounds both together. ``context_source`` is asked if the
    back end is outside this process and the document belongs to the workspace. ``windows`` keeps the window in place.
    """
    limits = _limits(settings, backend.capacity, share, output_tokens, characters)
    wants_context = backend.host and snapshot.path
    return build(
        snapshot.window,
        budget=limits.budget,
        suffix_share=limits.suffix_share,
        max_prefix=limits.max_prefix,
        max_suffix=limits.max_suffix,
        uri=snapshot.uri,
        notebook=snapshot.notebook,
        path=snapshot.path,
        language=snapshot.language,
        max_tokens=settings.max_tokens,
        single_line=_is_single_line(snapshot, settings),
        context=_find_context(snapshot, backend, limits, context_source) if context_source and wants_context else (),
        windows=windows,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """Characters that a prompt may contain: in total, on either side of the cursor, and for context."""

    budget: int
    suffix_share: float
    max_prefix: int | None
    max_suffix: int | None
    context: int


def _limits(
    settings: Settings, capacity: Capacity, share: float, output_tokens: int, characters: Callable[[float], int]
) -> _Limits:
    budget = characters(settings.prompt_tokens * share)
    if capacity.total_tokens is not None:
        budget = min(budget, characters(max(0, capacity.total_tokens - output_tokens)))
    context_tokens = settings.context_tokens * share
    if capacity.context_tokens is not None:
        context_tokens = min(context_tokens, capacity.context_tokens)
    return _Limits(
        budget=budget,
        suffix_share=min(settings.suffix_share, capacity.suffix_share or 1.0),
        max_prefix=None if capacity.prefix_tokens is None else characters(capacity.prefix_tokens),
        max_suffix=None if capacity.suffix_tokens is None else characters(capacity.suffix_tokens),
        context=context_budget(budget, characters(context_tokens)),
    )


def _find_context(
    snapshot: Snapshot, backend: Backend, limits: _Limits, context_source: ContextSource
) -> tuple[Snippet, ...]:
    """Snippets that are relevant to the window that would be sent with them."""
    prefix, suffix = cut_window(
        snapshot.window,
        budget=limits.budget - limits.context,
        suffix_share=limits.suffix_share,
        max_prefix=limits.max_prefix,
        max_suffix=limits.max_suffix,
    )
    leaves = not is_local(backend.host)
    return context_source(snapshot.uri, prefix, suffix, limits.context, leaves, snapshot.split.line)


def _is_single_line(snapshot: Snapshot, settings: Settings) -> bool:
    """Whether only the rest of the line can be shown, and the suffix lets the server know that."""
    has_suffix = bool(snapshot.split.line_suffix.strip())
    return has_suffix and extent_of(snapshot.split, settings.multiline, snapshot.language) is Extent.LINE
