"""What crosses between a back end's own words and the network: requests, and the profile that writes and reads them.

A profile is pure: it opens no connection, knows no clock and holds no key.
:mod:`fim_lsp.backends.http_backend` does the rest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from fim_lsp.backends.backend import Capacity, Chunk
from fim_lsp.errors import BackendError
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import HttpRequest, HttpResponse
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.text.positions import with_line_feeds
from fim_lsp.text.unicode import encodable


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The API's parameters by their own names, in the ranges of :mod:`fim_lsp.settings.schema`; None is not sent."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = 128
    min_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    random_seed: int | None = None
    stream: bool = True


_Told = TypeVar("_Told")
Flow: TypeAlias = Generator[HttpRequest, HttpResponse, _Told]
"""Questions about a server itself, without I/O: a generator that yields requests, is sent answers and returns what it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """Another way to ask the same server, for the rest of the session, and the ``notice`` that tells the user so."""

    profile: Profile
    notice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server says about itself and its model; what is None or empty it does not say.

    ``temperature`` is the model's default. ``change`` is how it wants to be asked instead.
    """

    model: str = ""
    can_fill: bool | None = None
    temperature: float | None = None
    capacity: Capacity = field(default_factory=Capacity)
    change: ProfileChange | None = None


class Reader(Protocol):
    """Reads one successful answer as its bytes arrive, cut anywhere."""

    def feed(self, data: bytes) -> Iterable[Chunk]:
        """What these bytes complete; run it to its end.

        Raises :class:`~fim_lsp.errors.BackendError` for an error that the answer holds.
        """

    def finish(self) -> Iterable[Chunk]:
        """What is left when the body ends. Raises :class:`~fim_lsp.errors.BadReply` if the answer broke off."""

    @property
    def appended(self) -> bool:
        """Whether the server put the suffix behind its answer instead of filling in before it; known at the end."""


class Profile(Protocol):
    """How one kind of server is asked and understood."""

    @property
    def name(self) -> str:
        """The setting's word for it."""

    @property
    def base_url(self) -> str:
        """Where it is: the key belongs to this address' host."""

    @property
    def model(self) -> str:
        """The model's id, ``""`` where there is none."""

    @property
    def key_missing(self) -> str | None:
        """The sentence to say instead of asking without a key; None where a key is not a must."""

    def request(self, prompt: Prompt) -> HttpRequest:
        """The question as this server wants it."""

    def reader(self, prompt: Prompt) -> Reader:
        """A fresh reader for the answer to ``prompt``."""

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        """What an answer's headers say about rate limits; ``now`` is in seconds since the epoch."""

    def explain(self, status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> BackendError:
        """The error for an answer that is not 2xx, as one sentence without any of the user's text.

        ``body`` may be cut short; ``now`` is in seconds since the epoch, for a Retry-After that is a date.
        """

    @property
    def absent(self) -> str | None:
        """The sentence to say if nothing listens there; None for the usual one."""

    def alternative(self, status: int, body: bytes) -> ProfileChange | None:
        """How to ask after this refusal, if there is another way that may do. ``status`` is 200 for an answer that
        was read to its end and had the suffix appended."""

    def other_model_flow(self) -> Flow[ProfileChange | None]:
        """How to ask when the server has not got the model, if that was not the user's choice: asked of the server."""

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        """A cheap request that lets the server read ``prompt``'s context ahead, or load its model; None if none helps."""

    def capabilities_flow(self) -> Flow[Capabilities]:
        """Ask the server about itself and its model. Raises :class:`~fim_lsp.errors.BackendError`, for example if the
        model is not there."""


class DefaultProfile:
    """The parts of a :class:`Profile` for a server that is asked in one way only, and not about itself."""

    __slots__ = ()

    @property
    def absent(self) -> str | None:
        """See :class:`Profile`."""
        return None

    def alternative(self, status: int, body: bytes) -> ProfileChange | None:
        """See :class:`Profile`."""
        return None

    def other_model_flow(self) -> Flow[ProfileChange | None]:
        """See :class:`Profile`."""
        yield from ()
        return None

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        """See :class:`Profile`."""
        return None

    def capabilities_flow(self) -> Flow[Capabilities]:
        """See :class:`Profile`."""
        yield from ()
        return Capabilities()


def least(*counts: int | None) -> int | None:
    """The smallest of the numbers that are there."""
    return min((count for count in counts if count is not None), default=None)


def stops(*groups: str | tuple[str, ...] | None) -> list[str]:
    r"""All stop strings of ``groups``, in order, each once; their line ends are ``\n`` as those of all that is sent."""
    texts = (text for group in groups for text in ((group,) if isinstance(group, str) else group or ()))
    return list(dict.fromkeys(with_line_feeds(encodable(text)) for text in texts if text))
