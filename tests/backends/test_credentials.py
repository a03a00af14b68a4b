"""Keys: the host that each is for, and the command that prints one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.credentials import COMMAND_COOLDOWN, HOST_VARIABLES, KeySource, key_places, run_command
from fim_lsp.backends.key_store import KEYS, KeyStore
from fim_lsp.errors import Unauthorized
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from tests.rate_limit.fakes import until

ENV = {"CODESTRAL_API_KEY": "of-codestral", "MISTRAL_API_KEY": "of-mistral", "LANGDOCK_API_KEY": "of-langdock"}


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def counting(place: Path, key: str = "f'key-{runs}'") -> tuple[str, ...]:
    """A command that counts its runs in a file, and prints."""
    return program(
        f"import pathlib; p = pathlib.Path({str(place)!r}); p.touch(); runs = len(p.read_text()) + 1;"
        f"p.write_text('x' * runs); print({key})"
    )


@pytest.mark.parametrize(
    ("url", "key"),
    [
        *((site.base_url, f"of-{name}") for name, site in API_HOSTS.items()),
        ("https://codestral.mistral.ai/other/path", "of-codestral"),
        ("http://codestral.mistral.ai", None),
        ("https://codestral.mistral.ai:8443", None),
        ("https://codestral.mistral.ai.example.org", None),
        ("https://example.org/codestral.mistral.ai", None),
        ("http://127.0.0.1:8012", None),
    ],
)
async def test_a_key_from_the_environment_is_only_for_its_own_host(url: str, key: str | None) -> None:
    assert await KeySource(url, env=ENV).key() == (Secret(key) if key else None)


def test_each_hosts_hint_names_its_variable() -> None:
    assert all(HOST_VARIABLES[site.base_url.split("/")[2]] in site.key_hint for site in API_HOSTS.values())


async def test_a_key_from_the_settings_is_for_any_host_and_takes_precedence() -> None:
    url = "https://example.org"
    assert await KeySource(url, api_key=Secret(" mine\n"), command=("false",), env=ENV).key() == Secret("mine")
    assert await KeySource(url, command=program("print('  printed  '); print('more')"), env=ENV).key() == Secret(
        "printed"
    )


async def test_concurrent_calls_run_the_command_once(tmp_path: Path) -> None:
    keys = KeySource("https://example.org", command=counting(tmp_path / "runs"))
    assert set(await asyncio.gather(*(keys.key() for _ in range(5)))) == {Secret("key-1")}
    assert await keys.key() == Secret("key-1")
    old = Secret("key-1")
    assert await asyncio.gather(*(keys.refresh(old) for _ in range(5))) == [True] * 5
    assert await keys.key() == Secret("key-2")
    assert await keys.refresh(old)
    assert await keys.key() == Secret("key-2")


async def test_a_command_that_prints_the_refused_key_is_not_run_again_for_a_while(tmp_path: Path) -> None:
    now = 0.0
    keys = KeySource("https://example.org", command=counting(tmp_path / "runs", "'same'"), clock=lambda: now)
    refused = await keys.key()
    assert refused is not None
    assert not await keys.refresh(refused)
    with pytest.raises(Unauthorized, match="the server refuses"):
        await keys.refresh(refused)
    assert (tmp_path / "runs").read_text() == "xx"
    now = COMMAND_COOLDOWN
    assert not await keys.refresh(refused)
    assert (tmp_path / "runs").read_text() == "xxx"


async def test_without_a_command_there_is_nothing_to_refresh() -> None:
    keys = KeySource("https://example.org", api_key=Secret("k"))
    assert not await keys.refresh(Secret("k"))


async def test_a_cancelled_caller_does_not_stop_the_command(tmp_path: Path) -> None:
    keys = KeySource("https://example.org", command=counting(tmp_path / "runs"))
    first = asyncio.create_task(keys.key())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert await keys.key() == Secret("key-1")
    await keys.close()


async def test_closing_stops_a_running_command() -> None:
    keys = KeySource("https://example.org", command=program("import time; time.sleep(600)"))
    waiting = asyncio.create_task(keys.key())
    await asyncio.sleep(0)
    await asyncio.wait_for(keys.close(), 30)
    with pytest.raises(asyncio.CancelledError):
        await waiting


CHILDREN = """
import os, subprocess, sys, time
children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) for _ in range(2)]
open({0!r} + "~", "w").write(" ".join(str(child.pid) for child in children))
os.rename({0!r} + "~", {0!r})
time.sleep({1})
"""


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX")
@pytest.mark.parametrize("seconds", [600, 0], ids=["running", "ended, its children hold the pipe"])
async def test_closing_ends_the_commands_children_too(tmp_path: Path, seconds: int) -> None:
    keys = KeySource("https://example.org", command=program(CHILDREN.format(str(tmp_path / "pids"), seconds)))
    waiting = asyncio.create_task(keys.key())
    await until((tmp_path / "pids").exists)
    await asyncio.wait_for(keys.close(), 30)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not any(map(alive, (tmp_path / "pids").read_text().split())))


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX")
async def test_closing_while_the_command_starts_ends_its_children_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = asyncio.create_task(run_command(program(CHILDREN.format(str(pids), 600))))
    for _ in range(2):  # the program is started, and asyncio has yet to connect its pipes
        await asyncio.sleep(0)
    while not pids.exists():  # asyncio must not go on meanwhile
        time.sleep(0.01)  # noqa: ASYNC251
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not any(map(alive, pids.read_text().split())))


def alive(process: str) -> bool:
    """Whether a process runs. A zombie does not."""
    state = subprocess.run(["ps", "-o", "state=", "-p", process], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


@pytest.mark.skipif(os.name != "posix", reason="sessions are POSIX")
def test_a_stopped_command_leaves_nothing_in_the_loop(tmp_path: Path) -> None:
    """Not even if its child is in another session and keeps the pipe open."""
    child = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', {0!r}], start_new_session=True); time.sleep(600)"
    )
    stays = f"import pathlib, time, os; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(600)"
    code = f"""
