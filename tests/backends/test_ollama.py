"""Requests that make Ollama fill in, with or without a template for it, and its streamed lines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.ollama import MIN_NUM_CTX, ollama
from fim_lsp.backends.profile import Generation
from fim_lsp.errors import (
    BackendError,
    BadReply,
    Overloaded,
    Rejected,
    UnknownModel,
    Unreachable,
)
from fim_lsp.prompt.prompt import Prompt, Snippet
from tests.fakes.fixtures import PROMPT, ask, ask_text
from tests.fakes.http import FakeServer, Reply
from tests.fakes.ollama import Ollama, lines, streamed
from tests.fakes.replies import cut, http_response

QWEN = "qwen2.5-coder:1.5b"
CONTEXT = (Snippet(path="a.py", text="A = 1\n"),)


def body_of(prompt: Prompt, model: str = QWEN, fim_template: str = "auto", **generation: object) -> dict[str, Any]:
    made = ollama(model, generation=Generation(**generation), fim_template=fim_template)  # type: ignore[arg-type]
    body: dict[str, Any] = json.loads(made.request(prompt).body)
    return body


def read(data: bytes, places: list[int]) -> list[Chunk]:
    reader = ollama(QWEN).reader(PROMPT)
    return [*(chunk for piece in cut(data, places) for chunk in reader.feed(piece)), *reader.finish()]


def test_request_body() -> None:
    body = body_of(Prompt(prefix="a = ", suffix="\n", single_line=True), temperature=0.1, random_seed=7, stop=("#",))
    assert body == {
        "model": QWEN,
        "keep_alive": "30m",
        "options": {
            "num_predict": 128, "num_ctx": MIN_NUM_CTX, "temperature": 0.1, "seed": 7, "stop": ["\n", "#"],
        },
        "stream": True,
        "prompt": "a = ",
        "suffix": "\n",
    }  # fmt: skip


def test_an_empty_suffix_or_prefix_is_a_line_end() -> None:
    """An empty suffix would mean a chat, and an empty prompt would only load the model."""
    body = body_of(Prompt(prefix="", suffix=""))
    assert (body["prompt"], body["suffix"]) == ("\n", "\n")


def test_context_is_rendered_here_if_the_family_is_known() -> None:
    prompt = Prompt(prefix="a = ", suffix="", path="b.py", context=CONTEXT)
    body = body_of(prompt)
    assert body["raw"] is True
    assert body["prompt"].startswith(
        "<|repo_name|>project\n<|file_sep|>a.py\nA = 1\n<|file_sep|>b.py\n<|fim_prefix|>a = "
    )
    assert "suffix" not in body
    assert "<|endoftext|>" in body["options"]["stop"]
    body = body_of(prompt, model="unheard-of")
    assert body["prompt"] == "+++++ a.py\nA = 1\n\n+++++ b.py\na = "


def test_control_tokens_are_broken() -> None:
    body = body_of(Prompt(prefix="'<|fim_middle|>' <s>", suffix="<|endoftext|>"))
    assert (body["prompt"], body["suffix"]) == ("'< |fim_middle|>' <s>", "< |endoftext|>")
    assert body_of(Prompt(prefix="<s>", suffix=""), model="unheard-of")["prompt"] == "< s>"


@given(length=st.integers(0, 60_000), context=st.integers(0, 20_000))
def test_the_context_is_large_enough_and_seldom_changes(length: int, context: int) -> None:
    pieces = (Snippet(path="a", text="y" * context),)
    room = body_of(Prompt(prefix="x" * length, suffix="", context=pieces))["options"]["num_ctx"]
    assert room >= (length + context) / 2.2 + 128
    assert room % MIN_NUM_CTX == 0
    assert (room // MIN_NUM_CTX).bit_count() == 1


def test_templates_can_be_set() -> None:
    assert body_of(PROMPT, fim_template="starcoder2")["prompt"].startswith("<fim_prefix>")
    assert "raw" not in body_of(Prompt(prefix="a", suffix="", context=CONTEXT), fim_template="suffix")


PLACES = st.lists(st.integers(min_value=0), max_size=10)


@given(text=st.text(st.characters(exclude_categories=["Cs"])), places=PLACES)
def test_any_text_comes_through(text: str, places: list[int]) -> None:
    assume("<|" not in text)  # such a token ends the answer
    chunks = read(lines(*streamed(text, {"model": "m"})), places)
    assert "".join(chunk.text for chunk in chunks) == text
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["stop"]
    assert [chunk.usage.prompt_tokens for chunk in chunks if chunk.usage] == [26]


def test_the_limit_and_the_count() -> None:
    chunks = read(lines(*streamed("a b c d e", {"model": "m", "options": {"num_predict": 2}})), [])
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["length"]
    assert chunks[-1].usage == Usage(prompt_tokens=26, completion_tokens=2)


@given(PLACES)
def test_an_error_in_the_middle(places: list[int]) -> None:
    data = lines(*streamed("a b c", {"model": "m"})[:2], {"error": "an error was encountered while running the model"})
    with pytest.raises(Overloaded, match="internal problem"):
        read(data, places)


@given(PLACES)
def test_what_breaks_off(places: list[int]) -> None:
    data = lines(*streamed("a b c", {"model": "m"}))
    with pytest.raises(BadReply):
        read(data[: data.index(b'"done": true')], places)


REFUSALS: dict[str, tuple[int, str, type[BackendError], str]] = {
    "missing": (404, f"model '{QWEN}' not found", UnknownModel, f"ollama pull {QWEN}"),
    "missing, older": (404, f"model \"{QWEN}\" not found, try pulling it first", UnknownModel, f"ollama pull {QWEN}"),
    "no insert": (400, f"registry.ollama.ai/library/{QWEN} does not support insert", UnknownModel, "fim_template"),
    "embeddings": (400, '"nomic-embed-text" does not support generate', UnknownModel, "does not generate text"),
    "memory": (500, "model requires more system memory (9.1 GiB) than is available (6.0 GiB)", Rejected, "too little memory"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_one_clear_sentence(case: str) -> None:
    status, message, kind, says = REFUSALS[case]
    error = ollama(QWEN).error(http_response(status, {"error": message}))
    assert type(error) is kind
    assert says in str(error)


@pytest.fixture
async def fake() -> AsyncIterator[tuple[Ollama, FakeServer]]:
    behaviour = Ollama()
    async with FakeServer(behaviour) as server:
        yield behaviour, server


async def connect(server: FakeServer, model: str = QWEN) -> HttpBackend:
    profile = ollama(model, base_url=server.url)
    return HttpBackend(profile, keys=KeySource(server.url), timeout=30)


async def test_it_completes(fake: tuple[Ollama, FakeServer]) -> None:
    backend = await connect(fake[1])
    for prompt in (PROMPT, Prompt(prefix="", suffix=""), Prompt(prefix="a", suffix="", context=CONTEXT)):
        assert await ask_text(backend, prompt) == "return a + b"
    await backend.close()


async def test_a_template_without_insert_is_replaced_once_with_one_notice(fake: tuple[Ollama, FakeServer]) -> None:
    behaviour, server = fake
    behaviour.models["deepseek-coder:1.3b"] = ["completion"]
    backend = await connect(server, "deepseek-coder:1.3b")
    first, second = await ask(backend), await ask(backend)
    assert "".join(chunk.text for chunk in first) == "".join(chunk.text for chunk in second) == "return a + b"
    (notice,) = [chunk.notice for chunk in (*first, *second) if chunk.notice]
    assert "deepseek" in notice
    assert [request.body.get("raw") for request in server.requests] == [None, True, True]
    assert server.requests[-1].body["prompt"].startswith("<｜fim▁begin｜>def add")
    await backend.close()


async def test_the_error_for_an_unknown_family(fake: tuple[Ollama, FakeServer]) -> None:
    behaviour, server = fake
    behaviour.models["llama3"] = ["completion"]
    backend = await connect(server, "llama3")
    with pytest.raises(UnknownModel, match="llama3 can't fill in the middle"):
        await ask(backend)
    await backend.close()


@pytest.mark.parametrize(
    ("models", "loaded", "taken"),
    [
        ({"llama3": ["completion"], QWEN: ["completion", "insert"]}, (), QWEN),
        ({"a": ["insert"], "b": ["insert"]}, ("b",), "b"),
        ({"llama3": ["completion"], "deepseek-coder:1.3b": ["completion"]}, (), "deepseek-coder:1.3b"),
    ],
)
async def test_without_a_model_it_is_asked_what_it_has(
    fake: tuple[Ollama, FakeServer], models: dict[str, list[str]], loaded: tuple[str, ...], taken: str
) -> None:
    behaviour, server = fake
    behaviour.models, behaviour.loaded = models, loaded
    backend = HttpBackend(ollama(None, base_url=f"{server.url}/v1"), keys=KeySource(server.url), timeout=30)
    assert not await backend.prepare(PROMPT)
    assert await ask_text(backend) == "return a + b"
    assert backend.model == taken
    assert server.requests[-1].body["model"] == taken
    assert bool(server.requests[-1].body.get("raw")) is taken.startswith("deepseek")
    await backend.close()


async def test_the_error_without_a_model_that_can_fill_in(fake: tuple[Ollama, FakeServer]) -> None:
    behaviour, server = fake
    for models, says in (
        ({"llama3": ["completion"], "phi4": ["completion"]}, "it has llama3, phi4:"),
        ({}, "it has none:"),
    ):
        behaviour.models = models
        backend = HttpBackend(ollama(None, base_url=server.url), keys=KeySource(server.url), timeout=30)
        with pytest.raises(UnknownModel, match=says):
            await ask(backend)
        await backend.close()


async def test_capabilities(fake: tuple[Ollama, FakeServer]) -> None:
    behaviour, server = fake
    backend = await connect(server)
    found = await backend.capabilities()
    assert (found.can_fill, found.capacity.total_tokens, found.change) == (True, 32768, None)
    await backend.close()
    behaviour.models["codellama"] = ["completion"]
    backend = await connect(server, "codellama")
    found = await backend.capabilities()
    assert found.can_fill
    assert found.change is not None
    assert await ask_text(backend) == "return a + b"
    assert server.requests[-1].body["raw"] is True
    await backend.close()
    backend = await connect(server, "nope")
    with pytest.raises(UnknownModel, match="`ollama pull nope`"):
        await backend.capabilities()
    await backend.close()


async def test_preloading_loads_the_model(fake: tuple[Ollama, FakeServer]) -> None:
    behaviour, server = fake
    backend = await connect(server)
    assert await backend.prepare(PROMPT)
    assert behaviour.loads == 1
    assert await backend.prepare(Prompt(prefix="x", suffix="y", path="b.py", context=CONTEXT))
    assert server.requests[-1].body["prompt"].startswith("<|repo_name|>project\n<|file_sep|>a.py\nA = 1\n")
    assert server.requests[-1].body["options"]["num_predict"] == 1
    await backend.close()


async def test_nothing_listens() -> None:
    async with FakeServer(lambda request: Reply()) as gone:
        pass
    backend = await connect(gone)
    with pytest.raises(Unreachable, match=r"no Ollama responds at .*`ollama serve`"):
        await ask(backend)
    await backend.close()
