"""What an answer depends on besides the text around the cursor."""

from __future__ import annotations

from dataclasses import replace

from tests.marked import split
from tests.schedule.script import a_snapshot


def test_a_documents_answers_depend_on_its_uri() -> None:
    one = a_snapshot("x‸")
    assert one.cache_scope == a_snapshot("y‸").cache_scope
    assert one.cache_scope != replace(one, uri="file:///b.py").cache_scope


def test_a_cells_answers_depend_on_the_cells_next_to_it() -> None:
    cell = a_snapshot("x‸")
    one, other = (replace(cell, whole=split(f"{above}\nx‸\nbelow")) for above in ("import a", "import b"))
    assert one.window is one.whole
    assert one.cache_scope != other.cache_scope
    assert one.cache_scope == replace(cell, whole=split("import a\nx‸\nbelow")).cache_scope
