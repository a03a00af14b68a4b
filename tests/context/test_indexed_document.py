"""A document on its shelf: read in parts, anew only where it has changed, and without what is never to be shown."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.context.index import ContextIndex
from fim_lsp.context.indexed_document import LINES, IndexedDocument

CHANCE = random.Random(5)
ALNUM = string.ascii_letters + string.digits
BEGIN, END = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"
KEY = ["".join(CHANCE.choices(ALNUM + "+/", k=64)) for _ in range(49)] + ["Ab3dE5gH9k=="]
SECRETS = ["".join(CHANCE.choices(ALNUM, k=7)) + "4x" + "".join(CHANCE.choices(ALNUM, k=7)) for _ in range(12)]
WHOLE = 10**9


def texts(shelf: IndexedDocument) -> list[str]:
    return [chunk.text for chunk in shelf.chunks]


def read(lines: list[str], line: int = 0) -> IndexedDocument:
    shelf = IndexedDocument("a.py", lambda: lines, line=line)
    shelf.refresh(WHOLE)
    assert not shelf.stale
    return shelf


LINE = st.sampled_from([
    "\n", "a = b\n", "    deep = 1\n", "def f(x):\n", "        more(x)\n", "}\n", "- name: JWT_SECRET\n", "  secure: yes\n",
    f'  value: "{SECRETS[0]}"\n', f"{BEGIN}\n", f"{KEY[0]}\n", "x" * 400 + "\n",
])  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 5), st.lists(LINE, max_size=6)), max_size=8)


@given(st.lists(LINE, max_size=80), EDITS, st.sampled_from([1, 60, 400, WHOLE]))
def test_reading_what_changed_is_as_good_as_reading_all(
    lines: list[str], edits: list[tuple[int, int, list[str]]], most: int
) -> None:
    shelf = IndexedDocument("a.py", lambda: lines)
    shelf.refresh(most)
    for at, old, new in edits:
        at = min(at, len(lines))
        lines[at : at + old] = new
        shelf.edited(1, at)
        shelf.refresh(most)
    for _ in range(100):
        shelf.refresh(most)
    assert not shelf.stale
    fresh = read(lines)
    assert texts(shelf) == texts(fresh)
    assert {name: list(at) for name, at in shelf.places.items()} == fresh.places


def test_typing_reads_a_few_lines_anew_however_long_the_document_is() -> None:
    lines = [f"value_{n} = compute_{n}(argument)\n" if n % 4 else "\n" for n in range(50_000)]
    shelf = read(lines, 25_000)
    for number in range(50):
        lines.insert(25_000 + number, f"typed_{number} = 1\n")
        shelf.edited(number, 25_000 + number)
        assert 0 < shelf.refresh(WHOLE) < 3_000
    assert any("typed_49" in text for text in texts(shelf))
    assert sum(text.count("\n") for text in texts(shelf)) <= LINES


def test_a_call_reads_no_more_than_it_may_and_others_are_left_alone() -> None:
    touched = []
    made = ContextIndex()
    for number in range(40):
        lines = [f"name_{number}_{n} = call_{n}(x)\n" for n in range(1_000)]
        made.put(f"f{number}.py", lambda lines=lines, number=number: touched.append(number) or lines)  # type: ignore[misc]
    for _ in range(400):
        touched.clear()
        made.select("f0.py", "x = name_7_9", "", budget=100, imported=(), allowed=lambda _key: True)
        assert len(touched) <= 3
    assert touched == []


def test_a_long_document_is_there_while_another_is_typed() -> None:
    mine, big = ["x = 1\n"], [f"warehouse_{n} = compute_warehouse(argument)\n" for n in range(3_000)]
    made = ContextIndex()
    made.put("mine.py", lambda: mine)
    made.put("big.py", lambda: big)
    for number in range(10):
        mine[0] = f"x{number} = 1\n"
        made.edited("mine.py", 0)
        found = made.select("mine.py", "warehouse_5", "", budget=900, imported=(), allowed=lambda _key: True)
    assert [snippet.path for snippet in found] != []


@pytest.mark.parametrize("lines", [["x " * 400_000], [("word " * 80 + "\n")] * 300], ids=["one line", "many"])
def test_long_lines_are_no_context_and_cost_nothing(lines: list[str]) -> None:
    shelf = read([*lines, "a = 1\n", "b = 2\n", "c = 3\n"])
    assert all(len(line) <= 300 for text in texts(shelf) for line in text.splitlines())
    assert IndexedDocument("a.py", lambda: lines).refresh(WHOLE) == 0


def test_lines_of_much_text_are_bounded_by_characters() -> None:
    shelf = read([f"{n} " + "word " * 50 + "\n" for n in range(2_000)])
    assert 10_000 < sum(map(len, texts(shelf))) <= 60_000


FORMS = {
    "plain": ("", "\n", ""),
    "YAML": ("    ", "\n", "data:\n  tls.key: |\n"),
    "Python": ('    "', '\\n"\n', "KEY = (\n"),
    "Java": ('        + "', '\\n"\n', "String key = \n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("above", range(12))
def test_no_piece_shows_a_part_of_a_private_key(form: str, above: int) -> None:
    before, after, head = FORMS[form]
    block = "".join(f"{before}{line}{after}" for line in (BEGIN, *KEY, END))
    shelf = read(("x = 1\n" * above + head + block + "more = other_names(here)\n" * 9).splitlines(keepends=True))
    assert texts(shelf) != []
    assert not any(line in text for text in texts(shelf) for line in KEY)


@pytest.mark.parametrize(
    "form",
    ['- name: DB{0}_PASSWORD\n  value: "{1}"\n', "- name: DB{0}_SECRET\n  secure: yes\n  value: '{1}'\n",
     '  {{\n    "name": "JWT_SECRET",\n    "value": "{1}"\n  }},\n'],
)  # fmt: skip
@pytest.mark.parametrize("above", range(6))
def test_no_piece_shows_a_value_whose_name_stands_above_it(form: str, above: int) -> None:
    text = "plain = value\n" * above + "".join(form.format(n, secret) for n, secret in enumerate(SECRETS))
    assert not any(secret in piece for piece in texts(read(text.splitlines(keepends=True))) for secret in SECRETS)


def test_a_secret_typed_behind_its_name_goes_at_once() -> None:
    lines = [f"plain_{n} = other_{n}\n" for n in range(30)]
    lines[12:12] = ["- name: PLAIN\n", f'  value: "{SECRETS[3]}"\n']
    shelf = read(lines)
    assert any(SECRETS[3] in text for text in texts(shelf))
    lines[12] = "- name: JWT_SECRET\n"
    shelf.edited(1, 12)
    shelf.refresh(1)
    assert not any(SECRETS[3] in text for text in texts(shelf))


def test_what_would_look_like_a_heading_is_no_context() -> None:
    made = ContextIndex()
    diff = ["@@ invoice\n", "+++++ evil/invoice.py\n", "invoice = customer\n"]
    made.put("x.diff", lambda: diff)
    made.put("x\n+++++ y", lambda: ["invoice = customer\n"] * 4)
    assert made.select("m", "invoice = customer\n", "", budget=900, imported=(), allowed=lambda _key: True) == ()


def test_documents_of_one_name_are_told_apart_by_their_keys() -> None:
    made = ContextIndex()
    for key, line in (("1", "invoice = customer\n"), ("2", "weather = forecast\n")):
        made.put(key, lambda line=line: [line] * 3, "main.py")  # type: ignore[misc]
    made.drop("2")
    found = made.select("3", "x = invoice(customer)", "", budget=900, imported=(), allowed=lambda _key: True)
    assert [(snippet.path, snippet.text[:7]) for snippet in found] == [("main.py", "invoice")]


CHANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 3), st.integers(0, 4)), max_size=12)


@given(st.integers(1, 60), CHANGES, CHANGES, st.integers(0, 60), st.booleans())
def test_no_piece_of_the_document_is_in_an_older_state_or_has_the_cursors_line(
    count: int, early: list[tuple[int, int, int]], late: list[tuple[int, int, int]], line: int, again: bool
) -> None:
    fresh = iter(range(10_000))
    lines = [f"warehouse_{next(fresh)} = customer(invoice)\n" for _ in range(count)]
    library = ContextIndex()
    library.put("m", lambda: lines)

    def change(at: int, old: int, new: int) -> None:
        at = min(at, len(lines) - 1)
        old = min(old, len(lines) - at)
        lines[at : at + old] = [f"warehouse_{next(fresh)} = customer(invoice)\n" for _ in range(new)] or ["\n"]
        library.edited("m", at, old, new or 1)

    def asked() -> list[str]:
        found = library.select(
            "m", "customer(invoice) = warehouse\n", "", budget=9000, imported=(), allowed=str, line=line
        )
        return [piece.text for piece in found]

    for edit in early:
        change(*edit)
    assert asked() is not None
    for edit in late:
        change(*edit)
    if again:
        for _ in range(20):
            change(0, 1, 1)
    text, current = "".join(lines), lines[line] if line < len(lines) else "none"
    for piece in asked():
        assert piece in text
        assert current == "\n" or current not in piece  # a blank line is like any other


def test_too_many_changes_to_follow_leave_nothing_that_may_be_old() -> None:
    lines = [f"warehouse_{n}\n" for n in range(40)]
    shelf = read(lines)
    assert all(shelf.lines_of(number) for number in range(len(shelf.chunks)))
    for number in range(300):
        shelf.edited(number, 0)
    assert not any(shelf.lines_of(number) for number in range(len(shelf.chunks)))
    assert len(shelf._changes) < 300
