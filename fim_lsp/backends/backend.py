"""The interface of a back end, and the values that it exchanges with the scheduler."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.prompt.prompt import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that the server charged for one call."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a completion as it arrives. Any field may be missing.

    ``finish`` is the server's finish reason (``"stop"``, ``"length"``, …), on the chunk that ends the text.
    ``confidence`` is the probability that the whole completion is what will be typed, from a back end that can estimate it.
    ``replaces_previous``: all earlier chunks are void, because another back end starts from scratch.
    ``from_fallback``: the text is not from the back end that the user chose.
    ``notice`` is a sentence for the user, sent once: the server is asked in another way from now on.
    ``author`` is the name of the back end that this and the following chunks are from, and ``because`` the reason why the
    ones before it did not answer. ``overdue``: it takes longer than usual, and nobody else has anything.
    """

    text: str = ""
    finish: str | None = None
    usage: Usage | None = None
    quota: Quota | None = None
    confidence: float | None = None
    replaces_previous: bool = False
    from_fallback: bool = False
    notice: str = ""
    author: str = ""
    because: str = ""
    overdue: bool = False


OnSent = Callable[[int], None]
"""Called each time a request has been sent, with the bytes of its body."""


def ignore_sent(_size: int) -> None:
    """The :data:`OnSent` of those who don't count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much text a server accepts, in its own tokens; None if it is unknown.

    ``prefix_tokens`` and ``suffix_tokens`` bound the text around the cursor, ``context_tokens`` the snippets of other
    files, and ``total_tokens`` the prompt and the completion together. ``suffix_share`` is the largest share of the
    prompt that may come after the cursor: with more, too much would have to be evaluated again at each keystroke.
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
        """The value of the setting ``backend``: ``"codestral"``, ``"ngram"``, …"""

    @property
    def host(self) -> str:
        """Where the text goes; ``""`` for a back end inside this process."""

    @property
    def model(self) -> str:
        """The model's name; ``""`` if there is none."""

    @property
    def capacity(self) -> Capacity:
        """How much text it accepts. More may become known while it is used."""

    def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        """Yield the completion as it arrives. Closing the generator hangs up.

        Raises :class:`~fim_lsp.errors.BackendError`.
        """

    async def prepare(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
        """Let the server read ``prompt``'s context in advance, or load its model; whether that was done. Never raises."""

    def retry(self) -> None:
        """The user asked explicitly: with the next call, try again what was given up for a while."""

    async def close(self) -> None:
        """Release connections, files and threads."""