import asyncio, pathlib, sys
from fim_lsp.backends.credentials import KeySource
async def main():
    keys = KeySource("https://example.org", command=(sys.executable, "-c", {child.format(stays)!r}))
    waiting = asyncio.create_task(keys.key())
    while not pathlib.Path({str(tmp_path / "pid")!r}).exists() or not pathlib.Path({str(tmp_path / "pid")!r}).read_text():
        await asyncio.sleep(0.01)
    await keys.close()
asyncio.run(main())
"""
    try:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (done.stderr, done.returncode) == ("", 0)


FAILURES = {
    "can't be started": ("/no/such/program-hunter2", "hunter2"),
    "exit status 3": program("print('hunter2'); import sys; print('hunter2', file=sys.stderr); sys.exit(3)"),
    "empty": program("pass"),
    "characters that no key has": program("print('hunter2\\x07')"),
    "far more": program("print('hunter2' * 100000)"),
}


@pytest.mark.parametrize("words", FAILURES)
async def test_a_failing_command_is_a_sentence_without_its_output(words: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    keys = KeySource("https://example.org", command=FAILURES[words])
    with pytest.raises(Unauthorized, match=words) as caught:
        await keys.key()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(Unauthorized, match=words):
        await keys.key()


async def test_a_command_that_does_not_end() -> None:
    with pytest.raises(Unauthorized, match="did not end"):
        await run_command(program("import time; time.sleep(600)"), limit=0.05)


GRANDCHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
LEFT_OPEN = {
    "a line": (f"{GRANDCHILD}; print('key')", "key"),
    "no newline": (f"{GRANDCHILD}; print('key', end='')", "key"),
    "noise beside it": (f"{GRANDCHILD}; print('unlocking', file=sys.stderr); print('key')", "key"),
    "more lines": (f"{GRANDCHILD}; print('key'); print('note ' * 100)", "key"),
    "an empty line first": (f"{GRANDCHILD}; print(); print('key')", "key"),
    "it runs on": ("import time; print('key', flush=True); time.sleep(600)", "key"),
    "it fails": (f"{GRANDCHILD}; print('key'); sys.exit(3)", "exit status 3"),
    "it fails without output": (f"{GRANDCHILD}; sys.exit(3)", "exit status 3"),
    "it prints nothing": (GRANDCHILD, "empty"),
    "too much": (f"{GRANDCHILD}; print('key' * 100000)", "far more"),
}


@pytest.mark.skipif(os.name != "posix", reason="a child keeps a pipe open by inheritance")
@pytest.mark.parametrize("case", LEFT_OPEN)
async def test_a_pipe_that_remains_open_does_not_delay_the_key(case: str) -> None:
    """A command may start an agent, or print and continue to run: what remains of it is killed, and not waited for."""
    code, expected = LEFT_OPEN[case]
    if expected == "key":
        assert await run_command(program(code)) == Secret("key")
        return
    with pytest.raises(Unauthorized, match=expected):
        await run_command(program(code))


async def test_retry_runs_a_failed_command_again(tmp_path: Path) -> None:
    keys = KeySource("https://example.org", command=counting(tmp_path / "runs", "'key' if runs > 1 else ''"))
    for _ in range(2):
        with pytest.raises(Unauthorized):
            await keys.key()
    keys.retry()
    assert await keys.key() == Secret("key")


async def test_a_key_that_no_header_can_hold_is_never_sent() -> None:
    for key in ("a\nb", "schlüssel", " "):
        with pytest.raises(Unauthorized) as caught:
            await KeySource("https://example.org", api_key=Secret(key)).key()
        assert key not in str(caught.value) or key == " "


def store_with(folder: Path, **keys: str) -> KeyStore:
    """A store with keys for hosts of Mistral's: ``codestral="k"`` is for codestral.mistral.ai."""
    store = KeyStore(folder)
    for name, key in keys.items():
        store.save(("https", f"{name}.mistral.ai"), Secret(key), use_keyring=False)
    return store


