"""The latest requests of all editors, and the servers that run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from fim_lsp.stats.counts import MAX_RECENT
from fim_lsp.stats.recent import Recent, is_running, read_recent
from fim_lsp.stats.servers import ServerInfo
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import ANSWERED, CALL, NOON, batch


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert read_recent(StatsStore(tmp_path / "stats.sqlite3")) == Recent()


def test_requests_of_several_servers_come_with_the_newest_first(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    here = ServerInfo(id="a", pid=os.getpid(), started=5.0, client="Neovim")
    there = replace(here, id="b", started=6.0, client="VS Code", problems=("what is wrong",))
    store.add(batch(*(replace(ANSWERED, request=number, at=NOON + 2 * number) for number in range(150))), here)
    store.add(batch(*(replace(ANSWERED, request=number, at=NOON + 301) for number in range(100)), CALL), there)
    found = read_recent(store)
    assert found.servers == (there, here)
    assert len(found.requests) == MAX_RECENT
    assert [(event.server, event.data["request"]) for event in found.requests[:2]] == [("b", 99), ("b", 98)]
    assert [(event.server, event.data["host"]) for event in found.calls] == [("b", "codestral.mistral.ai")]


def test_a_server_that_was_killed_is_not_listed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(ANSWERED), ServerInfo(id="a", pid=ended.pid, started=5.0))
    assert read_recent(store).servers == ()
    assert is_running(os.getpid())
