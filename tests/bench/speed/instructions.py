"""``python -m tests.bench.speed.instructions``: what a start costs, in instructions counted by valgrind's callgrind.

Counts the whole of ``initialize``, ``shutdown`` and ``exit``, for this server and for one that is nothing but pygls, with
compiled modules and the same order of hashes. The counts differ by less than 0.5 % between runs, however busy the machine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile

from tests.bench.speed.server import OURS, ROOT, STOCK
from tests.lsp.raw_client import framed

_MESSAGES = b"".join(
    framed({"jsonrpc": "2.0", **message})
    for message in (
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "processId": None,
                "rootUri": None,
                "capabilities": {"textDocument": {"inlineCompletion": {}}},
                "initializationOptions": {"backend": "ngram"},
            },
        },
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    )
)


def instructions(command: tuple[str, ...]) -> int:
    """How many instructions a process executes until it has handled a start and an end."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
        subprocess.run(command, input=_MESSAGES, env=environment, capture_output=True, check=False)  # compiles modules
        counted = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
            input=_MESSAGES,
            env=environment,
            capture_output=True,
            check=False,
        )
    found = re.search(rb"Collected : (\d+)", counted.stderr)
    if found is None:
        raise SystemExit("valgrind has counted nothing: is it installed?")
    return int(found[1])


def main() -> None:
    ours, stock = instructions(OURS), instructions(STOCK)
    sys.stdout.write(f"fim-lsp {ours / 1e6:,.0f} M, pygls alone {stock / 1e6:,.0f} M: {ours / stock:.3f}\n")


if __name__ == "__main__":
    main()
