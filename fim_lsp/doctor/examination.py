"""All checks, in their order: those that take time run at the same time, and each is handed on as soon as it is known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.discovery import USUAL_PORTS, LocalServer
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.doctor import choice
from fim_lsp.doctor.check import Check, info, ok, warning
from fim_lsp.doctor.configuration import check_settings
from fim_lsp.doctor.editors import check_editors, find_editors
from fim_lsp.doctor.host_checks import checks_of, checks_offline, in_one_line
from fim_lsp.doctor.host_findings import examine
from fim_lsp.doctor.installation import check_installation
from fim_lsp.doctor.quota import check_quota
from fim_lsp.doctor.statistics import check_statistics
from fim_lsp.doctor.workspace import check_file, check_workspace, count_files
from fim_lsp.http.client import listens
from fim_lsp.rate_limit.limiter import LimiterRegistry
from fim_lsp.session.backend_manager import quota_of
from fim_lsp.settings.effective import EffectiveSettings
from fim_lsp.settings.schema import Settings
from fim_lsp.settings.sources import state_folder, user_file
from fim_lsp.stats.recorder import stats_path
from fim_lsp.workspace.file_policy import FilePolicy

log = logging.getLogger(__name__)

SECTION_TIMEOUT: Final = 14.0
"""Seconds for all checks, since they run at the same time; each has a shorter limit of its own."""

Checks: TypeAlias = Sequence[Check]


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """The back ends in the order in which they are tried, and what they were made from.

    ``problems`` are sentences about those that can't be made, ``reason`` is why the first one is the first.
    """

    backends: tuple[Backend, ...]
    problems: tuple[str, ...]
    reason: str
    local_servers: tuple[LocalServer, ...]
    limiters: LimiterRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is examined. ``in_use`` makes or finds the back ends. ``live`` are checks that only a running server can make.

    ``offline``: no other machine is contacted. ``complete``: a completion is made, which costs some tokens. ``file`` is
    one to judge, with the editor's ``language`` id for it.
    """

    settings: Settings
    effective: EffectiveSettings
    environment: Mapping[str, str]
    roots: tuple[Path, ...]
    policy: FilePolicy
    in_use: Callable[[], Awaitable[InUse]]
    offline: bool = False
    complete: bool = True
    file: Path | None = None
    language: str = ""
    live: tuple[Check, ...] = ()


async def run_checks(subject: Subject) -> AsyncIterator[Check]:
    """Every check, in their order. Takes up to :data:`SECTION_TIMEOUT` seconds."""
    in_use = asyncio.ensure_future(subject.in_use())
    sections: dict[str, Coroutine[Any, Any, Checks]] = {
        "python": _in_thread(lambda: list(check_installation(subject.environment, started=bool(subject.live)))),
        "settings": _settings(subject),
        "back end": _choice(subject, in_use),
        "host": _first(subject, in_use),
        "quota": _quota(subject, in_use),
        "fallback": _fallbacks(subject, in_use),
        "local servers": _local_servers(subject, in_use),
        "workspace": _workspace(subject),
        "file": _file(subject, in_use),
        "statistics": _in_thread(lambda: [check_statistics(subject.settings, stats_path())]),
        "editors": _editors(subject),
    }
    tasks = [asyncio.create_task(_limited(name, section)) for name, section in sections.items()]
    try:
        for task in tasks:
            for check in await task:
                yield check
    finally:
        for pending in (*tasks, in_use):
            pending.cancel()
        await asyncio.gather(*tasks, in_use, return_exceptions=True)


async def _limited(name: str, section: Coroutine[Any, Any, Checks]) -> Checks:
    """A section's checks, whatever happens in it."""
    try:
        async with asyncio.timeout(SECTION_TIMEOUT):
            return await section
    except TimeoutError:
        return [
            warning(name, f"this took longer than {SECTION_TIMEOUT:.0f} s", "try again when the machine is less busy")
        ]
    except Exception as error:  # noqa: BLE001 - one check must not hide the results of the others
        log.error("%s while checking %s", type(error).__name__, name)
        return [
            warning(name, f"this could not be checked ({type(error).__name__})", "look into the log: --log-level debug")
        ]


async def _in_thread(work: Callable[[], Checks]) -> Checks:
    return await asyncio.to_thread(work)


async def _settings(subject: Subject) -> Checks:
    return [*check_settings(subject.effective, user_file(subject.environment)), *subject.live]


async def _choice(subject: Subject, in_use: Awaitable[InUse]) -> Checks:
    used = await in_use
    closed = subject.effective.failed_closed
    stored = choice.check_key_store(KeyStore.of_user(subject.environment))
    return [*choice.check_choice(used.backends, used.problems, used.reason, failed_closed=closed), *stored]


async def _first(subject: Subject, in_use: Awaitable[InUse]) -> Checks:
    used = await in_use
    first = used.backends[0] if used.backends else None
    return await _examined(subject, used, first) if isinstance(first, HttpBackend) else []


async def _fallbacks(subject: Subject, in_use: Awaitable[InUse]) -> Checks:
    used = await in_use
    results = await asyncio.gather(*(_fallback(subject, used, backend) for backend in used.backends[1:]))
    if not results and used.backends and used.backends[0].host:
        return [
            info("fallback", "there is none: nothing is suggested while the back end fails", 'set fallback = ["ngram"]')
        ]
    return results


async def _fallback(subject: Subject, used: InUse, backend: Backend) -> Check:
    if not isinstance(backend, HttpBackend):
        return ok("fallback", f"{backend.name} completes from your own files, without a key or a network")
    found = in_one_line("fallback", await _examined(subject, used, backend))
    return replace(found, message=f"{backend.name}: {found.message}")


async def _examined(subject: Subject, used: InUse, backend: HttpBackend) -> Checks:
    server = choice.describe_server(
        backend,
        subject.environment,
        key_origins=subject.effective["api_key"].origins,
        model_origins=subject.effective["model"].origins,
        temperature=subject.settings.temperature,
    )
    if subject.offline and choice.is_remote(backend):
        return checks_offline(server)
    limiter = used.limiters.get(backend.host, backend.model, quota_of(backend, subject.settings))
    return checks_of(server, await examine(backend, limiter, complete=subject.complete))


async def _quota(subject: Subject, in_use: Awaitable[InUse]) -> Checks:
    used = await in_use
    settings = subject.settings
    for backend in used.backends:
        limits = quota_of(backend, settings)
        if choice.is_remote(backend) or (backend.host and not limits.unlimited):
            return await check_quota(backend, limits, settings.limits_store, state_folder())
    return []


async def _local_servers(subject: Subject, in_use: Awaitable[InUse]) -> Checks:
    if subject.effective.failed_closed:
        return []
    used = await in_use
    ports = {port.port for port in USUAL_PORTS} - {
        int(server.base_url.rpartition(":")[2]) for server in used.local_servers
    }
    busy = [port for port in sorted(ports) if await listens("127.0.0.1", port, within=0.3)]
    return [choice.check_local_servers(used.local_servers, busy)]


async def _workspace(subject: Subject) -> Checks:
    count = await asyncio.to_thread(count_files, subject.roots, subject.policy)
    return [check_workspace(subject.roots, count)]


async def _file(subject: Subject, in_use: Awaitable[InUse]) -> Checks:
    if subject.file is None:
        return []
    backends = (await in_use).backends
    return list(check_file(subject.file, subject.language, subject.settings, subject.policy, backends))


async def _editors(subject: Subject) -> Checks:
    with suppress(OSError):
        return list(check_editors(await find_editors(subject.environment)))
    return []
