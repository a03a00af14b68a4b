"""Serving over TCP from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fim_lsp.cli.serve import parse_address
from fim_lsp.errors import UsageError
from tests.cli.command import posix


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("127.0.0.1:9257", ("127.0.0.1", 9257)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:9257", ("::1", 9257)),
        (":::0", ("::", 0)),
    ],
)
def test_an_address_has_a_host_and_a_port(address: str, parsed: tuple[str, int]) -> None:
    assert parse_address(address) == parsed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:99999",
        "127.0.0.1:" + "1" * 5000,
        "127.0.0.1:²",
        ":9257",
        "[]:9257",
        "[[::1]]:9257",
        " :9257",
        "http://127.0.0.1:9257",
        "9257",
        "",
    ],
)
def test_anything_else_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="must be HOST:PORT"):
        parse_address(address)


@posix
def test_a_server_that_other_machines_can_reach_has_a_token_and_a_warning(project: Path) -> None:
    command = [sys.executable, "-m", "fim_lsp", "--tcp", "0.0.0.0:0", "--allow-remote"]
    env = {**os.environ, "HOME": str(project), "XDG_STATE_HOME": str(project)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=env) as process:
        assert process.stderr
        where, token, warning = (process.stderr.readline() for _ in range(3))
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert where.startswith("fim-lsp: serving on 0.0.0.0:")
    assert token.startswith("fim-lsp: the token is ")
    assert "not encrypted" in warning
    assert (rest, process.returncode) == ("", 128 + signal.SIGTERM)
