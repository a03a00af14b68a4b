"""``fim-lsp key set`` and ``key test``: what a host says of a key, in a sentence and an exit code."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import run
from tests.fakes.api_host import KEY, ApiHost
from tests.fakes.http import FakeServer, Reply
from tests.lsp.forking import ROOT
from tests.lsp.raw_client import write_config

NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "PYTHONPATH": str(ROOT)}
WRONG = "sk-hunter2"


async def key(home: Path, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command while the fake answers."""
    done: subprocess.CompletedProcess[str] = await asyncio.to_thread(
        run, home, "key", *arguments, stdin=stdin, **NO_KEYRING, **env
    )
    for secret in (KEY, WRONG):
        assert secret not in done.stdout + done.stderr
    return done


def used_by(home: Path, server: FakeServer, backend: str = "codestral") -> str:
    """The address of the server, which the settings use."""
    write_config(home, f'backend = "{backend}"\nbase_url = "{server.url}"\n')
    return server.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the host answers to a key, how that is called, and the exit code."""

    host: ApiHost
    key: str = KEY
    says: str
    code: int


CASES = {
    "accepted": Case(
        host=ApiHost(), says="{host} accepts it; running editors use it from their next request on.\n", code=0
    ),
    "without a list": Case(host=ApiHost(models=None), says="{host} accepts it; running editors", code=0),
    "refused": Case(
        host=ApiHost(),
        key=WRONG,
        says="it is stored, but {host} refuses the key (401): get a valid key at the pages of {host}, and keep it with: "
        "fim-lsp key set http://{host}",
        code=1,
    ),
    "limited": Case(
        host=ApiHost(refusal=Reply(status=429, body={"message": "slow down"}, headers={"retry-after": "300"})),
        says="{host} accepts it, but {host} ",
        code=0,
    ),
    "ill": Case(
        host=ApiHost(refusal=Reply(status=500)),
        says="it is stored, but it could not be tested, because {host} ",
        code=1,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_key_is_tested_when_it_is_stored(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    async with FakeServer(case.host) as server:
        done = await key(tmp_path, "set", used_by(tmp_path, server), stdin=case.key)
        file = tmp_path / "config" / "fim-lsp" / "keys.json"
        said = done.stdout if case.code == 0 else done.stderr
        expected = case.says.format(host=server.url.removeprefix("http://"), file=file)
        assert expected in said, done
        assert done.returncode == case.code
        assert case.key in file.read_text()
        assert done.stdout.startswith(f"The key for {server.url} is in {file}.\n")
        assert not any(line.endswith(("..", ":")) for line in said.splitlines())


async def test_a_host_that_cannot_be_reached(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server:
        address = used_by(tmp_path, server)
    done = await key(tmp_path, "set", address, stdin=KEY)
    assert "it is stored, but it could not be tested, because " in done.stderr
    assert done.returncode == 1
    assert (await key(tmp_path, "set", address, "--no-test", stdin=KEY)).returncode == 0


async def test_a_stored_key_and_one_that_is_not(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server:
        address = used_by(tmp_path, server)
        done = await key(tmp_path, "test", address)
        assert done.stderr == f"fim-lsp: there is no key for {address}: run `fim-lsp key set {address}`\n"
        assert done.returncode == 1
        await key(tmp_path, "set", address, stdin=KEY)
        done = await key(tmp_path, "test", address)
        file = tmp_path / "config" / "fim-lsp" / "keys.json"
        assert done.stdout == f"The key from {file}: {server.url.removeprefix('http://')} accepts it.\n"
        done = await key(tmp_path, "test", address, "-", stdin=f"{WRONG}\n")
        assert done.stderr.startswith("fim-lsp: the key from standard input: 127.0.0.1:")
        assert " refuses the key (401): get a valid key at " in done.stderr
        assert done.returncode == 1
        done = await key(tmp_path, "test", address, FIM_LSP_API_KEY=WRONG, FIM_LSP_BASE_URL=address)
        assert done.stderr.startswith("fim-lsp: the key from the setting api_key: 127.0.0.1:")
        requests: list[Any] = [request.body for request in server.requests if request.method == "POST"]
    assert len(requests) == 4
    assert {body["prompt"][:9] for body in requests} == {"def greet"}


async def test_a_host_that_no_setting_uses_is_asked_for_its_models_alone(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server:
        done = await key(tmp_path, "set", server.url, stdin=KEY)
        assert f"{server.url.removeprefix('http://')} lists its models with it.\n" in done.stdout
        assert (done.returncode, {request.method for request in server.requests}) == (0, {"GET"})
        assert (await key(tmp_path, "test", server.url, "-", stdin=WRONG)).returncode == 1
    async with FakeServer(lambda _request: Reply(status=404)) as server:
        done = await key(tmp_path, "test", server.url, "-", stdin=KEY)
        assert "answers, but does not say whether it accepts the key.\n" in done.stdout


async def test_damaged_settings_let_no_key_out(tmp_path: Path) -> None:
    async with FakeServer(ApiHost()) as server:
        write_config(tmp_path, f'base_url = "{server.url}"\nexlude = ["*.sql"]\n')
        done = await key(tmp_path, "set", server.url, stdin=KEY)
        assert "it is stored, but it was not tested: " in done.stderr
        assert (done.returncode, server.requests) == (1, [])


def test_a_key_for_an_address_without_tls_is_warned_of(tmp_path: Path) -> None:
    done = run(tmp_path, "key", "set", "http://gpu.example:8000", "--no-test", stdin=KEY, **NO_KEYRING)
    assert done.stderr.startswith(
        "fim-lsp: a key for http://gpu.example:8000 travels unencrypted: whoever is on the way can read it\n"
    )
    done = run(tmp_path, "key", "set", "http://localhost:8000", "--no-test", stdin=KEY, **NO_KEYRING)
    assert "unencrypted" not in done.stderr
