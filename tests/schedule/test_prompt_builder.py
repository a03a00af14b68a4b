"""Prompts stay within the budget, and have context where it is allowed."""

from __future__ import annotations

import pytest

from fim_lsp.backends.backend import Capacity
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.settings.schema import Settings
from tests.schedule.script import Script, a_client, a_snapshot


def prompt(
    marked: str, *context: Snippet, path: str = "a.py", host: str = "api.example.com", **settings: object
) -> Prompt:
    client = a_client(Script(lambda _prompt: "", host=host), context_source=lambda *_: context)
    return client.build_prompt(a_snapshot(marked, path=path), Settings(**settings))  # type: ignore[arg-type]


def test_context_comes_out_of_the_same_budget() -> None:
    lines = "".join(f"line {n}\n" for n in range(2000))
    snippet = Snippet(path="b.py", text="def helper(): ...\n" * 20)
    without, with_context = prompt(f"{lines}‸\n{lines}"), prompt(f"{lines}‸\n{lines}", snippet)
    budget = Estimator().characters(Settings().prompt_tokens, "", "python")
    assert with_context.context == (snippet,)
    assert 0.8 * budget < without.size <= budget
    assert 0.8 * budget < with_context.size <= budget
    assert len(with_context.prefix) < len(without.prefix)


@pytest.mark.parametrize(("path", "host"), [("", "api.example.com"), ("a.py", "")])
def test_no_context_outside_a_workspace_or_for_the_back_end_in_this_process(path: str, host: str) -> None:
    assert prompt("x‸", Snippet(path="b.py", text="y\n"), path=path, host=host).context == ()


@pytest.mark.parametrize(
    ("marked", "settings", "single_line"),
    [
        ("x = f(‸, b)\n", {}, True),
        ("x = 1‸\n", {}, False),  # the next line may be wanted
        ("def f():\n    ‸\n", {}, False),
        ("x = f(‸, b)\n", {"multiline": "always"}, False),
    ],
)
def test_the_prompt_says_where_one_line_is_enough(marked: str, settings: dict[str, object], single_line: bool) -> None:
    assert prompt(marked, **settings).single_line is single_line  # type: ignore[arg-type]


def test_a_prompt_is_no_larger_than_its_server_takes() -> None:
    """A local server with a small context would cut the prompt, or refuse it."""
    lines = "".join(f"line {n}\n" for n in range(2000))
    backend, room = Script(lambda _prompt: ""), []

    def context(_uri: str, _prefix: str, _suffix: str, characters: int, *_: object) -> tuple[Snippet, ...]:
        room.append(characters)
        return ()

    client = a_client(backend, context_source=context)
    sizes = []
    for capacity in (Capacity(), Capacity(total_tokens=600), Capacity(context_tokens=40)):
        backend.capacity = capacity
        sizes.append(client.build_prompt(a_snapshot(f"{lines}‸\n{lines}", path="a.py"), Settings(max_tokens=100)).size)
    characters = client.sender.estimator.characters
    assert sizes[1] <= characters(600, "m", "python") < sizes[0]
    assert room[2] == characters(40, "m", "python") < room[0]
