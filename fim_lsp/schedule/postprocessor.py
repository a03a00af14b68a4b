"""Turns a model's raw text into what is shown, by the settings in force.

:mod:`fim_lsp.suggest.postprocess` is imported on first use: compiling its patterns takes 10 ms, too long for start-up.
"""

from __future__ import annotations

import functools
import re
from collections import deque

from fim_lsp.prompt.fim_templates import CONTROL_TOKENS
from fim_lsp.schedule.request import Snapshot
from fim_lsp.suggest.cursor_context import CursorContext, Multiline, cursor_context_at
from fim_lsp.suggest.suggestion import Shaped

_CONTEXTS = 4  # a stream needs one or two at every chunk: the call's, and that of a request that reuses it


@functools.cache
def _control_tokens() -> re.Pattern[str]:
    """Every model family's control tokens, which end a reply."""
    from fim_lsp.suggest.wrappers import control_tokens

    return control_tokens(CONTROL_TOKENS)


class Postprocessor:
    """Keeps the cursor contexts of the last few snapshots, because a stream asks for the same ones at every chunk."""

    def __init__(self, multiline: Multiline) -> None:
        self._multiline = multiline
        self._contexts: deque[tuple[Snapshot, CursorContext]] = deque(maxlen=_CONTEXTS)

    def shaped(self, snapshot: Snapshot, text: str, finish: str | None) -> Shaped:
        """What is shown of ``text``. ``finish`` is the server's finish reason, if it has sent one."""
        from fim_lsp.suggest.postprocess import shaped

        return shaped(self._context(snapshot), text, finished=finish, multiline=self._multiline)

    def is_complete(self, snapshot: Snapshot, text: str) -> bool:
        """Whether more text would not change what is shown."""
        from fim_lsp.suggest.postprocess import is_complete

        return is_complete(self._context(snapshot), text, self._multiline)

    def has_head(self, snapshot: Snapshot, text: str) -> bool:
        """Whether the first line of a block is complete, so that it could be shown without the rest."""
        from fim_lsp.suggest.postprocess import has_head

        return has_head(self._context(snapshot), text, self._multiline)

    def _context(self, snapshot: Snapshot) -> CursorContext:
        for known, context in self._contexts:
            if known is snapshot:
                return context
        context = cursor_context_at(snapshot.split, snapshot.language, _control_tokens())
        self._contexts.append((snapshot, context))
        return context
