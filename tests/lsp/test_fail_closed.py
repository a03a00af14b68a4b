"""A damaged setting lets nothing out, over the wire: a proxy sees no attempt to connect to any host."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codestral import FakeCodestral
from tests.fakes.proxy import FakeProxy
from tests.lsp.raw_client import PULLS_SETTINGS, RawClient, texts, write_config

TEXT = "total = first + second\ntotal = first + sec"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the sources say, and the file that is edited."""

    config: str = ""
    env: dict[str, str] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    project: str = ""
    file: str = "a.py"

    def __str__(self) -> str:
        said = [self.config, *(f"{name}={value}" for name, value in self.env.items()), self.project, str(self.options)]
        return " ".join(said).replace("\n", " ")[:70]


CASES = [
    Case(config='api_key = "sk-CORP"\nbase_url = "http://llm.corp/?tenant=x"\n'),
    Case(config='api_key = "sk-CORP"\nbase_url = "llm.corp"\n'),
    Case(config='api_key = "sk-CORP"\nbase_url = "http://llm.corp:99999"\n'),
    Case(config='api_key = "sk-CORP"\nbaseurl = "http://llm.corp"\n'),
    Case(config='api_key = "sk-CORP"\n[fim-lsp]\nbase_uri = "http://llm.corp"\n'),
    Case(config='backend = "llama.cpp"\n'),
    Case(config='backend = "n-gram"\n'),
    Case(env={"FIM_LSP_BACKEND": "n-gram"}),
    Case(options={"backend": "none"}),
    Case(config='local_only = "**"\n'),
    Case(config='local_only = ["**", 5]\n'),
    Case(config="local_only = [5]\n"),
    Case(env={"FIM_LSP_LOCAL_ONLY": "**"}),
    Case(env={"FIM_LSP_LOCAL_ONLY": "['**']"}),
    Case(config='exclude = "*.py"\n'),
    Case(env={"FIM_LSP_EXCLUDE": "*.py"}),
    Case(env={"FIM_LSP_EXCLUDE": "*.js,*.py"}),
    Case(options={"exclude": "*.py"}),
    Case(config='excludes = ["*.py"]\n'),
    Case(config='[exclude]\nglobs = ["*.py"]\n'),
    Case(config='exclude = ["*.py"]\ntemperature = \n'),
    Case(config='languages = ["python"]\n'),
    Case(config='[languages]\npython = false\nexclude = ["*.py"]\n'),
    Case(config='trigger = "by hand"\n'),
    Case(env={"FIM_LSP_LANGUAGES": "python=false"}),
    Case(config="\x00"),
    Case(project="exclude = *.py\n"),
    Case(project='excludes = ["*.py"]\n'),
    Case(project="a" + ".a" * 90_000 + " = 1\n"),
    Case(project="#" * 20_000),
    Case(env={"FIM_LSP_CONFIG": "/nowhere/config.toml"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_nothing_is_sent_and_no_host_is_asked(tmp_path: Path, case: Case) -> None:
    project = tmp_path / "project"
    project.mkdir()
    if case.config:
        write_config(tmp_path, case.config)
    if case.project:
        (project / ".fim-lsp.toml").write_text(case.project)
    told, asked = await _typed(tmp_path, project, case)
    assert asked == []
    assert all("sk-CORP" not in message for message in told)


async def test_the_proxy_hears_of_an_intact_setting(tmp_path: Path) -> None:
    """The control: the same with nothing damaged does ask."""
    project = tmp_path / "project"
    project.mkdir()
    write_config(tmp_path, 'exclude = ["*.js"]\n')
    _, asked = await _typed(tmp_path, project, Case())
    assert asked[0] == "CONNECT codestral.mistral.ai:443"


async def _typed(tmp_path: Path, project: Path, case: Case) -> tuple[list[str], list[str]]:
    """A request for a completion that only a remote back end or ``ngram`` can answer: what the user heard, who was asked."""
    async with FakeProxy(9) as proxy:
        env = {"CODESTRAL_API_KEY": "sk-PERSONAL", "HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url, **case.env}
        async with RawClient(tmp_path, env=env) as client:
            await client.initialize(options={"debounce": 0, **case.options}, root=project)
            uri = (project / case.file).as_uri()
            client.open(TEXT, uri=uri)
            await client.reply(client.ask(1, 19, uri=uri, kind=1))
            return client.messages(), proxy.asked


async def test_a_file_that_is_broken_while_the_server_runs_excludes_what_it_excluded(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "ond") as server:
        good = f'base_url = "{server.url}"\nbackend = "codestral"\napi_key = "k"\nexclude = ["*.py"]\nfallback = []\n'
        write_config(tmp_path, good)
        async with RawClient(tmp_path) as client:
            await client.initialize(options={"debounce": 0})
            other, excluded = "file:///w/a.js", "file:///w/a.py"
            for uri in (other, excluded):
                client.open(TEXT, uri=uri)
            for text in (good, good + "temperature = \n", good + "x = 'broken\n", "", good):
                write_config(tmp_path, text)
                assert texts(await client.reply(client.ask(1, 19, uri=excluded, kind=1))) == []
                assert texts(await client.reply(client.ask(1, 19, uri=other, kind=1))) == ["ond"]
            told = [message for message in client.messages() if "last valid settings" in message]
    assert len(told) == 2
    assert all("a.py" not in request.raw.decode() for request in server.requests)


async def test_repaired_settings_apply_again_and_both_are_reported(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "ond") as server, RawClient(tmp_path) as client:
        good = f'base_url = "{server.url}"\nbackend = "codestral"\napi_key = "k"\nfallback = []\n'
        write_config(tmp_path, good + "exclude = 5\n")
        await client.initialize(options={"debounce": 0})
        client.open("abc")
        assert texts(await client.reply(client.ask(0, 3, kind=1))) == []
        write_config(tmp_path, good + 'exclude = ["*.js"]\n')
        assert texts(await client.reply(client.ask(0, 3, kind=1))) == ["ond"]
        broken, repaired = client.messages()
    assert "nothing leaves this machine" in broken
    assert repaired == "fim-lsp: the settings can be used again"


REMOTE = "ond + remote"  # which ngram would not say


class SlowEditor(RawClient):
    """Answers the request for the workspace's settings only when the test says."""

    def _sort(self, message: dict[str, Any]) -> None:
        if message.get("method") == "workspace/configuration":
            self.requests.append(message)
        else:
            super()._sort(message)

    async def answer(self, reply: dict[str, object]) -> None:
        await self.until(lambda: any(asked["method"] == "workspace/configuration" for asked in self.requests))
        number = next(asked["id"] for asked in self.requests if asked["method"] == "workspace/configuration")
        self.write({"jsonrpc": "2.0", "id": number, **reply})


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ({"result": [{"exclude": ["*.py"]}]}, []),
        ({"result": [{"local_only": "*.py"}]}, [REMOTE]),  # the fake server is one of this machine
        ({"result": [5]}, []),
        ({"result": [None]}, [REMOTE]),
        ({"result": []}, [REMOTE]),
        ({"result": None}, [REMOTE]),
        ({"result": 5}, []),
        ({"error": {"code": -32601, "message": "no"}}, [REMOTE]),
    ],
    ids=repr,
)
async def test_nothing_is_sent_before_the_workspace_settings_are_known(
    tmp_path: Path, reply: dict[str, object], shown: list[str]
) -> None:
    async with FakeCodestral(lambda body: REMOTE) as server, SlowEditor(tmp_path) as client:
        options = {"base_url": server.url, "backend": "codestral", "api_key": "k", "fallback": [], "debounce": 0}
        await client.initialize(options=options, capabilities=PULLS_SETTINGS)
        client.open(TEXT)
        asked = client.ask(1, 19, kind=1)
        await client.reply(client.request("workspace/executeCommand", {"command": "fim-lsp.status", "arguments": []}))
        assert server.requests == []
        await client.answer(reply)
        assert (REMOTE in texts(await client.reply(asked))) is bool(shown)
    assert len(server.requests) == len(shown)


async def test_an_editor_that_never_answers_has_only_the_embedded_model(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: REMOTE) as server, SlowEditor(tmp_path) as client:
        options = {"base_url": server.url, "backend": "codestral", "api_key": "k", "fallback": [], "debounce": 0}
        await client.initialize(options=options, capabilities=PULLS_SETTINGS)
        client.open(TEXT)
        assert REMOTE not in texts(await client.reply(client.ask(1, 19, kind=1)))
        assert [message for message in client.messages() if "has not sent" in message and "only ngram" in message]
    assert server.requests == []


@pytest.mark.parametrize("params", [{"settings": None}, {}, [1], {"settings": {"python": {"a": 1}}}], ids=repr)
async def test_a_push_without_our_settings_loosens_nothing(tmp_path: Path, params: object) -> None:
    async with FakeCodestral(lambda body: REMOTE) as server, RawClient(tmp_path) as client:
        options = {"base_url": server.url, "backend": "codestral", "api_key": "k", "fallback": [], "debounce": 0}
        await client.initialize(options=options)
        client.notify("workspace/didChangeConfiguration", {"settings": {"fim-lsp": {"exclude": ["*.py"]}}})
        client.notify("workspace/didChangeConfiguration", params)
        client.open(TEXT)
        assert REMOTE not in texts(await client.reply(client.ask(1, 19, kind=1)))
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [(".gitignore", "*.py\n"), (".fimignore", "a.py\n"), (".fim-lsp.toml", 'exclude = "*.py"\n')],
    ids=str,
)
async def test_a_rule_that_changes_while_a_call_waits_applies_to_it(tmp_path: Path, name: str, rule: str) -> None:
    """The rule is looked for right before text is sent, not only when something is asked."""
    project = tmp_path / "project"
    project.mkdir()
    async with FakeCodestral(lambda body: REMOTE) as server, RawClient(tmp_path) as client:
        options = {"base_url": server.url, "backend": "codestral", "api_key": "k", "fallback": [], "debounce": 1500}
        await client.initialize(options=options, root=project)
        uri = (project / "a.py").as_uri()
        client.open("total = first + second\ntotal = first + se", uri=uri)
        client.insert(1, 18, "c", uri=uri)
        asked = client.ask(1, 19, uri=uri)
        await client.reply(client.request("workspace/executeCommand", {"command": "fim-lsp.status", "arguments": []}))
        (project / name).write_text(rule)
        assert texts(await client.reply(asked)) == []
    assert server.requests == []
