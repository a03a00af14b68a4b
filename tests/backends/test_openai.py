"""Requests that make servers with OpenAI's completions fill in, whatever they do with ``suffix``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.openai import HOST_QUIRKS, MAX_STOPS, OpenAI, openai
from fim_lsp.backends.profile import Generation
from fim_lsp.errors import Rejected, SettingError, Unauthorized, UnknownModel, Unreachable
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.text.positions import with_line_feeds
from tests.fakes import llamacpp as recorded
from tests.fakes.fixtures import PROMPT, ask, ask_text
from tests.fakes.http import FakeServer
from tests.fakes.openai import OpenAI as FakeOpenAI
from tests.fakes.replies import cut, http_response, tokens_of

QWEN = "Qwen/Qwen2.5-Coder-7B"
ANY = "http://127.0.0.1:8000"
LONG = Prompt(prefix="def add(a, b):\n    ", suffix="\n\nprint(add(1, 2))\nprint(add(3, 4))\n")


def body_of(
    prompt: Prompt, url: str = ANY, model: str | None = QWEN, fim_template: str = "auto", **generation: object
) -> Any:
    made = openai(url, model=model, generation=Generation(**generation), fim_template=fim_template)  # type: ignore[arg-type]
    return json.loads(made.request(prompt).body)


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_request_body_for_any_server() -> None:
    prompt = Prompt(prefix="a = ", suffix="\n", single_line=True, stop=("#",))
    assert body_of(prompt, temperature=0.1, random_seed=7, max_tokens=64) == {
        "model": QWEN,
        "prompt": "<|fim_prefix|>a = <|fim_suffix|>\n<|fim_middle|>",
        "temperature": 0.1,
        "max_tokens": 64,
        "stop": ["\n", "#", "<|endoftext|>", "<|file_sep|>"],
        "seed": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_request_body_for_hosts_that_fill_in() -> None:
    for url, sent_to in {
        "https://api.deepseek.com": "https://api.deepseek.com/beta/completions",
        "https://api.deepseek.com/beta": "https://api.deepseek.com/beta/completions",
        "https://api.inceptionlabs.ai/v1": "https://api.inceptionlabs.ai/v1/fim/completions",
        "https://api.siliconflow.cn/v1": "https://api.siliconflow.cn/v1/completions",
        "http://localhost:11434/v1": "http://localhost:11434/v1/completions",
    }.items():
        body = body_of(LONG, url, temperature=0.5, random_seed=1)
        assert (body["prompt"], body["suffix"]) == (LONG.prefix, LONG.suffix)
        made = openai(url, model=QWEN)
        assert made.request(LONG).url == sent_to
        assert not made.refused_parameters & body.keys()
    assert body_of(Prompt(prefix="x", suffix=""), "http://127.0.0.1:11434")["suffix"] == "\n"
    assert "suffix" not in body_of(Prompt(prefix="x", suffix=""), "https://api.deepseek.com")
    assert (
        openai("https://openrouter.ai/api/v1", model=QWEN).request(LONG).url
        == "https://openrouter.ai/api/v1/completions"
    )


def test_a_host_with_a_similar_name_or_port_has_no_quirks() -> None:
    for url in ("https://evil-api.deepseek.com.example", "http://127.0.0.1:1143", "https://notapi.siliconflow.cn"):
        assert "suffix" not in body_of(LONG, url)
    assert len({row.pattern for row in HOST_QUIRKS}) == len(HOST_QUIRKS)


def test_the_template_can_be_set() -> None:
    assert body_of(LONG, fim_template="codellama")["prompt"].startswith("<PRE> def add")
    assert body_of(LONG, fim_template="suffix")["suffix"] == LONG.suffix
    plain = body_of(LONG, model=None, fim_template="none")
    assert plain["prompt"] == LONG.prefix
    assert not {"suffix", "model"} & plain.keys()
    assert "<|repo_name|>" in body_of(replace(LONG, context=(Snippet(path="a", text="b\n"),)))["prompt"]
    with pytest.raises(SettingError, match="fim_template must be"):
        openai(ANY, fim_template="nonsense")
    with pytest.raises(SettingError, match="base_url"):
        openai(None)


def test_an_unknown_family_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(UnknownModel, match=r"fim_template.*qwen.*suffix"):
        body_of(LONG, model="llama-3")


STOPS = st.lists(st.text(min_size=1, max_size=3), max_size=6).map(tuple)


@given(stop=STOPS, own=STOPS, single=st.booleans())
def test_up_to_four_stops_are_sent_the_users_first(stop: tuple[str, ...], own: tuple[str, ...], single: bool) -> None:
    prompt = Prompt(prefix="a", suffix="b", stop=own, single_line=single)
    sent = body_of(prompt, stop=stop)["stop"]
    wanted = list(dict.fromkeys(with_line_feeds(text) for text in [*(["\n"] if single else []), *stop, *own]))
    assert len(sent) <= MAX_STOPS
    assert sent[: len(wanted)] == wanted[:4]


@pytest.mark.parametrize("mark", ["<|fim_suffix|>", "<|repo_name|>", "<|cursor|>"])
def test_a_stop_that_was_not_sent_still_ends_the_text(mark: str) -> None:
    reader = openai(ANY, model=QWEN).reader(PROMPT)
    data = recorded.events({"choices": [{"text": f"a{mark[:4]}"}]}, {"choices": [{"text": f"{mark[4:]}b"}]}, done=True)
    assert text_of([*reader.feed(data), *reader.finish()]) == "a"


@given(st.lists(st.integers(min_value=0), max_size=10))
def test_recorded_answers(places: list[int]) -> None:
    made = openai(ANY, model=QWEN)
    for data, text, usage in (
        (recorded.events(*recorded.V1_STREAM, done=True), " return n * fib", (6, 4)),
        (json.dumps(recorded.V1_WHOLE).encode(), recorded.V1_WHOLE["choices"][0]["text"], (6, 16)),
    ):
        reader = made.reader(PROMPT)
        chunks = [*(chunk for piece in cut(data, places) for chunk in reader.feed(piece)), *reader.finish()]
        assert text_of(chunks) == text
        (charged,) = [chunk.usage for chunk in chunks if chunk.usage]
        assert charged == Usage(prompt_tokens=usage[0], completion_tokens=usage[1], cached_tokens=5)
        assert [chunk.finish for chunk in chunks if chunk.finish] == ["length"]


Connect = Callable[..., HttpBackend]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[HttpBackend] = []

    def make(server: FakeServer, **settings: Any) -> HttpBackend:
        profile = openai(server.url, **{"model": QWEN, **settings})
        made.append(HttpBackend(profile, keys=KeySource(server.url), timeout=30))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


def notices(chunks: list[Chunk]) -> list[str]:
    return [chunk.notice for chunk in chunks if chunk.notice]


@pytest.mark.parametrize("stream", [True, False])
async def test_it_completes(connect: Connect, stream: bool) -> None:
    async with FakeServer(FakeOpenAI()) as server:
        chunks = await ask(connect(server, generation=Generation(stream=stream)))
    assert text_of(chunks) == "return a + b"
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [len(tokens_of("return a + b"))]


async def test_a_refused_suffix_is_replaced_by_a_template_with_one_notice(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI(suffix="refused")) as server:
        backend = connect(server, fim_template="suffix")
        first, second = await ask(backend, LONG), await ask(backend, LONG)
    assert text_of(first) == text_of(second) == "return a + b"
    assert len(notices(first)) == 1
    assert notices(second) == []
    assert ["suffix" in request.body for request in server.requests] == [True, False, False]


async def test_concurrent_refusals_give_one_notice(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI(suffix="refused")) as server:
        backend = connect(server, fim_template="suffix")
        answers = await asyncio.gather(*(ask(backend, LONG) for _ in range(4)))
    assert [text_of(chunks) for chunks in answers] == ["return a + b"] * 4
    assert sum(len(notices(chunks)) for chunks in answers) == 1


async def test_an_appended_suffix_is_cut_off_and_not_sent_again(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI(suffix="appended")) as server:
        backend = connect(server, fim_template="suffix")
        first, second = await ask(backend, LONG), await ask(backend, LONG)
    assert text_of(first) == text_of(second) == "return a + b"
    assert len(notices(first)) == 1
    assert notices(second) == []
    assert ["suffix" in request.body for request in server.requests] == [True, False]


@pytest.mark.parametrize(("suffix", "form"), [("fills", "suffix"), ("ignored", "template"), ("refused", "template")])
async def test_whether_a_suffix_has_an_effect_is_checked(connect: Connect, suffix: str, form: str) -> None:
    async with FakeServer(FakeOpenAI(suffix=suffix)) as server:
        backend = connect(server, fim_template="suffix")
        found = await backend.capabilities()
        await ask(backend, LONG)
        assert ("suffix" in server.requests[-1].body) == (form == "suffix")
        assert (found.change is None) == (form == "suffix")


async def test_an_unsupported_parameter_is_left_out(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI(unknown=frozenset({"seed", "stream_options"}))) as server:
        backend = connect(server, generation=Generation(random_seed=1))
        chunks = await ask(backend)
        assert text_of(chunks) == "return a + b"
        assert len(notices(chunks)) == 2
        await ask(backend)
    assert not {"seed", "stream_options"} & server.requests[-1].body.keys()
    assert len(server.requests) == 4


async def test_a_refusal_that_only_echoes_the_text_changes_nothing(connect: Connect) -> None:
    error = {"error": {"message": "bad prompt: " + "x" * 300 + " suffix is not currently supported", "code": 400}}
    profile = openai(ANY, model=QWEN, fim_template="suffix")
    assert profile.alternative(http_response(400, error)) is None
    assert profile.alternative(http_response(500, {"error": {"message": "suffix is not supported"}})) is None


MODELS = [
    {"id": QWEN, "object": "model", "max_model_len": 32768},
    {"id": "mistral-large", "capabilities": {"completion_fim": False}},
    {"id": "codestral-2508", "aliases": ["codestral-latest"], "default_model_temperature": 0.3,
     "capabilities": {"completion_fim": True}, "max_context_length": 256000},
]  # fmt: skip


async def test_the_list_of_models_is_used(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI(models=MODELS)) as server:
        found = await connect(server).capabilities()
        assert found.capacity.total_tokens == 32768
        found = await connect(server, model="codestral-latest").capabilities()
        assert found.can_fill is True
        with pytest.raises(UnknownModel, match=f"has no model nope; it has codestral-2508, {QWEN}:"):
            await connect(server, model="nope").capabilities()
        with pytest.raises(UnknownModel, match=r"mistral-large .* can't fill in the middle; codestral-2508 can"):
            await connect(server, model="mistral-large").capabilities()


async def test_the_only_model_need_not_be_named(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI(models=MODELS[:1])) as server:
        backend = connect(server, model=None)
        assert await ask_text(backend) == "return a + b"
        assert (backend.model, server.requests[0].path) == (QWEN, "/v1/models")
        assert server.requests[-1].body["model"] == QWEN


async def test_no_list_of_models_is_no_error(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI()) as server:
        assert (await connect(server).capabilities()).capacity.total_tokens is None


def test_refusals() -> None:
    made: OpenAI = openai("https://vllm.example", model="nope")
    missing = {"object": "error", "message": "The model `nope` does not exist.", "type": "NotFoundError", "code": 404}
    for status, body, kind, says in (
        (404, missing, UnknownModel, "nope"),
        (404, {"detail": "Not Found"}, Rejected, "/v1/completions"),
        (401, {"error": "Unauthorized"}, Unauthorized, "fim-lsp key set vllm.example"),
        (400, {"message": "This model's maximum context length is 4096 tokens."}, Rejected, "prompt_tokens"),
    ):
        error = made.error(http_response(status, body))
        assert type(error) is kind
        assert says in str(error)


async def test_nothing_listens(connect: Connect) -> None:
    async with FakeServer(FakeOpenAI()) as gone:
        pass
    with pytest.raises(Unreachable, match=f"nothing responds at {gone.url}"):
        await ask(connect(gone))


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("base", ["http://127.0.0.1:11434/v1", "http://gpu.example:11434"])
def test_an_ollama_model_without_insert_is_asked_by_its_template(status: int, base: str) -> None:
    message = {"error": {"message": "registry.ollama.ai/library/x:1b does not support insert", "type": "api_error"}}
    refusal = http_response(status, message)
    change = openai(base, model="deepseek-coder:1.3b-base").alternative(refusal)
    assert change is not None
    assert "template of deepseek" in change.notice
    sent = json.loads(change.profile.request(Prompt(prefix="a(", suffix=")\n")).body)
    assert (sent["prompt"], "suffix" in sent) == ("<｜fim▁begin｜>a(<｜fim▁hole｜>)\n<｜fim▁end｜>", False)
    unknown = openai(base, model="my-own")
    assert unknown.alternative(refusal) is None
    error = unknown.error(refusal)
    assert isinstance(error, UnknownModel)
    assert "fim_template" in str(error)
