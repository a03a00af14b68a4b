"""What is stored about a server."""

from __future__ import annotations

from fim_lsp.stats.servers import ServerInfo


def test_a_server_is_the_same_after_storing() -> None:
    server = ServerInfo(id="a", pid=7, started=5.5, client="Emacs", workspace="/w", status="idle", problems=("x", "y"))
    assert ServerInfo.from_json(server.to_json()) == server
