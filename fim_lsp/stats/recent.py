"""The latest requests and calls of all editors of this user, and the servers that run: what ``fim-lsp why`` reads."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fim_lsp.stats.counts import MAX_RECENT
from fim_lsp.stats.servers import ServerInfo

if TYPE_CHECKING:
    import sqlite3

    from fim_lsp.stats.store import StatsStore

_MAX_AGE = 7 * 86_400.0  # seconds: a server that has written nothing for so long is taken for dead


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentEvent:
    """A :class:`~fim_lsp.schedule.events.RequestAnswered` or a ``CallEnded``: ``data`` has its fields, enums as strings.

    ``server`` is the id of the :class:`ServerInfo`, which may have ended since.
    """

    server: str
    at: float
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The newest come first. Servers write what happened every ten seconds."""

    servers: tuple[ServerInfo, ...] = ()
    requests: tuple[RecentEvent, ...] = ()
    calls: tuple[RecentEvent, ...] = ()


def read_recent(store: StatsStore) -> Recent:
    """What is known now; empty without a file. Raises :class:`~fim_lsp.errors.StatsUnavailable`."""
    with store.reading() as db:
        if db is None:
            return Recent()
        oldest = time.time() - _MAX_AGE
        rows = db.execute("SELECT data FROM servers WHERE seen > ? ORDER BY started DESC", (oldest,)).fetchall()
        requests, calls = (_newest(db, kind) for kind in ("request", "call"))
        servers = tuple(info for (data,) in rows if is_running((info := ServerInfo.from_json(data)).pid))
    return Recent(servers=servers, requests=requests, calls=calls)


def _newest(db: sqlite3.Connection, kind: str) -> tuple[RecentEvent, ...]:
    """A row has what one server wrote at once, from the oldest to the newest."""
    events = []
    for server, text in db.execute("SELECT server, data FROM recent WHERE kind = ? ORDER BY id DESC", (kind,)):
        data = json.loads(text)
        for values in reversed(data["values"]):
            fields = dict(zip(data["names"], values, strict=True))
            events.append(RecentEvent(server=server, at=fields["at"], data=fields))
    events.sort(key=lambda event: event.at, reverse=True)
    return tuple(events[:MAX_RECENT])


def is_running(pid: int) -> bool:
    """Whether there is a process with this id; taken for granted where that can't be asked without harm (Windows)."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return False
    return True
