"""Profiles: how to talk to one kind of server.

A profile is pure: it opens no connection, reads no clock and holds no key. :mod:`fim_lsp.backends.http_backend` does the
rest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias, TypeVar

from fim_lsp.backends.backend import Capacity, Chunk
from fim_lsp.errors import BackendError
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import HttpRequest, HttpResponse
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.text.positions import with_line_feeds
from fim_lsp.text.unicode import encodable

HIGHER_TEMPERATURES: Final = 0.8, 1.0
"""For :meth:`Generation.varied`, at servers whose own temperature is usually 0.7 to 1."""

_STEP: Final = 0.4
_MAX_TEMPERATURE: Final = 1.2  # above, code is mostly noise; the APIs allow 1.5 and 2
_MAX_SEED: Final = 2**31  # servers that have 32 bits for it reject or cut larger ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The API's parameters by their own names, in the ranges of :mod:`fim_lsp.settings.schema`. None is not sent."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = 128
    min_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    random_seed: int | None = None
    stream: bool = True

    def varied(self, variation: int, *, unset: tuple[float | None, ...] = (0.4, 0.8)) -> Generation:
        """The parameters for a prompt's ``variation``: with another seed and a higher temperature.

        ``unset`` are the temperatures of variations 1, 2 … where the settings contain none; otherwise each variation
        raises it by 0.4.
        """
        if not variation:
            return self
        if self.temperature is None:
            temperature = unset[min(variation, len(unset)) - 1]
        else:
            raised = min(self.temperature + _STEP * variation, _MAX_TEMPERATURE)
            temperature = max(self.temperature, round(raised, 2))
        return replace(self, temperature=temperature, random_seed=((self.random_seed or 0) + variation) % _MAX_SEED)


_Result = TypeVar("_Result")
Flow: TypeAlias = Generator[HttpRequest, HttpResponse, _Result]
"""A conversation with a server, without I/O: a generator that yields requests, is sent responses and returns a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """Another way to ask the same server, for the rest of the session, and the ``notice`` that informs the user."""

    profile: Profile
    notice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server reports about itself and its model. ``change`` is how it should be asked instead."""

    can_fill: bool | None = None
    capacity: Capacity = field(default_factory=Capacity)
    change: ProfileChange | None = None


class Reader(Protocol):
    """Reads one successful response as its bytes arrive, cut anywhere."""

    def feed(self, data: bytes) -> Iterable[Chunk]:
        """The chunks that these bytes complete; to be exhausted before the next call.

        Raises :class:`~fim_lsp.errors.BackendError` for an error inside the response.
        """

    def finish(self) -> Iterable[Chunk]:
        """The remaining chunks at the end of the body. Raises :class:`~fim_lsp.errors.BadReply` if it broke off."""

    @property
    def suffix_appended(self) -> bool:
        """Whether the server appended the suffix to the text instead of filling in before it; known at the end."""


class Profile(Protocol):
    """How to talk to one kind of server. Optional parts have a default in :class:`DefaultProfile`."""

    @property
    def name(self) -> str:
        """The value of the setting ``backend``."""

    @property
    def base_url(self) -> str:
        """The server's URL. The key belongs to its host."""

    @property
    def model(self) -> str:
        """The model's name; ``""`` if there is none."""

    def request(self, prompt: Prompt) -> HttpRequest:
        """The request for a completion."""

    def reader(self, prompt: Prompt) -> Reader:
        """A new reader for the response to ``prompt``."""

    def error(self, response: HttpResponse, quota: Quota | None = None) -> BackendError:
        """The error for a response that is not 2xx, as one sentence without any of the user's text.

        The body may be cut short. ``quota`` is what :meth:`quota` read from the headers.
        """

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        """The rate limits in a response's headers; ``now`` is in seconds since the epoch."""

    @property
    def missing_key_message(self) -> str | None:
        """The message to show instead of asking without a key; None if a key is optional."""

    @property
    def not_running_message(self) -> str | None:
        """The message if nothing listens at the address; None for the usual one."""

    def alternative(self, response: HttpResponse) -> ProfileChange | None:
        """How to ask after this error response, if there is another way that may work."""

    def alternative_without_suffix(self) -> ProfileChange | None:
        """How to ask a server that appended the suffix to its completion, if there is another way."""

    def other_model_flow(self) -> Flow[ProfileChange | None]:
        """Find another model on a server that does not have this one, unless this one was the user's choice."""

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        """A cheap request that makes the server read ``prompt``'s context in advance, or load its model, if that helps."""

    def capabilities_flow(self) -> Flow[Capabilities]:
        """Ask the server about itself and its model.

        Raises :class:`~fim_lsp.errors.BackendError`, for example if it does not have the model.
        """

    def models_flow(self) -> Flow[tuple[str, ...]]:
        """The ids of the server's models that can fill in the middle, as far as it says; none if it has no list.

        Raises :class:`~fim_lsp.errors.BackendError`.
        """


class DefaultProfile:
    """The optional parts of a :class:`Profile`, for a server that is asked in one way only, and not about itself."""

    __slots__ = ()

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        return None

    @property
    def missing_key_message(self) -> str | None:
        return None

    @property
    def not_running_message(self) -> str | None:
        return None

    def alternative(self, response: HttpResponse) -> ProfileChange | None:
        return None

    def alternative_without_suffix(self) -> ProfileChange | None:
        return None

    def other_model_flow(self) -> Flow[ProfileChange | None]:
        yield from ()
        return None

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        return None

    def capabilities_flow(self) -> Flow[Capabilities]:
        yield from ()
        return Capabilities()

    def models_flow(self) -> Flow[tuple[str, ...]]:
        yield from ()
        return ()


def smallest(*counts: int | None) -> int | None:
    """The smallest of the numbers that are not None."""
    return min((count for count in counts if count is not None), default=None)


def stop_strings(*groups: str | tuple[str, ...] | None) -> list[str]:
    r"""The stop strings of all ``groups``, in order and without repetition, with ``\n`` for every line end."""
    strings = (string for group in groups for string in ((group,) if isinstance(group, str) else group or ()))
    return list(dict.fromkeys(with_line_feeds(encodable(string)) for string in strings if string))
