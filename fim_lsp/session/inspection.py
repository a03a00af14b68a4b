"""The parts of a running session that ``fim-lsp.doctor`` examines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.discovery import LocalServer
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.rate_limit.limiter import LimiterRegistry
from fim_lsp.schedule.circuit_breaker import State
from fim_lsp.session.backend_manager import BackendManager, quota_of
from fim_lsp.session.session import Session
from fim_lsp.session.status_tracker import Status
from fim_lsp.session.words import time_of_day
from fim_lsp.settings.effective import EffectiveSettings
from fim_lsp.settings.schema import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a session works with now.

    ``problems`` are sentences about back ends that can't be made. ``paused`` are back ends that are not asked at the moment,
    each with the reason as a sentence. ``files`` and ``tokens`` have been read by the embedded model; ``indexing``: it reads.
    """

    settings: Settings
    effective: EffectiveSettings
    environment: Mapping[str, str]
    roots: tuple[Path, ...]
    backends: tuple[Backend, ...]
    problems: tuple[str, ...]
    local_servers: Mapping[str, LocalServer]
    key_store: KeyStore | None
    limiters: LimiterRegistry
    status: Status
    paused: tuple[tuple[str, str], ...]
    files: int
    tokens: int
    indexing: bool


async def inspect(session: Session) -> Inspection:
    """Wait until the editor's settings are known and servers on this machine have been looked for, and take what there is."""
    await session._loader.wait_for_workspace_settings()
    manager = session._backends
    await manager.wait_for_search()
    current = manager._current
    backends = current.backends if current else ()
    index = session._ngram.index
    limiters = manager._limiters or LimiterRegistry(None, report=lambda _sentence: None)
    return Inspection(
        settings=session.settings,
        effective=session._loader.effective(),
        environment=manager._environment,
        roots=session._roots,
        backends=backends,
        problems=current.problems if current else (),
        local_servers=dict(manager._local_servers),
        key_store=manager._key_store,
        limiters=limiters,
        status=session.status,
        paused=tuple(_paused(manager, backends, limiters, session.settings)),
        files=index.files,
        tokens=index.tokens,
        indexing=not index.wait(0),
    )


def _paused(
    manager: BackendManager, backends: tuple[Backend, ...], limiters: LimiterRegistry, settings: Settings
) -> list[tuple[str, str]]:
    found = []
    now = time.time()
    for backend in backends:
        breaker = manager._breakers.get(id(backend))
        if breaker is not None and breaker.state is not State.CLOSED:
            found.append((backend.name, f"{backend.name} is paused: {breaker.reason}"))
        if backend.host:
            limiter = limiters.get(backend.host, backend.model, quota_of(backend, settings))
            if (seconds := limiter.counter.window().paused) > 0:
                until = time_of_day(now + seconds, now)
                found.append((backend.name, f"{backend.name} refused a call with 429: none is made until {until}"))
    return found
