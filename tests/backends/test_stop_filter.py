"""Text ends at the first stop string and without an appended suffix, wherever it is cut, and nothing is taken back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.backend import Usage
from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.stop_filter import MIN_SUFFIX, StopFilter
from tests.fakes.llamacpp import events
from tests.fakes.replies import cut

SUFFIX = "\n\ndef main():\n    pass\n"
MARKS = ("<|end|>", "<|endoftext|>", "ab", "aab")


def read(
    text: str, places: list[int], *, stops: tuple[str, ...] = (), suffix: str = ""
) -> tuple[str, StopFilter, list[str]]:
    """``text`` as an answer in pieces, read to its end."""
    pieces = [piece.decode("utf-8", "replace") for piece in cut(text.encode("ascii"), places)]
    messages = [{"choices": [{"text": piece, "finish_reason": None}]} for piece in pieces]
    data = events(*messages, {"choices": [{"text": "", "finish_reason": "length"}]}, done=True)
    ending = StopFilter(codestral().reader(), stops=stops, suffix=suffix)
    chunks = [*ending.feed(data), *ending.finish()]
    return "".join(chunk.text for chunk in chunks), ending, [chunk.finish for chunk in chunks if chunk.finish]


PIECE = st.sampled_from(["a", "b", "<|", "end", "|>", "oftext", "\n", SUFFIX, SUFFIX[:7], "x", *MARKS])
TEXT = st.lists(PIECE, max_size=12).map("".join)
PLACES = st.lists(st.integers(min_value=0, max_value=200), max_size=12)


@given(text=TEXT, places=PLACES, stops=st.lists(st.sampled_from(MARKS), max_size=4, unique=True).map(tuple))
def test_the_text_ends_at_the_first_stop_string(text: str, places: list[int], stops: tuple[str, ...]) -> None:
    ends = [place for stop in stops if (place := text.find(stop)) >= 0]
    got, ending, finishes = read(text, places, stops=stops)
    assert got == text[: min(ends, default=len(text))]
    assert finishes == ["stop" if ends else "length"]
    assert not ending.suffix_appended


@given(text=TEXT, places=PLACES)
def test_an_appended_suffix(text: str, places: list[int]) -> None:
    got, ending, _ = read(text + SUFFIX, places, suffix=SUFFIX)
    assert (got, ending.suffix_appended) == (text, True)


@given(text=TEXT, places=PLACES)
def test_a_text_that_only_begins_like_the_suffix_is_whole(text: str, places: list[int]) -> None:
    text += "!" + SUFFIX[:-1]
    got, ending, _ = read(text, places, suffix=SUFFIX)
    assert (got, ending.suffix_appended) == (text, False)


@given(places=PLACES)
def test_a_short_suffix_may_be_part_of_the_completion(places: list[int]) -> None:
    assert len("\n    )\n".strip()) < MIN_SUFFIX
    got, ending, _ = read("f(x\n    )\n", places, suffix="\n    )\n")
    assert (got, ending.suffix_appended) == ("f(x\n    )\n", False)


def test_nothing_is_held_back_without_need() -> None:
    ending = StopFilter(codestral().reader(), stops=("<|end|>",), suffix=SUFFIX)
    message = events({"choices": [{"text": "return a <", "finish_reason": None}]})
    assert "".join(chunk.text for chunk in ending.feed(message)) == "return a "


def test_usage_counts_after_the_stop() -> None:
    ending = StopFilter(codestral().reader(), stops=("#",))
    data = events({"choices": [{"text": "a#b"}]}, {"choices": [{"text": "c", "finish_reason": "stop"}]},
                  {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}, done=True)  # fmt: skip
    chunks = [*ending.feed(data), *ending.finish()]
    assert "".join(chunk.text for chunk in chunks) == "a"
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(prompt_tokens=3, completion_tokens=4)]
