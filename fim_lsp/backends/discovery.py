"""Finds servers on this machine that can fill in the middle, for the back end ``auto``. Only loopback is ever probed."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.profile import Flow
from fim_lsp.errors import BackendError
from fim_lsp.http.client import listens
from fim_lsp.http.request import HttpResponse, get
from fim_lsp.http.urls import is_loopback

TIMEOUT: Final = 0.3
"""Seconds for a connection, and for each series of requests: a server on this machine needs a hundredth of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackPort:
    """Where a server usually listens. ``name`` is the value of the setting ``backend``."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Its URL, with the address as a number: no name is looked up."""
        return f"http://127.0.0.1:{self.port}"


USUAL_PORTS: Final = (
    LoopbackPort(name="llamacpp", port=8012),  # llama-server's --fim-… presets
    LoopbackPort(name="llamacpp", port=8080),  # llama-server's default
    LoopbackPort(name="ollama", port=11434),
)
"""In order of preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A server that was found, as values for ``backend``, ``base_url`` and ``model`` (``""`` if it has only one)."""

    name: str
    base_url: str
    model: str = ""


async def find_local_servers(
    ports: tuple[LoopbackPort, ...] = USUAL_PORTS, *, known: tuple[LocalServer, ...] = (), within: float = TIMEOUT
) -> tuple[LocalServer, ...]:
    """The servers on ``ports`` that respond and have a model that can fill in the middle. Never raises.

    A ``known`` server only has to listen: it may be too busy to respond in time.
    """
    found = await asyncio.gather(*(_find(port, known, within) for port in ports))
    return tuple(server for server in found if server is not None)


async def _find(port: LoopbackPort, known: tuple[LocalServer, ...], within: float) -> LocalServer | None:
    """The server on one port. As with every call to loopback, no redirect is followed and no proxy is used."""
    if not is_loopback(port.url):
        raise ValueError("only this machine may be searched")
    if not await listens("127.0.0.1", port.port, within=within):
        return None
    if server := next((server for server in known if (server.name, server.base_url) == (port.name, port.url)), None):
        return server
    from fim_lsp.backends.llamacpp import llamacpp  # not for the start: mostly nothing listens

    backend = HttpBackend(llamacpp(base_url=port.url), keys=KeySource(port.url), timeout=within)
    try:
        await backend.warm_up()
        return await (
            _find_llamacpp(backend, port) if port.name == "llamacpp" else backend.run_flow(_ollama_flow(port))
        )
    except BackendError:
        return None
    finally:
        await backend.close()


async def _find_llamacpp(backend: HttpBackend, port: LoopbackPort) -> LocalServer | None:
    """A llama-server, unless its model can't fill in. One that is too busy to report its capabilities counts, too."""
    if not await backend.run_flow(_is_llamacpp_flow(port)):
        return None
    can_fill: bool | None = True
    with contextlib.suppress(BackendError):
        can_fill = (await backend.capabilities()).can_fill
    return LocalServer(name="llamacpp", base_url=port.url) if can_fill else None


def _is_llamacpp_flow(port: LoopbackPort) -> Flow[bool]:
    response: HttpResponse = yield get(f"{port.url}/props")
    props = response.json()
    return isinstance(props, dict) and "default_generation_settings" in props


def _ollama_flow(port: LoopbackPort) -> Flow[LocalServer | None]:
    from fim_lsp.backends.ollama import find_model_flow

    model, _ = yield from find_model_flow(port.url)
    return LocalServer(name="ollama", base_url=port.url, model=model) if model else None
