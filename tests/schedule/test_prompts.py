"""What a back end is asked with: within the budget, with context, and without secrets unless it is on this machine."""

from __future__ import annotations

import random
import string
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from fim_lsp.backends.backend import Chunk
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.request import Snapshot
from fim_lsp.settings.schema import Settings
from tests.fakes.backend import Bare
from tests.marked import split
from tests.schedule.script import a_client
from tests.virtual import run

TOKEN = "gh" + "p_" + "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=36))


class Echo(Bare):
    """Answers with what it sees of a secret, cut into small chunks."""

    name, model = "echo", ""

    def __init__(self, host: str) -> None:
        self.host = host
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        seen = prompt.prefix.partition('"')[2].partition('"')[0]
        for start in range(0, len(seen), 3):
            yield Chunk(text=seen[start : start + 3])
        yield Chunk(text='")', finish="stop")


def ask(host: str, marked: str, context: tuple[Snippet, ...] = (), path: str = "a.py") -> tuple[str, Prompt]:
    backend = Echo(host)
    client = a_client(backend, context_source=lambda *_: context)
    snapshot = Snapshot(uri="u", language="python", path=path, split=split(marked))

    async def answer() -> str:
        async with aclosing(client.stream(snapshot, Settings(), lambda _error: None)) as chunks:
            return "".join([chunk.text async for chunk in chunks])

    return run(answer()), backend.prompts[0]


SECRET = f'token = "{TOKEN}"\nlogin(‸\nlogout("{TOKEN}")\n'


@pytest.mark.parametrize("host", ["api.example.com", "10.0.0.7:8080", "localhost.example.com"])
def test_no_secret_reaches_another_machine_and_the_reply_has_it_again(host: str) -> None:
    text, prompt = ask(host, SECRET, (Snippet(path="b.py", text=f"X = '{TOKEN}'\n"),))
    assert TOKEN not in prompt.prefix + prompt.suffix + prompt.context[0].text
    assert len(prompt.prefix) == len(f'token = "{TOKEN}"\nlogin(')
    assert text == f'{TOKEN}")'


@pytest.mark.parametrize("host", ["127.0.0.1:8012", "localhost:11434", "[::1]:80", ""])
def test_this_machine_sees_the_text_as_it_is(host: str) -> None:
    text, prompt = ask(host, SECRET)
    assert TOKEN in prompt.prefix
    assert text == f'{TOKEN}")'


def test_context_comes_out_of_the_same_budget() -> None:
    lines = "".join(f"line {n}\n" for n in range(2000))
    snippet = Snippet(path="b.py", text="def helper(): ...\n" * 20)
    _, bare = ask("api.example.com", f"{lines}‸\n{lines}")
    _, told = ask("api.example.com", f"{lines}‸\n{lines}", (snippet,))
    room = Estimator().characters(Settings().prompt_tokens, "", "python")
    assert told.context == (snippet,)
    assert 0.8 * room < bare.size <= room
    assert 0.8 * room < told.size <= room
    assert len(told.prefix) < len(bare.prefix)


def test_a_document_of_no_project_gets_no_context() -> None:
    _, prompt = ask("api.example.com", "x‸", (Snippet(path="b.py", text="y\n"),), path="")
    assert prompt.context == ()


@pytest.mark.parametrize(
    ("marked", "settings", "single"),
    [
        ("x = f(‸, b)\n", {}, True),
        ("x = 1‸\n", {}, False),  # the next line may be wanted
        ("def f():\n    ‸\n", {}, False),
        ("x = f(‸, b)\n", {"multiline": "always"}, False),
    ],
)
def test_a_server_is_told_where_one_line_is_enough(marked: str, settings: dict[str, object], single: bool) -> None:
    client = a_client(Echo(""))
    snapshot = Snapshot(uri="u", language="python", path="", split=split(marked))
    assert client.build_prompt(snapshot, Settings(**settings)).single_line is single  # type: ignore[arg-type]
