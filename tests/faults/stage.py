"""Everything around one server: the host it asks, the way there, and the machine it runs on."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.http import LoopbackServer
from tests.faults.certificates import GOOD, NAME, Certificates
from tests.faults.host import KEY, DyingProxy, Elsewhere, FaultyHost
from tests.faults.machine import Machine

PLAIN, TLS, PROXY, BY_NAME, WITH_CLOCKS = "plain", "TLS", "proxy", "by name", "plain, with clocks"
"""The ways to the host: its address, over TLS, through a proxy's tunnel, or a name that has to be resolved. The last one is
the first one, for a server whose clocks can jump."""

_FOREIGN = "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """``url`` is the base_url of the host, ``env`` the environment of the server that asks it."""

    host: FaultyHost
    elsewhere: Elsewhere
    proxy: DyingProxy
    machine: Machine
    certificates: Certificates | None
    url: str
    env: dict[str, str]
    has_own_clocks: bool

    @property
    def settings(self) -> dict[str, Any]:
        """The user's settings: the defaults, besides the address and the key."""
        return {"backend": "codestral", "base_url": self.url, "api_key": KEY}

    @property
    def hits(self) -> int:
        """How often a fault was met where that can be counted."""
        return self.host.hits + self.proxy.hits

    @property
    def counts_hits(self) -> bool:
        """Whether the present fault is one that can be counted."""
        return any(one is not None for one in (self.host.misbehave, self.host.accept, self.proxy.reply))

    async def show(self, certificate: str) -> None:
        """The host shows another certificate, to everybody who connects from now on; nobody stays connected."""
        assert self.certificates is not None
        self.host.stop_listening()
        self.host.reset_all()
        await self.host.listen(self.certificates.context(certificate))

    async def lose(self, server: LoopbackServer) -> None:
        """A host or a proxy is gone."""
        server.stop_listening()
        server.reset_all()

    async def heal(self) -> None:
        """Everything is as it should be. Clocks stay as they are: to set them right is another jump."""
        self.host.misbehave = self.proxy.reply = None
        self.host.accept = None
        self.host.unblock()
        self.host.stop_listening()
        await self.host.listen(self.certificates.context(GOOD) if self.certificates else None)
        self.proxy.stop_listening()
        await self.proxy.listen()
        self.machine.set_names({NAME: "127.0.0.1"})


@contextlib.asynccontextmanager
async def stage(way: str) -> AsyncIterator[Stage]:
    """Set it up for one way to the host."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        certificates = Certificates(Path(folder)) if way in (TLS, PROXY) else None
        machine = Machine(Path(folder))
        machine.set_names({NAME: "127.0.0.1"})
        context = certificates.context(GOOD) if certificates else None
        async with FaultyHost(tls=context) as host, DyingProxy(host.port) as proxy, Elsewhere() as elsewhere:
            env = {name: "" for name in _FOREIGN if name in os.environ} | machine.env
            if certificates:
                env["SSL_CERT_FILE"] = str(certificates.trusted)
            if way == PROXY:
                env["HTTPS_PROXY"] = proxy.url
            scheme = "https" if certificates else "http"
            url = f"{scheme}://{NAME}:{host.port}" if way in (PROXY, BY_NAME) else host.url
            yield Stage(
                host=host,
                elsewhere=elsewhere,
                proxy=proxy,
                machine=machine,
                certificates=certificates,
                url=url,
                env=env,
                has_own_clocks=way == WITH_CLOCKS,
            )
