"""Documents are indexed in parts, read again only where they have changed, and without what must never be shown."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.context.indexed_document import WINDOW_LINES, IndexedDocument

CHANCE = random.Random(5)
ALNUM = string.ascii_letters + string.digits
BEGIN, END = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"
KEY = ["".join(CHANCE.choices(ALNUM + "+/", k=64)) for _ in range(49)] + ["Ab3dE5gH9k=="]
SECRETS = ["".join(CHANCE.choices(ALNUM, k=7)) + "4x" + "".join(CHANCE.choices(ALNUM, k=7)) for _ in range(12)]
WHOLE = 10**9


def texts(document: IndexedDocument) -> list[str]:
    return [chunk.text for chunk in document.chunks]


def read(lines: list[str], line: int = 0) -> IndexedDocument:
    document = IndexedDocument("a.py", lambda: lines, edited_line=line)
    document.refresh(WHOLE)
    assert not document.stale
    return document


LINE = st.sampled_from([
    "\n", "a = b\n", "    deep = 1\n", "def f(x):\n", "        more(x)\n", "}\n", "- name: JWT_SECRET\n", "  secure: yes\n",
    f'  value: "{SECRETS[0]}"\n', f"{BEGIN}\n", f"{KEY[0]}\n", "x" * 400 + "\n",
])  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 5), st.lists(LINE, max_size=6)), max_size=8)


@given(st.lists(LINE, max_size=80), EDITS, st.sampled_from([1, 60, 400, WHOLE]))
def test_reading_only_changes_gives_the_same_as_reading_all(
    lines: list[str], edits: list[tuple[int, int, list[str]]], limit: int
) -> None:
    document = IndexedDocument("a.py", lambda: lines)
    document.refresh(limit)
    for at, old, new in edits:
        at = min(at, len(lines))
        lines[at : at + old] = new
        document.edited(1, at)
        document.refresh(limit)
    for _ in range(100):
        document.refresh(limit)
    assert not document.stale
    fresh = read(lines)
    assert texts(document) == texts(fresh)
    assert {name: list(at) for name, at in document.chunks_with.items()} == fresh.chunks_with


def test_typing_reads_a_few_lines_however_long_the_document_is() -> None:
    lines = [f"value_{n} = compute_{n}(argument)\n" if n % 4 else "\n" for n in range(50_000)]
    document = read(lines, 25_000)
    for number in range(50):
        lines.insert(25_000 + number, f"typed_{number} = 1\n")
        document.edited(number, 25_000 + number)
        assert 0 < document.refresh(WHOLE) < 3_000
    assert any("typed_49" in text for text in texts(document))
    assert sum(text.count("\n") for text in texts(document)) <= WINDOW_LINES


@pytest.mark.parametrize("lines", [["x " * 400_000], [("word " * 80 + "\n")] * 300], ids=["one line", "many"])
def test_long_lines_are_neither_context_nor_read(lines: list[str]) -> None:
    document = read([*lines, "a = 1\n", "b = 2\n", "c = 3\n"])
    assert all(len(line) <= 300 for text in texts(document) for line in text.splitlines())
    assert IndexedDocument("a.py", lambda: lines).refresh(WHOLE) == 0


def test_a_document_with_long_lines_is_bounded_by_characters() -> None:
    document = read([f"{n} " + "word " * 50 + "\n" for n in range(2_000)])
    assert 10_000 < sum(map(len, texts(document))) <= 60_000


FORMS = {
    "plain": ("", "\n", ""),
    "YAML": ("    ", "\n", "data:\n  tls.key: |\n"),
    "Python": ('    "', '\\n"\n', "KEY = (\n"),
    "Java": ('        + "', '\\n"\n', "String key = \n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("above", range(12))
def test_no_chunk_contains_part_of_a_private_key(form: str, above: int) -> None:
    before, after, head = FORMS[form]
    block = "".join(f"{before}{line}{after}" for line in (BEGIN, *KEY, END))
    document = read(("x = 1\n" * above + head + block + "more = other_names(here)\n" * 9).splitlines(keepends=True))
    assert texts(document) != []
    assert not any(line in text for text in texts(document) for line in KEY)


@pytest.mark.parametrize(
    "form",
    ['- name: DB{0}_PASSWORD\n  value: "{1}"\n', "- name: DB{0}_SECRET\n  secure: yes\n  value: '{1}'\n",
     '  {{\n    "name": "JWT_SECRET",\n    "value": "{1}"\n  }},\n'],
)  # fmt: skip
@pytest.mark.parametrize("above", range(6))
def test_no_chunk_contains_a_secret_whose_name_is_above_it(form: str, above: int) -> None:
    text = "plain = value\n" * above + "".join(form.format(n, secret) for n, secret in enumerate(SECRETS))
    assert not any(secret in piece for piece in texts(read(text.splitlines(keepends=True))) for secret in SECRETS)


def test_a_value_that_becomes_a_secret_is_removed_at_once() -> None:
    lines = [f"plain_{n} = other_{n}\n" for n in range(30)]
    lines[12:12] = ["- name: PLAIN\n", f'  value: "{SECRETS[3]}"\n']
    document = read(lines)
    assert any(SECRETS[3] in text for text in texts(document))
    lines[12] = "- name: JWT_SECRET\n"
    document.edited(1, 12)
    document.refresh(1)
    assert not any(SECRETS[3] in text for text in texts(document))


def test_after_too_many_changes_to_follow_no_chunk_counts_as_unchanged() -> None:
    lines = [f"warehouse_{n}\n" for n in range(40)]
    document = read(lines)
    assert all(document.current_lines(number) for number in range(len(document.chunks)))
    for number in range(300):
        document.edited(number, 0)
    assert not any(document.current_lines(number) for number in range(len(document.chunks)))
    assert len(document._changes) < 300
