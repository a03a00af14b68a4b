"""What a start costs, without a clock: garbage collection, and the modules that are imported before the first answer."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fim_lsp.cli.start import collection_paused, resume_collection

# In a process of its own: the modules that are there when the answer to initialize is written, beyond those of a server
# that imports pygls and does nothing.
_IMPORTED = """
import asyncio, json, sys
import pygls.lsp.server
stock = set(sys.modules)
from fim_lsp.cli.main import main
from fim_lsp.lsp.transport import Connection

class FirstAnswer:
    def write(self, data):
        print(json.dumps([data.decode(), sorted(set(sys.modules) - stock)]), flush=True)
        connection.end(0)

async def answer():
    global connection
    connection = Connection(json.loads(sys.argv[1]), FirstAnswer())
    connection.receive(sys.stdin.buffer.read())
    await connection.ended
    await connection.close()

asyncio.run(answer())
"""

LIBRARIES = {
    "argparse", "gettext", "shutil", "tempfile", "bz2", "lzma", "zlib", "fnmatch", "gc",  # the command line, platformdirs
    "platformdirs", "tomllib", "string", "difflib",  # settings
    "hashlib", "hmac", "secrets", "random", "bisect", "datetime",  # tokens, placeholders, keys
    "cachetools",
    "sqlite3",  # the quota that all editors share
    "configparser",  # older versions of platformdirs
    "unicodedata",  # globs
}  # fmt: skip
"""What a start imports of other projects and the standard library, besides what pygls does. Think twice before adding."""

NOT_AT_THE_START = {
    "cli": {"complete", "config", "config_from", "config_init", "doctor", "key", "key_input", "stats", "why"},
    "lsp": {"shared_server", "sockets"},
    "doctor": None,
    "session": {"explanation", "inspection", "request_log"},
    "migrate": None,
    "stats": {"batch_writer", "counts", "page", "plots", "reading", "report", "store", "text_report", "worker"},
    "backends": {"llamacpp", "ollama", "openai"},
    "redaction": None,
    "http": {"proxies"},
    "settings": {"check", "effective", "reference", "toml_text"},
}  # by room, None for all of it
"""What serves commands, errors, other transports or the first prompt is imported when it is wanted."""


@pytest.fixture
def collecting() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("collecting")
def test_no_garbage_is_collected_during_imports_and_again_afterwards() -> None:
    with collection_paused():
        assert not gc.isenabled()
        resume_collection()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 1000
    assert gc.isenabled()


@pytest.mark.usefixtures("collecting")
def test_whoever_has_turned_collection_off_finds_it_off() -> None:
    gc.disable()
    with collection_paused():
        pass
    assert not gc.isenabled()


def imported_before_the_answer(home: Path, **options: object) -> list[str]:
    params = {"processId": None, "rootUri": home.as_uri(), "capabilities": {}, "initializationOptions": options}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [sys.executable, "-c", _IMPORTED, json.dumps(environment)],
        input=b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        capture_output=True,
        env=environment,
        check=True,
    )
    answer, modules = json.loads(ran.stdout.splitlines()[0])
    assert '"capabilities"' in answer
    return list(modules)


@pytest.mark.parametrize("options", [{"backend": "ngram"}, {"backend": "codestral", "api_key": "k"}], ids=str)
def test_only_what_is_needed_is_imported_before_initialize_is_answered(tmp_path: Path, options: dict[str, Any]) -> None:
    modules = imported_before_the_answer(tmp_path, **options)
    ours = [name.split(".") for name in modules if name.startswith("fim_lsp.")]
    assert len(ours) > 100
    late = [
        ".".join(parts)
        for parts in ours
        if parts[1] in NOT_AT_THE_START
        and ((names := NOT_AT_THE_START[parts[1]]) is None or (len(parts) > 2 and parts[2] in names))
    ]
    assert late == []
    libraries = {name for name in modules if "." not in name and not name.startswith("_")} - {"fim_lsp"}
    assert libraries <= LIBRARIES
