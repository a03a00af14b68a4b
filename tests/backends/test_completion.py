"""Answers are read the same whether streamed or whole, as asked for or not, and cut anywhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.base import Chunk, Usage
from fim_lsp.backends.codestral import codestral
from fim_lsp.errors import BackendError, BadReply, Overloaded, RateLimited
from tests.backends.helpers import cut
from tests.fakes.recorded import RECORDED
from tests.fakes.replies import streamed, whole

BODY = {"model": "codestral-latest", "prompt": "x", "suffix": "y"}


def read(data: bytes, places: list[int] | None = None) -> list[Chunk]:
    reader = codestral().reader()
    chunks = [chunk for piece in cut(data, places or []) for chunk in reader.feed(piece)]
    return [*chunks, *reader.finish()]


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def events(*messages: object, end: bool = True) -> bytes:
    data = [f"data: {json.dumps(message, ensure_ascii=False)}\n\n" for message in messages]
    return "".join([*data, "data: [DONE]\n\n" if end else ""]).encode("utf-8", "surrogatepass")


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLACES = st.lists(st.integers(min_value=0), max_size=10)


@given(text=TEXT, places=PLACES)
def test_streamed_and_whole_say_the_same(text: str, places: list[int]) -> None:
    in_events = read(events(*streamed(BODY, text, "stop")), places)
    at_once = read(b" \n" + json.dumps(whole(BODY, text, "stop")).encode(), places)
    assert text_of(in_events) == text_of(at_once) == text
    assert in_events[-1].finish == at_once[-1].finish == "stop"
    assert in_events[-1].usage == at_once[-1].usage != None  # noqa: E711  # reads as one comparison


CHOICES = {
    "string": {"message": {"content": "ab"}},
    "parts": {
        "message": {"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}
    },
    "messages": {"messages": [{"role": "assistant", "content": "ab"}]},
    "text": {"text": "ab"},
    "delta": {"delta": {"content": "ab"}},
    "null beside messages": {"message": None, "messages": [{"content": "a"}, {"content": "b"}]},
    "unknown fields": {"message": {"content": "ab", "tool_calls": None, "prefix": False}, "logprobs": {}},
}


@pytest.mark.parametrize("case", CHOICES)
def test_where_the_text_may_be(case: str) -> None:
    message = {"data": "asd", "choices": [{"index": 0, **CHOICES[case], "finish_reason": "length"}]}
    assert text_of(read(json.dumps(message).encode())) == "ab"
    assert text_of(read(events(message))) == "ab"


def test_null_content_and_a_last_chunk_with_usage_only() -> None:
    chunks = read(
        events(
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10,
                                      "prompt_tokens_details": {"cached_tokens": 64}}},
        )
    )  # fmt: skip
    assert text_of(chunks) == "a"
    assert chunks[-1].usage == Usage(prompt_tokens=9, completion_tokens=1, cached_tokens=64)


def test_an_end_without_done_is_an_end_if_there_was_a_finish_reason() -> None:
    assert text_of(read(events(*streamed(BODY, "a b c", "stop"), end=False))) == "a b c"


BROKEN = {
    "nothing": b"",
    "cut": events(*streamed(BODY, "a b c", "stop")[:2], end=False),
    "html": b"<html>log in to this network</html>",
    "another json": b'{"weather": "fine"}',
    "a list": b"[1, 2]",
    "cut json": b'{"choices": [{"mess',
    "no json in event": b"data: hello\n\n",
    "deep": b"[" * 100_000,
    "not utf-8": b"data: \xff\xfe\n\n",
    "the model failed": events({"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_completion_is_a_bad_reply(case: str) -> None:
    with pytest.raises(BadReply):
        read(BROKEN[case])


def test_text_before_a_break_is_kept() -> None:
    reader = codestral().reader()
    chunks = [*reader.feed(events(*streamed(BODY, "a b c", "stop")[:2], end=False))]
    assert text_of(chunks) == "a b"
    with pytest.raises(BadReply, match="broke off"):
        list(reader.finish())


@pytest.mark.parametrize(
    ("name", "error"), [("tokens_limit_by_header", RateLimited), ("capacity", Overloaded)], ids=str
)
def test_an_error_inside_a_stream_is_raised(name: str, error: type[BackendError]) -> None:
    good = streamed(BODY, "a b c", "stop")[0]
    with pytest.raises(error):
        read(events(good, RECORDED[name].body))
    with pytest.raises(error):
        read(RECORDED[name].raw)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["choices", "message", "delta", "content", "text", "usage", "messages",
                                          "finish_reason", "prompt_tokens", "type", "detail"]), inner, max_size=4)))  # fmt: skip
def test_any_json_is_read_or_a_back_end_error(value: object) -> None:
    for data in (json.dumps(value).encode(), events({"choices": value}), events({"choices": [value]})):
        try:
            chunks = read(data)
        except BackendError:
            continue
        assert all(isinstance(chunk.text, str) for chunk in chunks)
