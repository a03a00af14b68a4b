"""Which server of this machine can fill in the middle, for the back end ``auto``. Nothing but loopback is ever asked."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.error_body import parse_json
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.llamacpp import llamacpp
from fim_lsp.backends.ollama_models import find_models
from fim_lsp.backends.profile import Flow
from fim_lsp.errors import BackendError
from fim_lsp.http.client import listens
from fim_lsp.http.request import HttpResponse, get
from fim_lsp.http.urls import is_loopback

TIMEOUT: Final = 0.3
"""Seconds for a connection, and for each round of questions: a server of this machine needs a hundredth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackPort:
    """Where a server usually listens: the setting's word for it, and its port."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Its address, on loopback and by number: no name is looked up."""
        return f"http://127.0.0.1:{self.port}"


USUAL_PORTS: Final = (
    LoopbackPort(name="llamacpp", port=8012),  # llama-server --fim-…
    LoopbackPort(name="llamacpp", port=8080),  # llama-server by itself
    LoopbackPort(name="ollama", port=11434),
)
"""In the order of preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A server that was found: settings ``backend``, ``base_url`` and ``model``, which is ``""`` where it has only one."""

    name: str
    base_url: str
    model: str = ""


async def find_local_servers(
    places: tuple[LoopbackPort, ...] = USUAL_PORTS, *, known: tuple[LocalServer, ...] = (), within: float = TIMEOUT
) -> tuple[LocalServer, ...]:
    """Those of ``places`` that answer and have a model for filling in the middle. Never raises for what a server says.

    A server that is ``known`` need only listen: one that is busy may take its time to say what it is.
    """
    found = await asyncio.gather(*(_look(place, known, within) for place in places))
    return tuple(local for local in found if local is not None)


async def _look(place: LoopbackPort, known: tuple[LocalServer, ...], within: float) -> LocalServer | None:
    """What is at one place. No redirect is followed and no proxy used, as with every call to loopback."""
    if not is_loopback(place.url):
        raise ValueError("only this machine is looked at")
    if not await listens("127.0.0.1", place.port, within=within):
        return None
    if before := next((local for local in known if (local.name, local.base_url) == (place.name, place.url)), None):
        return before
    backend = HttpBackend(llamacpp(base_url=place.url), keys=KeySource(place.url), timeout=within)
    try:
        await backend.warm_up()
        return await (_llamacpp(backend, place) if place.name == "llamacpp" else backend.run_flow(_ollama(place)))
    except BackendError:
        return None
    finally:
        await backend.close()


async def _llamacpp(backend: HttpBackend, place: LoopbackPort) -> LocalServer | None:
    """A llama-server, unless its model can't fill in; one that is too busy to say so counts."""
    if not await backend.run_flow(_is_llamacpp(place)):
        return None
    can_fill: bool | None = True
    with contextlib.suppress(BackendError):
        can_fill = (await backend.capabilities()).can_fill
    return LocalServer(name="llamacpp", base_url=place.url) if can_fill else None


def _is_llamacpp(place: LoopbackPort) -> Flow[bool]:
    answer: HttpResponse = yield get(f"{place.url}/props")
    props = parse_json(answer.body) if answer.is_success else None
    return isinstance(props, dict) and "default_generation_settings" in props


def _ollama(place: LoopbackPort) -> Flow[LocalServer | None]:
    model, _ = yield from find_models(place.url)
    return LocalServer(name="ollama", base_url=place.url, model=model) if model else None
