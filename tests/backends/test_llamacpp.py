"""Requests for llama-server, and its recorded responses."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.llamacpp import DEFAULT_BATCH, MIN_MEASURABLE_BUILD, MIN_SUFFIX, SUFFIX_SHARE, LlamaCpp, llamacpp
from fim_lsp.backends.profile import Capabilities, Generation
from fim_lsp.errors import (
    BackendError,
    BadReply,
    Overloaded,
    Rejected,
    SettingError,
    Unauthorized,
    UnknownModel,
    Unreachable,
)
from fim_lsp.http.request import HttpRequest, HttpResponse
from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.text.unicode import encodable
from tests.fakes import llamacpp as recorded
from tests.fakes.fixtures import ask
from tests.fakes.http import FakeServer
from tests.fakes.replies import cut, http_response

CONTEXT = (Snippet(path="a.py", text="A = 1\n"),)


def body_of(prompt: Prompt, **generation: object) -> dict[str, Any]:
    made = llamacpp(generation=Generation(**generation)).request(prompt)  # type: ignore[arg-type]
    body: dict[str, Any] = json.loads(made.body)
    return body


def read(data: bytes, places: list[int]) -> list[Chunk]:
    reader = llamacpp().reader()
    return [*(chunk for piece in cut(data, places) for chunk in reader.feed(piece)), *reader.finish()]


def test_request_body() -> None:
    prompt = Prompt(prefix="def f():\n    if x:\n        retu", suffix="\n", context=CONTEXT, max_tokens=64)
    assert body_of(prompt, random_seed=3, top_p=0.9) == {
        "input_extra": [{"filename": "a.py", "text": "A = 1\n"}],
        "input_prefix": "def f():\n    if x:\n",
        "prompt": "        retu",
        "input_suffix": "\n",
        "n_predict": 64,
        "n_indent": 8,
        "t_max_predict_ms": 1000,
        "samplers": ["top_k", "top_p", "infill"],
        "top_p": 0.9,
        "seed": 3,
        "cache_prompt": True,
        "stream": True,
    }


def test_one_line_ends_with_the_line() -> None:
    body = body_of(Prompt(prefix="    a = ", suffix="", single_line=True, stop=("#",)), stop=(";",), stream=False)
    assert body["stop"] == ["\n", ";", "#"]
    assert "n_indent" not in body
    assert body["stream"] is True  # otherwise it would notice a second late that the client hung up


def test_a_temperature_needs_its_sampler() -> None:
    assert body_of(Prompt(prefix="", suffix=""), temperature=0.2)["samplers"][-1] == "temperature"


def test_a_line_with_a_control_token_is_sent_as_text() -> None:
    body = body_of(Prompt(prefix="x\ny = '<|fim_middle|>' + ", suffix=""))
    assert (body["input_prefix"], body["prompt"]) == ("x\ny = '<|fim_middle|>' + ", "")


TEXT = st.text(st.characters(exclude_categories=[]))  # lone surrogates too


@given(prefix=TEXT, suffix=TEXT, path=TEXT)
def test_any_text_is_sent_whole(prefix: str, suffix: str, path: str) -> None:
    body = body_of(Prompt(prefix=prefix, suffix=suffix, context=(Snippet(path=path, text=suffix),)))
    assert body["input_prefix"] + body["prompt"] == encodable(prefix)
    assert "\n" not in body["prompt"]
    assert encodable(suffix).startswith(body["input_suffix"])


@given(before=st.integers(0, 5000), after=st.integers(0, 5000), width=st.integers(1, 80))
def test_the_suffix_is_cut_to_its_share(before: int, after: int, width: int) -> None:
    suffix = ("y" * (width - 1) + "\n") * (after // width)
    sent = body_of(Prompt(prefix="x" * before, suffix=suffix))["input_suffix"]
    assert suffix.startswith(sent)
    assert len(sent) <= max(MIN_SUFFIX, SUFFIX_SHARE * (before + len(sent)) + 1)
    assert sent == suffix or (sent.endswith("\n") and len(sent) > MIN_SUFFIX - width)


def test_preloading_reads_the_snippets_and_predicts_nothing() -> None:
    assert llamacpp().preload_request(Prompt(prefix="x", suffix="y")) is None
    made = llamacpp().preload_request(Prompt(prefix="x = ", suffix="y", context=CONTEXT))
    assert made is not None
    body = json.loads(made.body)
    asked = body_of(Prompt(prefix="x = ", suffix="y", context=CONTEXT))
    assert body["input_extra"] == asked["input_extra"]
    assert (body["input_prefix"], body["prompt"], body["input_suffix"], body["n_predict"]) == ("", "", "", 0)


PLACES = st.lists(st.integers(min_value=0), max_size=10)


@given(PLACES)
def test_a_recorded_stream(places: list[int]) -> None:
    chunks = read(recorded.events(*recorded.INFILL_STREAM), places)
    assert "".join(chunk.text for chunk in chunks) == "\n\n#"
    assert chunks[-1].finish == "length"
    assert chunks[-1].usage == Usage(prompt_tokens=23, completion_tokens=3, cached_tokens=22)


@given(PLACES)
def test_a_recorded_whole_answer(places: list[int]) -> None:
    (chunk,) = read(json.dumps(recorded.INFILL_WHOLE).encode(), places)
    assert (chunk.text, chunk.finish) == ("\n\n# This is a test of", "length")


@pytest.mark.parametrize(
    ("stop_type", "predicted", "finish"),
    [("eos", 2, "stop"), ("word", 2, "stop"), ("limit", 3, "length"), ("limit", 2, "stop"), ("none", 0, "stop")],
)
def test_finish_reasons(stop_type: str, predicted: int, finish: str) -> None:
    """``limit`` with tokens to spare is an end by n_indent or by time."""
    last = recorded.INFILL_STREAM[-1] | {"stop_type": stop_type, "tokens_predicted": predicted}
    assert read(recorded.events(last), [])[-1].finish == finish


@given(text=st.text(st.characters(exclude_categories=["Cs"])), places=PLACES)
def test_any_text_comes_through(text: str, places: list[int]) -> None:
    said = [recorded.INFILL_STREAM[0] | {"content": character} for character in text]
    chunks = read(b": ping\n\n" + recorded.events(*said, recorded.INFILL_STREAM[-1]), places)
    assert "".join(chunk.text for chunk in chunks) == text


def test_a_stream_that_breaks_off() -> None:
    with pytest.raises(BadReply, match="broke off"):
        read(recorded.events(*recorded.INFILL_STREAM[:-1]), [])


def test_an_error_inside_a_stream() -> None:
    with pytest.raises(Rejected, match="too long"):
        read(recorded.events(recorded.INFILL_STREAM[0], recorded.TOO_LONG), [])


REFUSALS: dict[str, tuple[int, object, type[BackendError], str]] = {
    "no tokens": (501, recorded.NO_TOKENS, UnknownModel, "can't fill in the middle.*--fim-qwen"),
    "too long": (400, recorded.TOO_LONG, Rejected, "too long.*prompt_tokens.*--ctx-size"),
    "loading": (503, recorded.LOADING, Overloaded, "still loading"),
    "key": (401, {"error": {"code": 401, "message": "Invalid API Key"}}, Unauthorized, "--api-key"),
    "not llama.cpp": (404, {"error": {"message": "File Not Found"}}, Rejected, "base_url"),
    "odd": (400, recorded.NO_PREFIX, Rejected, "invalid_request_error"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_one_clear_sentence(case: str) -> None:
    status, body, kind, says = REFUSALS[case]
    error = llamacpp().error(http_response(status, body))
    assert type(error) is kind
    with pytest.raises(kind, match=says):
        raise error


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (None, "http://127.0.0.1:8012/infill"),
        ("http://localhost:8080/", "http://localhost:8080/infill"),
        ("http://127.0.0.1:8012/infill", "http://127.0.0.1:8012/infill"),
        ("https://gpu.example/llama", "https://gpu.example/llama/infill"),
    ],
)
def test_addresses(base_url: str | None, url: str) -> None:
    assert llamacpp(base_url=base_url).request(Prompt(prefix="", suffix="")).url == url
    with pytest.raises(SettingError):
        llamacpp(base_url="not an address")


async def test_nothing_listens() -> None:
    async with FakeServer(lambda request: None) as gone:
        url = gone.url
    backend = HttpBackend(llamacpp(base_url=url), keys=KeySource(url))
    with pytest.raises(Unreachable, match=f"no llama.cpp responds at {url}: start it") as caught:
        await ask(backend)
    assert caught.value.sent is False
    await backend.close()


def run_flow(profile: LlamaCpp, *answers: HttpResponse) -> tuple[Capabilities, list[HttpRequest]]:
    """The result with these responses, and the requests."""
    flow: Generator[HttpRequest, HttpResponse, Capabilities] = profile.capabilities_flow()
    asked = [next(flow)]
    try:
        for answer in answers:
            request = flow.send(answer)
            asked.append(request)
    except StopIteration as end:
        return end.value, asked
    raise AssertionError("it asks for more")


def props(build: int, context: int = 8192) -> HttpResponse:
    return http_response(
        200, {"default_generation_settings": {"n_ctx": context}, "build_info": f"b{build}-x", "model_path": "/m/q.gguf"}
    )


def too_long(tokens: int) -> HttpResponse:
    return http_response(400, {"error": recorded.TOO_LONG["error"] | {"n_prompt_tokens": tokens}})


def test_limits_are_measured() -> None:
    found, asked = run_flow(llamacpp(), props(MIN_MEASURABLE_BUILD), too_long(8202), too_long(8202 + 768))
    assert found.capacity.prefix_tokens == 768
    assert found.capacity.suffix_tokens == 256 - 2 - 32
    assert found.capacity.context_tokens == 8192 - 1024 - 128
    assert found.can_fill is True
    assert [request.method for request in asked] == ["GET", "POST", "POST"]


def test_an_old_build_gets_no_long_prompt() -> None:
    found, asked = run_flow(llamacpp(), props(5000), http_response(200, {"content": "", "stop": True}))
    assert found.capacity.prefix_tokens == DEFAULT_BATCH * 3 // 4
    assert len(asked[-1].body) < 200


def test_a_small_context_bounds_the_batch() -> None:
    found, _ = run_flow(llamacpp(), props(5000, context=512), http_response(200, {"content": "", "stop": True}))
    assert found.capacity.prefix_tokens == 384


def test_a_model_that_cannot_fill_in() -> None:
    found, _ = run_flow(llamacpp(), props(MIN_MEASURABLE_BUILD), http_response(501, recorded.NO_TOKENS))
    assert found.can_fill is False


def test_no_props() -> None:
    found, _ = run_flow(llamacpp(), http_response(404, {"error": "no"}))
    assert (found.can_fill, found.capacity.total_tokens) == (None, None)
    with pytest.raises(Overloaded, match="loading"):
        run_flow(llamacpp(), http_response(503, recorded.LOADING))
