"""What ``fim-lsp doctor`` examines on the command line: the settings and back ends that an editor in this folder would get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fim_lsp.backends.discovery import LocalServer, find_local_servers
from fim_lsp.backends.factory import BackendSet, create_backends, uses_local_servers
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.doctor.choice import reason_for_first
from fim_lsp.doctor.examination import InUse, Subject
from fim_lsp.rate_limit.limiter import LimiterRegistry, choose_store
from fim_lsp.secret import Secret
from fim_lsp.settings.loader import SettingsLoader
from fim_lsp.settings.schema import Settings
from fim_lsp.settings.sources import state_folder
from fim_lsp.workspace.file_policy import FilePolicy


@asynccontextmanager
async def subject_of_folder(
    root: Path, environment: Mapping[str, str], *, file: Path | None, offline: bool, complete: bool
) -> AsyncIterator[Subject]:
    """The subject for a workspace folder. Back ends and limiters are closed at the end."""
    loader = SettingsLoader(environment, lambda _problems: None)
    settings = loader.start((root,), None)
    limiters = _limiters(settings)
    made: list[BackendSet] = []

    async def in_use() -> InUse:
        found = () if loader.failed_closed else await find_local_servers()
        used, backends = _create(settings, environment, found, limiters)
        made.append(backends)
        return used

    try:
        yield Subject(
            settings=settings,
            effective=loader.effective(),
            environment=environment,
            roots=(root,),
            policy=FilePolicy((root,), settings.exclude, settings.local_only),
            in_use=in_use,
            offline=offline,
            complete=complete and not offline,
            file=file,
        )
    finally:
        for backends in made:
            await backends.close()
        await limiters.close()


def _create(
    settings: Settings, environment: Mapping[str, str], found: tuple[LocalServer, ...], limiters: LimiterRegistry
) -> tuple[InUse, BackendSet]:
    store = KeyStore.of_user(environment)
    by_name: dict[str, LocalServer] = {}
    for server in found if uses_local_servers(settings, environment, store) else ():
        by_name.setdefault(server.name, server)
    made = create_backends(settings, environment, NgramBackend(), by_name, store=store)
    reason = reason_for_first(settings, environment, by_name, store)
    used = InUse(backends=made.backends, problems=made.problems, reason=reason, local_servers=found, limiters=limiters)
    return used, made


def _limiters(settings: Settings) -> LimiterRegistry:
    """Counts where the editors count, so that the completion that is tried is part of the quota."""
    location, folder = settings.limits_store, state_folder()
    if folder is None and location == Secret("machine"):
        location = Secret("process")
    return LimiterRegistry(choose_store(location, folder or Path()), report=lambda _sentence: None)