URL = "https://codestral.mistral.ai/v1"


async def test_the_order_of_places_and_the_key_that_is_used(tmp_path: Path) -> None:
    store = store_with(tmp_path, codestral="stored")
    sources: dict[str, object] = {
        "api_key": Secret("set"), "command": program("print('printed')"), "env": ENV, "store": store
    }  # fmt: skip
    expected = [
        ("setting", "the setting api_key", "set"),
        ("command", "api_key_command", "printed"),
        ("variable", "CODESTRAL_API_KEY", "of-codestral"),
        ("file", str(tmp_path / KEYS), "stored"),
    ]
    for first in range(len(expected)):
        given = dict(list(sources.items())[first:])
        places = key_places(URL, **given)  # type: ignore[arg-type]
        assert [(place.kind, str(place)) for place in places] == [row[:2] for row in expected[first:]]
        keys = KeySource(URL, **given)  # type: ignore[arg-type]
        assert keys.place == places[0]
        assert await keys.key() == Secret(expected[first][2])
        await keys.close()
    assert key_places("https://example.org", env=ENV, store=store) == ()
    assert KeySource("https://example.org", env=ENV, store=store).place is None


async def test_a_running_server_uses_what_was_stored_since(tmp_path: Path) -> None:
    keys = KeySource(URL, store=KeyStore(tmp_path))
    assert await keys.key() is None
    other = KeyStore(tmp_path)  # another process's
    other.save(("https", "codestral.mistral.ai"), Secret("k-1"), use_keyring=False)
    assert await keys.key() == Secret("k-1")
    assert not await keys.refresh(Secret("k-1"))
    other.save(("https", "codestral.mistral.ai"), Secret("k-2"), use_keyring=False)
    assert await keys.refresh(Secret("k-1"))
    assert await keys.key() == Secret("k-2")
    other.remove(other.entries()["https", "codestral.mistral.ai"])
    assert await keys.key() is None


async def test_a_stored_key_that_cannot_be_read_is_unusable_until_it_is_stored_again(tmp_path: Path) -> None:
    now = 0.0
    store = store_with(tmp_path, codestral="k-1")
    keys = KeySource(URL, store=KeyStore(tmp_path), clock=lambda: now)
    (tmp_path / KEYS).write_text("damaged")
    for _ in range(2):
        with pytest.raises(Unauthorized, match="it is damaged; delete it, and store the keys again"):
            await keys.key()
    (tmp_path / KEYS).unlink()
    store.save(("https", "codestral.mistral.ai"), Secret("k-2"), use_keyring=False)
    assert await keys.key() == Secret("k-2")


origins = st.builds(
    "{}://{}{}/{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from([*HOST_VARIABLES, "llm.example", "codestral.mistral.ai.llm.example", "127.0.0.1", "localhost"]),
    st.sampled_from(["", ":443", ":80", ":8443", ":8012"]),
    st.sampled_from(["", "v1", "mistral/eu/v1/", "codestral.mistral.ai"]),
)


@given(stored=st.lists(origins, max_size=4), asked=origins)
async def test_a_stored_key_is_for_exactly_its_own_origin(
    tmp_path_factory: pytest.TempPathFactory, stored: list[str], asked: str
) -> None:
    store = KeyStore(tmp_path_factory.mktemp("keys"))
    for url in stored:
        store.save(origin_of(url), Secret("key-for-" + "-".join(origin_of(url))), use_keyring=False)
    key = await KeySource(asked, store=store).key()
    of_asked = "key-for-" + "-".join(origin_of(asked))
    assert key == (Secret(of_asked) if origin_of(asked) in map(origin_of, stored) else None)


@pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX")
@pytest.mark.parametrize("command", [("get-key",), ("./get-key",), ("bin/get-key",)])
async def test_no_program_of_a_project_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Wherever the server was started, and whatever PATH contains."""
    project, home = tmp_path / "project", tmp_path / "home"
    for folder in (project, project / "bin", home):
        folder.mkdir()
    for file in (project / "get-key", project / "bin/get-key"):
        file.write_text("#!/bin/sh\ntouch ran\necho stolen\n")
        file.chmod(0o755)
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f".:bin::{os.environ['PATH']}")
    with pytest.raises(Unauthorized, match="can't be started"):
        await run_command(command)
    assert "ran" not in os.listdir(project) + os.listdir(home)
    assert await run_command(("sh", "-c", "pwd")) == Secret(str(home))
