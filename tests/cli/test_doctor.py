"""``fim-lsp doctor`` as a new user runs it: each failure has its cause, its remedy, and the right exit code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fim_lsp.cli.doctor import EDITOR_NAMES
from fim_lsp.doctor.editor_blocks import EDITORS
from tests.fakes.api_host import CODESTRAL, KEY, LARGE, LIMITS, PAGE, ApiHost
from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.fixtures import make_certificate, server_context
from tests.fakes.http import FakeServer, LoopbackServer, RawServer, Reply
from tests.fakes.proxy import FakeProxy

SECRET = "sk-nobody-must-see-this-one"
CONFIG = "config/fim-lsp/config.toml"
HOSTS = ("codestral.mistral.ai", "api.mistral.ai", "api.langdock.com")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the real names of the hosts, which a proxy leads to a server of ours."""
    return make_certificate(tmp_path_factory.mktemp("tls"), *(f"DNS:{host}" for host in HOSTS))


def doctor(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    (home / "project").mkdir(exist_ok=True)
    clean = {"PATH": f"{home / 'bin'}:{Path(sys.executable).parent}", "LANG": "C.UTF-8", "HOME": str(home)}
    clean |= {"XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state")}
    return subprocess.run(
        [sys.executable, "-m", "fim_lsp", "doctor", *arguments],
        env={**clean, **env}, cwd=home / "project", capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL,
        timeout=120, check=False,
    )  # fmt: skip


@asynccontextmanager
async def network(answer: ApiHost, certificate: Path) -> AsyncIterator[dict[str, str]]:
    """The environment in which all real hosts are ``answer``, over TLS and through a proxy."""
    async with FakeServer(answer, tls=server_context(certificate)) as server, FakeProxy(server.port) as proxy:
        yield {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(certificate)}


