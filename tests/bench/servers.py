"""The servers of the bench, and how each is started."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

INLINE, COMPLETION = "textDocument/inlineCompletion", "textDocument/completion"
ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".cache" / "bench" / "node_modules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How to start a server. ``files`` are written into its home first, ``method`` is the request that it answers."""

    command: tuple[str, ...]
    method: str = INLINE
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def fim_lsp(url: str) -> Server:
    settings = {"BACKEND": "codestral", "BASE_URL": url, "API_KEY": "made-up", "LIMITS_STORE": "process"}
    environment = {"PYTHONPATH": str(ROOT), **{f"FIM_LSP_{name}": value for name, value in settings.items()}}
    return Server(command=(sys.executable, "-m", "fim_lsp"), environment=environment)


def naive(url: str) -> Server:
    return Server(command=(sys.executable, "-m", "tests.bench.naive", url), environment={"PYTHONPATH": str(ROOT)})


def tabby_agent(url: str) -> Server:
    program = PEERS / "tabby-agent" / "dist" / "cli.js"
    if not shutil.which("node") or not program.exists():
        raise SystemExit("tabby-agent is not installed: npm install --prefix .cache/bench tabby-agent@1.5.0")
    config = f'[server]\nendpoint = "{url}"\n[anonymousUsageTracking]\ndisable = true\n'
    return Server(
        command=("node", str(program), "--lsp", "--stdio"),
        method=COMPLETION,
        files={".tabby-client/agent/config.toml": config},
    )


SERVERS = {"fim-lsp": fim_lsp, "naive": naive, "tabby-agent": tabby_agent}
