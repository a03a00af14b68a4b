"""The parts that all back ends in tests share."""

from __future__ import annotations

from fim_lsp.backends.backend import Capacity, OnSent, ignore_sent
from fim_lsp.prompt.prompt import Prompt


class BackendDefaults:
    """The parts of :class:`~fim_lsp.backends.backend.Backend` for one that takes any amount of text and holds nothing."""

    capacity = Capacity()

    async def prepare(self, _prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
        """Nothing to do."""
        return False

    def retry(self) -> None:
        """Nothing was given up."""

    async def close(self) -> None:
        """Nothing to release."""
