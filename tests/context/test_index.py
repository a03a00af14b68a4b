"""Which documents are searched, how much of them is read, and what is never context."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.context.index import ContextIndex


def test_one_call_reads_a_few_documents_until_all_are_read() -> None:
    read = []
    index = ContextIndex()
    for number in range(40):
        lines = [f"name_{number}_{n} = call_{n}(x)\n" for n in range(1_000)]
        index.put(f"f{number}.py", lambda lines=lines, number=number: read.append(number) or lines)  # type: ignore[misc]
    for _ in range(400):
        read.clear()
        index.select("f0.py", "x = name_7_9", "", budget=100, imported=(), allowed=lambda _key: True)
        assert len(read) <= 3
    assert read == []


def test_a_long_document_is_searched_while_another_is_typed_in() -> None:
    mine, big = ["x = 1\n"], [f"warehouse_{n} = compute_warehouse(argument)\n" for n in range(3_000)]
    index = ContextIndex()
    index.put("mine.py", lambda: mine)
    index.put("big.py", lambda: big)
    for number in range(10):
        mine[0] = f"x{number} = 1\n"
        index.edited("mine.py", 0)
        found = index.select("mine.py", "warehouse_5", "", budget=900, imported=(), allowed=lambda _key: True)
    assert [snippet.path for snippet in found] != []


def test_text_or_names_that_look_like_a_heading_are_no_context() -> None:
    index = ContextIndex()
    diff = ["@@ invoice\n", "+++++ evil/invoice.py\n", "invoice = customer\n"]
    index.put("x.diff", lambda: diff)
    index.put("x\n+++++ y", lambda: ["invoice = customer\n"] * 4)
    assert index.select("m", "invoice = customer\n", "", budget=900, imported=(), allowed=lambda _key: True) == ()


def test_documents_of_one_name_have_different_keys() -> None:
    index = ContextIndex()
    for key, line in (("1", "invoice = customer\n"), ("2", "weather = forecast\n")):
        index.put(key, lambda line=line: [line] * 3, "main.py")  # type: ignore[misc]
    index.drop("2")
    found = index.select("3", "x = invoice(customer)", "", budget=900, imported=(), allowed=lambda _key: True)
    assert [(snippet.path, snippet.text[:7]) for snippet in found] == [("main.py", "invoice")]


CHANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 3), st.integers(0, 4)), max_size=12)


@given(st.integers(1, 60), CHANGES, CHANGES, st.integers(0, 60), st.booleans())
def test_no_snippet_of_the_document_itself_is_out_of_date_or_contains_the_cursors_line(
    count: int, early: list[tuple[int, int, int]], late: list[tuple[int, int, int]], line: int, again: bool
) -> None:
    fresh = iter(range(10_000))
    lines = [f"warehouse_{next(fresh)} = customer(invoice)\n" for _ in range(count)]
    index = ContextIndex()
    index.put("m", lambda: lines)

    def change(at: int, old: int, new: int) -> None:
        at = min(at, len(lines) - 1)
        old = min(old, len(lines) - at)
        lines[at : at + old] = [f"warehouse_{next(fresh)} = customer(invoice)\n" for _ in range(new)] or ["\n"]
        index.edited("m", at, old, new or 1)

    def texts() -> list[str]:
        found = index.select(
            "m", "customer(invoice) = warehouse\n", "", budget=9000, imported=(), allowed=str, line=line
        )
        return [piece.text for piece in found]

    for edit in early:
        change(*edit)
    assert texts() is not None
    for edit in late:
        change(*edit)
    if again:
        for _ in range(20):
            change(0, 1, 1)
    text, current = "".join(lines), lines[line] if line < len(lines) else "none"
    for piece in texts():
        assert piece in text
        assert current == "\n" or current not in piece  # a blank line is like any other


@pytest.mark.parametrize(
    "name", ["a\nb.py", "a\x00.py", "a\x1b[31m.py", "a\U000e0100.py", "a\u3164.py", "\u202eyp.a"], ids=ascii
)
def test_a_document_whose_name_can_not_be_read_is_not_searched(name: str) -> None:
    index = ContextIndex()
    for added, paths in ((name, []), ("b.py", ["b.py"])):
        index.put("key", lambda: ["invoice = customer\n"] * 3, added)
        found = index.select("m", "invoice = customer.x\n", "", budget=900, imported=(), allowed=lambda _key: True)
        assert [snippet.path for snippet in found] == paths
