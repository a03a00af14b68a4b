"""Responses are read alike whether streamed or whole, as requested or not, and wherever they are cut."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.ollama import ollama
from fim_lsp.backends.profile import Reader
from fim_lsp.backends.response_reader import MESSAGE_LIMIT, ResponseReader
from fim_lsp.errors import BackendError, BadReply, Overloaded, RateLimited
from tests.fakes.fixtures import PROMPT
from tests.fakes.recorded import RECORDED
from tests.fakes.replies import cut, streamed, whole

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
def test_streamed_and_whole_responses_are_read_alike(text: str, places: list[int]) -> None:
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


NO_COMPLETIONS = [
    ": OPENROUTER PROCESSING", "null", "7", "-0.5", "true", '"ready"', "[]", "[1, 2]", "{}", "{", "keep-alive", "[PING]",
    '{"type": "ping"}', '{"choices": null}', '{"error": null}', '{"message": ""}', '{"object": "heartbeat", "id": 3}',
]  # fmt: skip


@given(st.data(), TEXT, PLACES, st.booleans())
def test_events_that_are_no_completion_are_skipped(
    data: st.DataObject, text: str, places: list[int], end: bool
) -> None:
    payloads = [json.dumps(message) for message in streamed(BODY, text, "stop")]
    for _ in range(data.draw(st.integers(1, 5))):
        payloads.insert(data.draw(st.integers(0, len(payloads))), data.draw(st.sampled_from(NO_COMPLETIONS)))
    stream = "".join(f"data: {payload}\n\n" for payload in payloads) + "data: [DONE]\n\n" * end
    assert text_of(read(b": connected\n\n" + stream.encode(), places)) == text


@pytest.mark.parametrize("payload", NO_COMPLETIONS)
@pytest.mark.parametrize("end", ["", "data: [DONE]\n\n"])
def test_nothing_but_such_events_is_a_bad_reply(payload: str, end: str) -> None:
    with pytest.raises(BadReply, match="something other than a completion"):
        read(f"data: {payload}\n\n{end}".encode())


def test_another_choice_is_not_added_to_the_one_that_was_asked_for() -> None:
    def piece(*choices: tuple[object, str, str | None]) -> dict[str, object]:
        return {"choices": [{"index": i, "text": text, "finish_reason": finish} for i, text, finish in choices]}

    chunks = read(
        events(
            piece((1, "no", None), (0, "a", None)), piece((1, "no", "stop")), piece((0, "b", None)), piece((2, "no", None)),
            piece((None, "c", "length"), (3, "no", "stop")),
        )
    )  # fmt: skip
    assert text_of(chunks) == "abc"
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["length"]
    assert text_of(read(json.dumps(piece((1, "no", "stop"), (0, "yes", "stop"))).encode())) == "yes"


PAGES = {
    "html": b"<html>log in to this network</html>",
    "doctype": b"\r\n  <!DOCTYPE html>\n<title>data: sign in</title>",
    "mark": b"\xef\xbb\xbf<html>",
    "comment": b"<!-- portal --><HTML><body>",
    "xml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">',
    "after text": b"Please wait\n\n<html><body>Sign in</body></html>",
}


@pytest.mark.parametrize("case", PAGES)
@pytest.mark.parametrize("reader", [codestral().reader, lambda: ollama("x").reader(PROMPT)])
@pytest.mark.parametrize("places", [[], [1], [3, 9]])
def test_a_web_page_is_reported_as_such(case: str, reader: Callable[[], Reader], places: list[int]) -> None:
    made = reader()
    with pytest.raises(BadReply, match="web page"):
        list(itertools.chain(*map(made.feed, cut(PAGES[case], places)), made.finish()))


@pytest.mark.parametrize("text", [b"Forbidden", b"upstream: connect error\n", b"ok"])
def test_other_text_is_not_a_response_that_broke_off(text: bytes) -> None:
    with pytest.raises(BadReply, match="something other than a completion"):
        read(text)


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
    is_success = streamed(BODY, "a b c", "stop")[0]
    with pytest.raises(error) as raised:
        read(events(is_success, RECORDED[name].body))
    assert raised.value.invalidates_output  # what came before it is no half of an answer
    with pytest.raises(error):
        read(RECORDED[name].raw)


@pytest.mark.parametrize(
    "late", [{"error": {"message": "gone"}}, {"detail": "x"}, {"choices": [{"finish_reason": "error"}]}]
)
def test_an_error_after_the_finish_reason_is_ignored(late: dict[str, object]) -> None:
    assert text_of(read(events(*streamed(BODY, "a b", "stop"), late))) == "a b"


def test_an_error_beside_choices_is_an_error() -> None:
    message = {"error": {"code": 502, "message": "provider"}, "choices": [{"index": 0, "delta": {"content": ""}}]}
    with pytest.raises(BackendError) as raised:
        read(events(streamed(BODY, "a b c", "stop")[0], message))
    assert raised.value.invalidates_output


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


def test_whitespace_before_a_response_is_not_kept() -> None:
    reader = ResponseReader(lambda _message: BadReply("x"))
    for _ in range(MESSAGE_LIMIT // 1024):
        assert list(reader.feed(b" \n\r\t" * 256)) == []
        assert reader._head == b""
    with pytest.raises(BadReply):
        list(reader.feed(b" "))
