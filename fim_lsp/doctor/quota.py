"""Where the quota is counted, what was used of it in the last minute, and who else counts there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fim_lsp.backends.backend import Backend
from fim_lsp.doctor.check import Check, counted, error, info, ok, warning
from fim_lsp.doctor.remedies import Facts, clock_time, remedy_for
from fim_lsp.errors import Paused
from fim_lsp.rate_limit.limiter import SQLITE_FILE, choose_store, identity_of
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.store import SharedUsage, Store, StoreUnavailable, summarize
from fim_lsp.secret import Secret


async def check_quota(backend: Backend, limits: Limits, location: Secret, folder: Path | None) -> list[Check]:
    """Look into the store of ``limits_store``. ``folder`` is the user's state folder, None without a home."""
    if location == Secret("machine") and folder is None:
        return [
            warning(
                "quota",
                "there is no home folder (HOME is not set), so each editor counts the quota for itself",
                "set HOME, or XDG_STATE_HOME, where your editor is started",
            )
        ]
    store = choose_store(location, folder or Path())
    if store is None:
        return [info("quota", f"{_limits(limits)}, counted by each fim-lsp process for itself (limits_store)")]
    place = str(folder / SQLITE_FILE) if folder and location == Secret("machine") else _place(store)
    try:
        await store.open()
        usage = summarize(await store.look(identity_of(backend.host, backend.model)))
    except StoreUnavailable as failure:
        make = warning if limits.unlimited else error
        return [make("quota", f"{failure}; each fim-lsp process counts for itself", remedy_for(failure))]
    finally:
        await store.close()
    return list(_usage(backend, limits, usage, place))


def _place(store: Store) -> str:
    return store.label.removeprefix("the shared count ").removeprefix("at ").removeprefix("in ")


def _usage(backend: Backend, limits: Limits, usage: SharedUsage, place: str) -> Iterator[Check]:
    shared = f"counted in {place}, which is writable"
    if limits.unlimited and not usage.requests:
        yield ok("quota", f"no limit is set for {backend.name}; one that its headers name would be {shared}")
    else:
        used = f"{counted(usage.requests, 'request')} and {counted(usage.tokens, 'token')} were used in the last minute"
        yield ok("quota", f"{_limits(limits)}; {used}{_by_whom(usage)}; {shared}")
    if usage.paused > 0:
        facts = Facts(host=backend.host, until=clock_time(usage.paused))
        failure = Paused(f"{backend.host} has refused a call with 429, so none is made until {facts.until}")
        yield warning("quota", str(failure), remedy_for(failure, facts))


def _by_whom(usage: SharedUsage) -> str:
    if not usage.requests:
        return ""
    by = f", by {usage.processes} fim-lsp process{'es' * (usage.processes != 1)}"
    if usage.foreign_requests or usage.foreign_tokens:
        by += f" and, by the host's own count, by others: {usage.foreign_tokens:,} tokens"
    return by


def _limits(limits: Limits) -> str:
    parts = [
        f"{limit:,} {what}"
        for what, limit in (("requests", limits.requests), ("tokens", limits.tokens))
        if limit is not None
    ]
    return f"{' and '.join(parts)} a minute" if parts else "no limit is set"
