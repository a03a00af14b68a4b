"""From a snapshot to the prompt for one back end: within the settings, the quota and what the server takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fim_lsp.backends.backend import Backend
from fim_lsp.http.urls import is_local
from fim_lsp.prompt.build import build, context_budget
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.request import Snapshot
from fim_lsp.settings.schema import Settings
from fim_lsp.suggest.cursor_context import Extent, extent_of

ContextSource = Callable[[str, str, str, int, bool, int | None], tuple[Snippet, ...]]
"""Context: for a document's URI, a window's prefix and suffix, so many characters, whether it leaves this machine,
and the cursor's line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptBuilder:
    """Writes the prompts for ``backend``. ``limiter`` and ``around`` are there for back ends outside this process."""

    backend: Backend
    estimator: Estimator
    limiter: Limiter | None
    around: ContextSource | None
    windows: StickyWindows

    def prompt(self, snapshot: Snapshot, settings: Settings) -> Prompt:
        """The prompt at a snapshot's place; smaller when the quota runs low."""
        share, capacity = self._share(snapshot, settings), self.backend.capacity
        count = partial(self._characters, snapshot)
        output = self._output(snapshot, settings)
        room = count(settings.prompt_tokens * share)
        if capacity.total_tokens is not None:
            room = min(room, count(max(0, capacity.total_tokens - output)))
        at = partial(
            build,
            snapshot.window,
            suffix_share=min(settings.suffix_share, capacity.suffix_share or 1.0),
            uri=snapshot.uri,
            notebook=snapshot.notebook,
            path=snapshot.path,
            language=snapshot.language,
            max_tokens=settings.max_tokens,
            single_line=bool(snapshot.split.line_suffix.strip())
            and extent_of(snapshot.split, settings.multiline, snapshot.language) is Extent.LINE,
            max_prefix=_known(capacity.prefix_tokens, count),
            max_suffix=_known(capacity.suffix_tokens, count),
        )
        if self.around is None or not self.backend.host or not snapshot.path:
            return at(budget=room, windows=self.windows)
        wanted = settings.context_tokens * share
        if capacity.context_tokens is not None:
            wanted = min(wanted, capacity.context_tokens)
        free = context_budget(room, count(wanted))
        bare = at(budget=room - free)
        leaves, line = not is_local(self.backend.host), snapshot.split.line
        context = self.around(snapshot.uri, bare.prefix, bare.suffix, free, leaves, line)
        return at(budget=room, context=context, windows=self.windows)

    def _share(self, snapshot: Snapshot, settings: Settings) -> float:
        if self.limiter is None:
            return 1.0
        return self.limiter.thrift(prompt=settings.prompt_tokens, output=self._output(snapshot, settings)).prompt

    def _output(self, snapshot: Snapshot, settings: Settings) -> int:
        return self.estimator.output(settings.max_tokens, self.backend.model, snapshot.language)

    def _characters(self, snapshot: Snapshot, tokens: float) -> int:
        return self.estimator.characters(math.floor(tokens), self.backend.model, snapshot.language)


def _known(tokens: int | None, count: Callable[[float], int]) -> int | None:
    return None if tokens is None else count(tokens)