def write(home: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """``check`` must be in ``state``, with these words in its message and its remedy."""

    check: str
    state: str = "error"
    message: tuple[str, ...]
    remedy: tuple[str, ...]
    host: ApiHost = field(default_factory=ApiHost)
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    exit_code: int = 1


CODESTRAL_KEY = {"CODESTRAL_API_KEY": KEY}
MISTRAL_KEY = {"MISTRAL_API_KEY": KEY}
NO_LIST = ApiHost(models=None)
GIT = {"project/.git/HEAD": ""}

FAILURES = {
    "no key": Failure(
        env={"FIM_LSP_BACKEND": "codestral"}, check="key",
        message=("codestral.mistral.ai requires a Codestral key",),
        remedy=("console.mistral.ai", "fim-lsp key set codestral.mistral.ai", "CODESTRAL_API_KEY"),
    ),
    "no key, offline": Failure(
        env={"FIM_LSP_BACKEND": "langdock"}, arguments=("--offline",), check="key",
        message=("requires a Langdock key", "Completion API"), remedy=("fim-lsp key set api.langdock.com",),
    ),
    "another host's key": Failure(
        env={"FIM_LSP_BACKEND": "codestral", **MISTRAL_KEY}, check="key",
        message=("requires a Codestral key",), remedy=('backend = "mistral"',),
    ),
    "wrong key": Failure(
        host=NO_LIST, env={"CODESTRAL_API_KEY": SECRET}, check="key",
        message=("codestral.mistral.ai refuses the key (401)", "is from CODESTRAL_API_KEY"),
        remedy=("console.mistral.ai", "set CODESTRAL_API_KEY to it"),
    ),
    "wrong key, in the settings": Failure(
        files={CONFIG: f'backend = "mistral"\napi_key = "{SECRET}"\n'}, check="key",
        message=("refuses the key (401)",), remedy=("set api_key in", "config.toml"),
    ),
    "wrong key, nothing completed": Failure(
        env={"MISTRAL_API_KEY": SECRET}, arguments=("--no-call",), check="key",
        message=("refuses the key (401)",), remedy=("set MISTRAL_API_KEY",),
    ),
    "a command that prints no key": Failure(
        files={CONFIG: f'backend = "codestral"\napi_key_command = ["{sys.executable}", "-c", "raise SystemExit(1)"]\n'},
        check="key",
        message=("api_key_command failed with exit status 1",), remedy=("in a terminal",),
    ),
    "unknown model": Failure(
        env={**MISTRAL_KEY, "FIM_LSP_MODEL": "codestrall"}, check="model",
        message=("has no model codestrall", "it has codestral-2508"),
        remedy=('model = "codestral-latest"', "FIM_LSP_MODEL"),
    ),
    "unknown model, without a list": Failure(
        host=NO_LIST, env={**CODESTRAL_KEY, "FIM_LSP_MODEL": "codestrall"}, check="model",
        message=("does not offer the model codestrall (400)",), remedy=("`model`", "FIM_LSP_MODEL"),
    ),
    "a model that can't fill in": Failure(
        env={**MISTRAL_KEY, "FIM_LSP_MODEL": "mistral-large-latest"}, arguments=("--no-call",), check="model",
        message=("can't fill in the middle", "codestral-2508 can"), remedy=('model = "codestral-latest"',),
    ),
    "a retired default model": Failure(
        env={"LANGDOCK_API_KEY": KEY}, check="model", state="warning", exit_code=0,
        message=("does not offer codestral-2501", "uses codestral-latest"),
        remedy=('config.toml: model = "codestral-latest"',),
    ),
    "dead host": Failure(
        files={CONFIG: f'backend = "codestral"\nbase_url = "http://127.0.0.1:9"\napi_key = "{SECRET}"\n'}, check="host",
        message=("can't connect to 127.0.0.1:9", "nothing listens"), remedy=("start the server", "base_url"),
    ),
    "unknown name": Failure(
        env={"HTTPS_PROXY": ""}, check="host",
        files={CONFIG: f'backend = "codestral"\nbase_url = "https://no.such.host.invalid"\napi_key = "{SECRET}"\n'},
        message=("its name is unknown",), remedy=("spelling of base_url", "online", "HTTPS_PROXY"),
    ),
    "no llama-server": Failure(
        env={"FIM_LSP_BACKEND": "llamacpp", "FIM_LSP_BASE_URL": "http://127.0.0.1:9"}, check="host",
        message=("llama-server",), remedy=("start the server",),
    ),
    "broken proxy": Failure(
        env={**CODESTRAL_KEY, "HTTPS_PROXY": f"http://me:{SECRET}@127.0.0.1:9"}, check="host",
        message=("can't connect to the proxy 127.0.0.1:9", "codestral.mistral.ai"),
        remedy=("HTTPS_PROXY", "NO_PROXY=codestral.mistral.ai"),
    ),
    "a proxy's bad address": Failure(
        env={**CODESTRAL_KEY, "HTTPS_PROXY": f"gopher://me:{SECRET}@127.0.0.1:9"}, check="host",
        message=("proxy", "can't be used"), remedy=("HTTPS_PROXY=http://HOST:PORT",),
    ),
    "self-signed certificate": Failure(
        env={**CODESTRAL_KEY, "SSL_CERT_FILE": ""}, check="host",
        message=("certificate is not trusted",), remedy=("SSL_CERT_FILE=/path/to/ca.pem",),
    ),
    "a file without certificates": Failure(
        env={**CODESTRAL_KEY, "SSL_CERT_FILE": "/no/such/file"}, check="host",
        message=("SSL_CERT_FILE does not contain certificates",), remedy=("SSL_CERT_FILE=/path/to/ca.pem",),
    ),
    "a firewall's page": Failure(
        host=ApiHost(page=PAGE), env=CODESTRAL_KEY, check="host",
        message=("answers 403", "firewall"), remedy=("https://codestral.mistral.ai in a browser", "administrator"),
    ),
    "a sign-in page": Failure(
        host=ApiHost(page=PAGE, page_status=200), env=CODESTRAL_KEY, check="host",
        message=("answers with a web page", "sign-in"), remedy=("in a browser",),
    ),
    "a redirect": Failure(
        host=ApiHost(page=PAGE, page_status=302), env=CODESTRAL_KEY, check="host",
        message=("redirects to login.example.org",), remedy=("sign in",),
    ),
    "exhausted quota": Failure(
        host=ApiHost(models=None, refusal=Reply(status=429, headers={"retry-after": "45", **LIMITS},
                                                body={"message": "Requests rate limit exceeded"})),
        env=CODESTRAL_KEY, check="completion",
        message=("allows no more requests for now (429), until ", ":"), remedy=("wait until", "fallback"),
    ),
    "an overloaded host": Failure(
        host=ApiHost(models=None, refusal=Reply(status=503, body={"message": "overloaded"})),
        env=CODESTRAL_KEY, check="completion", message=("overloaded",), remedy=("wait",),
    ),
    "no answer but JSON": Failure(
        host=ApiHost(models=None, refusal=Reply(body={"hello": "world"})), env=CODESTRAL_KEY, check="completion",
        message=("something other than a completion",), remedy=("base_url",),
    ),
    "a quota that is too small": Failure(
        env={**CODESTRAL_KEY, "FIM_LSP_TOKENS_PER_MINUTE": "10"}, host=NO_LIST, check="completion",
        message=("too small",), remedy=("tokens_per_minute",),
    ),
    "a broken settings file": Failure(
        files={CONFIG: 'backend = "codestral\n', "project/.fim-lsp.toml": 'max_tokens = "many"\n', **GIT},
        env=CODESTRAL_KEY, check="settings",
        message=("config.toml is not valid TOML", "nothing leaves this machine"), remedy=("fim-lsp config --check",),
    ),
    "a project's bad value": Failure(
        files={"project/.fim-lsp.toml": 'max_tokens = "many"\n', **GIT}, env=CODESTRAL_KEY,
        check="settings", state="warning", exit_code=0,
        message=(".fim-lsp.toml", "max_tokens", "ignored"), remedy=("correct it",),
    ),
    "a misspelled setting": Failure(
        files={CONFIG: 'modle = "x"\n'}, env=CODESTRAL_KEY, check="settings", state="warning", exit_code=0,
        message=("modle", "did you mean"), remedy=("correct the name",),
    ),
    "a project that wants the key": Failure(
        files={"project/.fim-lsp.toml": 'base_url = "https://evil.example.org"\n', **GIT}, env=CODESTRAL_KEY,
        check="settings", state="warning", exit_code=0,
        message=("base_url", "not taken from a project"), remedy=("your own config.toml",),
    ),
    "an excluded file": Failure(
        files={"project/.gitignore": "# made\nsecret/\n", "project/secret/a.py": "x = 1\n", **GIT}, env=CODESTRAL_KEY,
        arguments=("secret/a.py",), check="file", state="warning", exit_code=0,
        message=("secret/a.py", 'the rule "secret/" in line 2 of', ".gitignore"), remedy=("change that line",),
    ),
    "a language that is off": Failure(
        files={"project/a.md": "# x\n", CONFIG: "languages = { markdown = false }\n"}, env=CODESTRAL_KEY,
        arguments=("a.md",), check="file", state="warning", exit_code=0,
        message=("turns off markdown",), remedy=("fim-lsp config",),
    ),
    "nowhere to count": Failure(
        env={**CODESTRAL_KEY, "XDG_STATE_HOME": "/dev/null/x", "FIM_LSP_REQUESTS_PER_MINUTE": "100"}, check="quota",
        message=("/dev/null/x/fim-lsp/limits.sqlite3", "can't be used"), remedy=("XDG_STATE_HOME", "limits_store"),
    ),
    "Redis that is not there": Failure(
        env={**CODESTRAL_KEY, "FIM_LSP_LIMITS_STORE": f"redis://:{SECRET}@127.0.0.1:9/0",
             "FIM_LSP_REQUESTS_PER_MINUTE": "100"}, check="quota",
        message=("redis://127.0.0.1:9", "can't be used"), remedy=("limits_store",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_has_its_cause_and_its_remedy(tmp_path: Path, certificate: Path, name: str) -> None:
    failure = FAILURES[name]
    write(tmp_path, failure.files)
    async with network(failure.host, certificate) as env:
        done = await asyncio.to_thread(doctor, tmp_path, "--json", *failure.arguments, **{**env, **failure.env})
    report = json.loads(done.stdout)
    found = [one for one in report["checks"] if (one["name"], one["state"]) == (failure.check, failure.state)]
    assert found, done.stdout
    matching = [one for one in found if all(word in one["message"] for word in failure.message)]
    assert matching, found
    assert all(word in matching[0]["remedy"] for word in failure.remedy), matching[0]["remedy"]
    assert done.returncode == failure.exit_code
    assert report["ok"] is (failure.exit_code == 0)
    for output in (done.stdout, done.stderr):
        assert SECRET not in output
        assert KEY not in output
        assert "Traceback" not in output


SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["ok", "lines", "checks"],
    "properties": {
        "ok": {"type": "boolean"},
        "lines": {"type": "array", "items": {"type": "string"}, "minItems": 5},
        "checks": {"type": "array", "minItems": 5, "items": {
            "type": "object", "additionalProperties": False, "required": ["name", "state", "message", "remedy"],
            "properties": {
                "name": {"type": "string", "minLength": 1}, "message": {"type": "string", "minLength": 1},
                "remedy": {"type": "string"}, "state": {"enum": ["ok", "info", "warning", "error"]},
            },
        }},
    },
}  # fmt: skip


def test_plain_output_is_the_lines_of_the_json(tmp_path: Path) -> None:
    env = {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_STATS": "false"}
    lines = json.loads(doctor(tmp_path, "--json", "--offline", **env).stdout)["lines"]
    plain = doctor(tmp_path, "--offline", **env)
    assert plain.stdout.splitlines() == [*lines[:-1], "", f"{lines[-1]}."]
    assert (plain.returncode, plain.stderr) == (1, "")


def by_name(output: str) -> dict[str, dict[str, Any]]:
    report = json.loads(output)
    jsonschema.validate(report, SCHEMA)
    return {check["name"]: check for check in reversed(report["checks"])}


async def test_everything_works(tmp_path: Path, certificate: Path) -> None:
    write(tmp_path, {"project/a.py": "x = 1\n", "project/.env": "KEY=1", **GIT})
    host = ApiHost(models=[CODESTRAL, LARGE], headers=LIMITS)
    async with network(host, certificate) as env:
        done = await asyncio.to_thread(doctor, tmp_path, "--json", "a.py", **env, **MISTRAL_KEY)
    checks = by_name(done.stdout)
    assert done.returncode == 0
    assert done.stderr == ""
    expected = {
        "python": "3.", "fim-lsp": "the command is", "libraries": "httpx", "settings": "all are defaults",
        "back end": "mistral at api.mistral.ai (auto: MISTRAL_API_KEY is set)",
        "host": f"through the proxy {env['HTTPS_PROXY']} (HTTPS_PROXY), trusting the system's certificates and those of "
        f"SSL_CERT_FILE={certificate}",
        "key": "from MISTRAL_API_KEY, for api.mistral.ai only; accepted",
        "model": "codestral-latest, which can fill in the middle, up to 256,000 tokens; api.mistral.ai has 2 models",
        "completion": "it cost 27 + 6 tokens", "rate limits": "57 of 60 requests and 49,000 of 50,000 tokens a minute",
        "temperature": "0.3; it applies", "quota": f"{tmp_path}/state/fim-lsp/limits.sqlite3, which is writable",
        "fallback": "ngram completes", "workspace": "1 source file can be used; files and folders excluded: 1 by the built-in",
        "file": "suggestions come in", "statistics": f"{tmp_path}/state/fim-lsp/stats.sqlite3",
    }  # fmt: skip
    for name, words in expected.items():
        assert words in checks[name]["message"], name
    assert {check["state"] for check in checks.values()} <= {"ok", "info"}


async def test_a_host_without_a_list_says_what_was_done_instead(tmp_path: Path, certificate: Path) -> None:
    async with network(ApiHost(models=None), certificate) as env:
        done = await asyncio.to_thread(doctor, tmp_path, "--json", **env, **CODESTRAL_KEY)
        quiet = await asyncio.to_thread(doctor, tmp_path, "--json", "--no-call", **env, **CODESTRAL_KEY)
    assert "has no list of models, but the completion below" in by_name(done.stdout)["model"]["message"]
    assert "only a completion would show" in by_name(quiet.stdout)["model"]["message"]
    assert "costs about 40 tokens" in by_name(quiet.stdout)["completion"]["message"]


async def test_nothing_is_sent_where_that_was_asked_for(tmp_path: Path, certificate: Path) -> None:
    """Without a key, offline, and above all while damaged settings let nothing out."""
    async with FakeServer(ApiHost(), tls=server_context(certificate)) as server, FakeProxy(server.port) as proxy:
        env = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(certificate), **CODESTRAL_KEY}
        await asyncio.to_thread(doctor, tmp_path, "--offline", **env)
        assert proxy.connections == 0
        write(tmp_path, {CONFIG: 'exclude = "*.py\n'})
        closed = await asyncio.to_thread(doctor, tmp_path, "--json", **env)
        assert proxy.connections == 0
        assert by_name(closed.stdout)["back end"]["message"].startswith("ngram, because damaged settings")
        write(tmp_path, {CONFIG: "max_tokens = 64"})
        await asyncio.to_thread(doctor, tmp_path, "--no-call", **env)
        assert {request.method for request in server.requests} == {"GET"}
        await asyncio.to_thread(doctor, tmp_path, **env)
        (call,) = (request for request in server.requests if request.method == "POST")
        assert "greet" in call.body["prompt"]


async def test_a_silent_host_takes_no_longer_than_the_limit(tmp_path: Path) -> None:
    never = Behaviour(gate=asyncio.Event())
    async with FakeCodestral(behaviour=never) as server:
        settings = f'backend = "codestral"\nbase_url = "{server.url}"\napi_key = "{SECRET}"\n'
        write(tmp_path, {CONFIG: settings})
        done = await asyncio.to_thread(doctor, tmp_path, "--json")
    host = by_name(done.stdout)["host"]
    assert "did not respond within 4 s" in host["message"]
    assert "online" in host["remedy"]


@pytest.mark.parametrize("arguments", [(), ("--no-call",)])
async def test_a_host_that_requires_a_key_where_none_is_set(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """No key was refused, and no command for one is set: neither is blamed."""
    refused = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
    async with FakeCodestral(behaviour=refused) as server:
        write(tmp_path, {CONFIG: f'backend = "openai"\nbase_url = "{server.url}"\n'})
        done = await asyncio.to_thread(doctor, tmp_path, "--json", *arguments)
        key = by_name(done.stdout)["key"]
        assert "requires a key (401)" in key["message"]
        assert f"keep it with: fim-lsp key set {server.url}" in key["remedy"]


async def test_a_command_for_the_key_that_takes_too_long(tmp_path: Path) -> None:
    async with FakeCodestral() as server:
        sleeping = f'[{json.dumps(sys.executable)}, "-c", "import time; time.sleep(60)"]'
        settings = f'backend = "codestral"\nbase_url = "{server.url}"\napi_key_command = {sleeping}\n'
        write(tmp_path, {CONFIG: settings})
        done = await asyncio.to_thread(doctor, tmp_path, "--json")
    completion = by_name(done.stdout)["completion"]
    assert "api_key_command has not printed a key yet" in completion["message"]
    assert "run this again" in completion["remedy"]


@pytest.mark.parametrize(
    ("server", "scheme", "words", "remedy"),
    [
        (RawServer(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "https", "should base_url begin with http://", "http://"),
        (RawServer(b"SSH-2.0-OpenSSH_9.2\r\n"), "http", "does not speak HTTP", "http"),
    ],
)
async def test_the_wrong_scheme(tmp_path: Path, server: LoopbackServer, scheme: str, words: str, remedy: str) -> None:
    async with server:
        url = f"{scheme}://127.0.0.1:{server.port}"
        write(tmp_path, {CONFIG: f'backend = "codestral"\nbase_url = "{url}"\napi_key = "{SECRET}"\n'})
        done = await asyncio.to_thread(doctor, tmp_path, "--json")
    host = by_name(done.stdout)["host"]
    assert words in host["message"]
    assert remedy in host["remedy"]


async def test_a_proxy_that_requires_a_login(tmp_path: Path) -> None:
    async with RawServer(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        done = await asyncio.to_thread(doctor, tmp_path, "--json", HTTPS_PROXY=proxy.url, **CODESTRAL_KEY)
    host = by_name(done.stdout)["host"]
    assert "(407)" in host["message"]
    assert "HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT" in host["remedy"]


async def test_our_own_count_is_full_until_a_clock_time(tmp_path: Path, certificate: Path) -> None:
    """Each run counts its completion where the editors count, so the second one has no room left."""
    limit = {"FIM_LSP_TOKENS_PER_MINUTE": "60", **CODESTRAL_KEY}
    async with network(ApiHost(models=None), certificate) as env:
        first = await asyncio.to_thread(doctor, tmp_path, "--json", **env, **limit)
        second = await asyncio.to_thread(doctor, tmp_path, "--json", **env, **limit)
    assert by_name(first.stdout)["completion"]["state"] == "ok"
    checks = by_name(second.stdout)
    assert "own count of codestral.mistral.ai's quota is full until" in checks["completion"]["message"]
    assert "wait until" in checks["completion"]["remedy"]
    assert "1 request and 33 tokens were used in the last minute, by 1 fim-lsp process;" in checks["quota"]["message"]


async def test_each_fallback_is_tried(tmp_path: Path, certificate: Path) -> None:
    write(tmp_path, {CONFIG: 'backend = "codestral"\nfallback = ["mistral", "langdock", "ngram"]\n'})
    keys = {"MISTRAL_API_KEY": KEY, **CODESTRAL_KEY}
    async with network(ApiHost(), certificate) as env:
        done = await asyncio.to_thread(doctor, tmp_path, "--json", **env, **keys)
    found = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "fallback"]
    assert [one["state"] for one in found] == ["ok", "error", "ok"]
    assert found[0]["message"].startswith("mistral: first text after")
    assert found[1]["message"].startswith("langdock: api.langdock.com requires a Langdock key")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--editor", "ed"], "invalid choice"),
        (["no-such-file.py"], "No such file"),
        (["."], "is a folder"),
        (["/dev/zero"], "not a regular file"),
        (["--nonsense"], "unrecognized"),
    ],
)
def test_bad_use_is_exit_code_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = doctor(tmp_path, *arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("name", EDITOR_NAMES)
def test_the_block_for_an_editor_has_the_real_path(tmp_path: Path, name: str) -> None:
    done = doctor(tmp_path, "--editor", name)
    assert (done.returncode, done.stderr) == (0, "")
    command = Path(sys.executable).parent / "fim-lsp"
    assert str(command) in done.stdout
    assert "/path/to" not in done.stdout


def test_the_names_of_editors_are_those_of_the_table() -> None:
    assert tuple(EDITORS) == EDITOR_NAMES


def test_a_terminal_without_unicode_gets_plain_signs(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--offline", PYTHONIOENCODING="ascii")
    assert done.stdout.isascii()
    assert "\nok back end" in done.stdout
    assert "-> for Codestral" in done.stdout
