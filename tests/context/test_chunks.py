"""How documents are cut into chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.context.chunks import MAX_LINES, MIN_LINES, chunk_bounds, names_in

LINES = st.lists(st.sampled_from(["", "a = b", "    deep = 1", "def f(x):", "        more(x)", "}", "]"]), max_size=60)


@given(LINES)
def test_chunks_are_all_lines_in_order(lines: list[str]) -> None:
    found = list(chunk_bounds(lines))
    assert [number for first, last in found for number in range(first, last)] == list(range(len(lines)))
    assert all(
        last - first <= MAX_LINES or not "".join(lines[first:last]).strip() or "" in lines for first, last in found
    )
    assert all(last - first >= MIN_LINES for first, last in found[:-1])


def test_names_include_the_words_that_they_consist_of() -> None:
    assert names_in("parseHttpHeader(x1, MAX_SIZE)") == {
        "parseHttpHeader", "MAX_SIZE", "~parse", "~http", "~header", "~max", "~size"
    }  # fmt: skip


def test_names_have_no_underscores_before_them_and_are_no_keywords() -> None:
    assert names_in("def __init__(self, _count): return x1") == {"init__", "~init", "count", "~count"}
