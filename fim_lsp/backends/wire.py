"""What crosses between a back end's own words and the network: requests, and the profile that writes and reads them.

A profile is pure: it opens no connection, knows no clock and holds no key.
:mod:`fim_lsp.backends.remote` does the rest.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from fim_lsp.backends.base import Capacity, Chunk, Quota
from fim_lsp.errors import BackendError, SettingError
from fim_lsp.prompt.prompt import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One call, without the key: the Authorization header is added at the very end, and only for the key's own host."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    streaming: bool
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer to a question that is no completion: its status, headers, and as much of its body as is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        """Whether the status is one of the 2xx."""
        return 200 <= self.status < 300


_Told = TypeVar("_Told")
Talk: TypeAlias = Generator[HttpRequest, Answer, _Told]
"""Questions about a server itself, without I/O: a generator that yields requests, is sent answers and returns what it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Another way to ask the same server, for the rest of the session, and the ``notice`` that tells the user so."""

    profile: Profile
    notice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server says about itself and its model; what is None or empty it does not say.

    ``temperature`` is the model's default. ``switch`` is how it wants to be asked instead.
    """

    model: str = ""
    can_fill: bool | None = None
    temperature: float | None = None
    capacity: Capacity = field(default_factory=Capacity)
    switch: Switch | None = None


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

    def instead(self, status: int, body: bytes) -> Switch | None:
        """How to ask after this refusal, if there is another way that may do. ``status`` is 200 for an answer that
        was read to its end and had the suffix appended."""

    def without_model(self) -> Talk[Switch | None]:
        """How to ask when the server has not got the model, if that was not the user's choice: asked of the server."""

    def warm_up(self, prompt: Prompt) -> HttpRequest | None:
        """A cheap request that lets the server read ``prompt``'s context ahead, or load its model; None if none helps."""

    def inquire(self) -> Talk[Capabilities]:
        """Ask the server about itself and its model. Raises :class:`~fim_lsp.errors.BackendError`, for example if the
        model is not there."""


class Plain:
    """The parts of a :class:`Profile` for a server that is asked in one way only, and not about itself."""

    __slots__ = ()

    @property
    def absent(self) -> str | None:
        """See :class:`Profile`."""
        return None

    def instead(self, status: int, body: bytes) -> Switch | None:
        """See :class:`Profile`."""
        return None

    def without_model(self) -> Talk[Switch | None]:
        """See :class:`Profile`."""
        yield from ()
        return None

    def warm_up(self, prompt: Prompt) -> HttpRequest | None:
        """See :class:`Profile`."""
        return None

    def inquire(self) -> Talk[Capabilities]:
        """See :class:`Profile`."""
        yield from ()
        return Capabilities()


_ENDPOINTS: Final = (
    "v1/models", "fim/completions", "chat/completions", "completions", "completion", "infill", "props",
    "api/generate", "api/chat", "api/show", "api/tags", "v1",
)  # fmt: skip
"""Ends of addresses that people copy from a server's documentation: paths of its API, not of where it is."""


def endpoint(base_url: str, path: str, *, beside: str = "") -> str:
    """``path`` under ``base_url``, which may end with slashes, with any beginning of ``path``, with all of it, or with
    another path of such an API; ``beside`` is one more that the host has. None of these parts is said twice.

    Raises :class:`~fim_lsp.errors.SettingError` for anything but a plain http(s) address: a user name in it would be
    sent as a login, a query would end up in the middle.

    >>> endpoint("https://api.example.org/mistral/eu/v1/", "/v1/fim/completions")
    'https://api.example.org/mistral/eu/v1/fim/completions'
    >>> endpoint("https://gateway.example.org//llm/v1/chat/completions", "/infill")
    'https://gateway.example.org/llm/infill'
    """
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise SettingError("base_url must be like https://host or http://host:port/path, without login, ? and #")
    steps = [step for step in parts.path.split("/") if step]
    wanted = path.strip("/").split("/")
    beginnings = [wanted[:count] for count in range(len(wanted), 0, -1)]
    known = [*beginnings, *(it.split("/") for it in (*_ENDPOINTS, *([beside] if beside else [])))]
    while end := next((it for it in known if steps[-len(it) :] == it), None):
        del steps[-len(end) :]
    return "/".join([f"{parts.scheme}://{parts.netloc}", *steps, *wanted])


def path_of(url: str) -> str:
    """The path that ``url`` asks for, as a sentence names it."""
    return urlsplit(url).path or "/"


def host_of(url: str) -> str:
    """The host that ``url`` names, with its port if that is not the scheme's own."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if parts.port in (None, usual) else f"{name}:{parts.port}"


def origin_of(url: str) -> tuple[str, str]:
    """Scheme and host, which together decide whose a key is: the same host without TLS is another place."""
    return urlsplit(url).scheme, host_of(url)


def is_here(host: str) -> bool:
    """Whether a back end's ``host`` is this process or this machine."""
    return not host or is_loopback(f"//{host}")


def is_loopback(url: str) -> bool:
    """Whether ``url`` stays on this machine."""
    name = urlsplit(url).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
