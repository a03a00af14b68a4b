"""What the scheduler needs of a back end, and the values that cross."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.prompt.prompt import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that the server says it charged for one call."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """What counts against a tokens-per-minute limit (``x-ratelimit-tokens-query-cost`` equals it)."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of an answer as it arrives; any part may be missing.

    ``finish`` is the server's finish reason (``"stop"``, ``"length"``, …) on the chunk that ends the text.
    ``confidence`` (0 to 1) is how sure a back end that knows is that the whole answer is what will be typed.
    ``replaces_previous``: what came before it is void, another back end has begun from the start.
    ``from_fallback``: the text is not of the back end that the user chose, which could not answer.
    ``notice`` is a sentence for the user: the back end is asked in another way from now on. It comes once.
    """

    text: str = ""
    finish: str | None = None
    usage: Usage | None = None
    quota: Quota | None = None
    confidence: float | None = None
    replaces_previous: bool = False
    from_fallback: bool = False
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much text a server takes, in its own tokens; what is None it does not say.

    ``prefix_tokens`` and ``suffix_tokens`` bound the text around the cursor, ``context_tokens`` what is from elsewhere,
    ``total_tokens`` all of it and the answer. More than ``suffix_share`` of the whole prompt after the cursor would have
    to be evaluated anew at each key.
    """

    prefix_tokens: int | None = None
    suffix_tokens: int | None = None
    context_tokens: int | None = None
    total_tokens: int | None = None
    suffix_share: float | None = None


class Backend(Protocol):
    """Something that fills in the middle."""

    @property
    def name(self) -> str:
        """The setting's word for it: ``"codestral"``, ``"ngram"``, …"""

    @property
    def host(self) -> str:
        """Where the text goes, ``""`` for a back end inside this process."""

    @property
    def model(self) -> str:
        """The model's id, ``""`` where there is none."""

    @property
    def capacity(self) -> Capacity:
        """What is known of how much text it takes; that may come to be known while it is used."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield the answer as it comes. Closing the generator hangs up. Raises :class:`~fim_lsp.errors.BackendError`."""

    async def prepare(self, prompt: Prompt) -> bool:
        """Read ``prompt``'s context ahead, or load the model, if that helps; whether it was done. Never raises."""

    def retry(self) -> None:
        """The user asks: what was given up for a while (a command that brought no key) is tried again at the next call."""

    async def close(self) -> None:
        """Let go of connections, files and threads."""
