"""What is cut from the text round the cursor, and how little that changes while one types."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.prompt.build import build
from fim_lsp.prompt.sticky_window import _MAX_WINDOWS, Edges, StickyWindows, cut
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.quality.stability import common, following

LINES = st.lists(st.sampled_from(["", "a", "a = b\r", "some more words", "x" * 90]), min_size=1, max_size=60)


@settings(deadline=None)
@given(LINES, st.data(), st.integers(-1, 900), st.integers(-1, 500), st.sampled_from([200, 24_000]))
def test_a_window_is_contiguous_within_its_room_and_ends_where_lines_do(
    lines: list[str], data: st.DataObject, before: int, after: int, seen: int
) -> None:
    document = Document("\n".join(lines), Encoding.UTF32)
    line = data.draw(st.integers(0, len(document.lines) - 1))
    column = data.draw(st.integers(0, len(document.lines[line].rstrip("\r\n"))))
    split = document.split(line, column, before=seen, after=seen)
    last = Edges(first_line=data.draw(st.integers(-1, 60)), lines_below=data.draw(st.integers(-1, 60)))
    prefix, suffix, edges = cut(split, before, after, last)
    assert cut(split, before, after, edges) == (prefix, suffix, edges)
    assert split.prefix.endswith(prefix)
    assert split.suffix.startswith(suffix)
    assert len(prefix) <= max(before, 0)
    assert len(suffix) <= max(after, 0)
    text = "".join(document.lines)
    at = sum(map(len, document.lines[:line])) + column
    for edge in (at - len(prefix), at + len(suffix)):
        inside = at - column < edge <= at + len(split.line_suffix)
        assert (
            inside or edge in (0, len(text), at) or (text[edge - 1] in "\r\n" and text[edge - 1 : edge + 1] != "\r\n")
        )


def test_what_fits_is_sent_whole() -> None:
    document = Document("a\nb\nc\n", Encoding.UTF32)
    assert cut(document.split(1, 1, before=100, after=100), 100, 100)[:2] == ("a\nb", "\nc\n")


def test_all_lines_are_sent_that_a_snapshot_of_the_documents_middle_contains() -> None:
    document = Document("aaaa\nbbbb\ncccc\ndddd\n", Encoding.UTF32)
    split = document.split(2, 4, before=9, after=5)
    assert not split.at_start
    assert cut(split, 100, 100) == ("bbbb\ncccc", "\n", Edges(first_line=1, lines_below=2))


def test_edges_are_remembered_for_the_documents_that_were_used_last() -> None:
    def first_line(uri: str, lines: int) -> str:
        document = Document("".join(f"line {number:02}\n" for number in range(lines)), Encoding.UTF32)
        return windows.cut(uri, document.split(lines, 0, before=9000, after=9000), 180, 0)[0][:7]

    windows = StickyWindows()
    edge = first_line("kept", 40), first_line("forgotten", 40)
    assert first_line("kept", 41) == edge[0] == edge[1]
    for number in range(_MAX_WINDOWS - 1):
        first_line(f"other {number}", 40)
    assert first_line("kept", 42) == edge[0]
    assert first_line("forgotten", 42) != edge[1]


def test_a_prompt_stays_the_same_while_one_types() -> None:
    """As a server reads it: suffix, then prefix. What a beginning has in common with the one before, it needn't read again."""
    shares = [common(a, b) for a, b in following("rustcode", 1000, 300)]
    assert sum(share >= 0.9 for share in shares) / len(shares) >= 0.95
    assert sum(shares) / len(shares) >= 0.95


def test_a_line_of_its_own_file_size_does_not_slide_either() -> None:
    text = "".join(f"name{n}," for n in range(8_000))
    shares = []
    for typed in range(200):
        document = Document(text[:30_000] + "x" * typed + text[30_000:], Encoding.UTF32)
        split = document.split(0, 30_000 + typed, before=24_000, after=24_000)
        prompt = build(split, budget=3000, suffix_share=0.25, uri="", path="", language="", max_tokens=1)
        shares.append(prompt.suffix + prompt.prefix)
    kept = [common(a, b) for a, b in itertools.pairwise(shares)]
    assert sum(share >= 0.9 for share in kept) >= 0.97 * len(kept)
