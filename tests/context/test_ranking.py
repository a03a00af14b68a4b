"""Which chunks of other documents are selected."""

from __future__ import annotations

import itertools

from fim_lsp.context.index import ContextIndex
from fim_lsp.prompt.prompt import Snippet

INVOICE = [
    "class Invoice:\n", "    def __init__(self, customer, lines):\n", "        self.customer = customer\n",
    "        self.lines = lines\n", "\n", "    def total_with_tax(self, rate):\n",
    "        return sum(line.amount for line in self.lines) * (1 + rate)\n",
]  # fmt: skip
WEATHER = ["def forecast(city):\n", "    sky = clouds_over(city)\n", "    return sky.rain, sky.wind\n"]
WANTED = "def print_invoice(invoice):\n    customer = invoice.customer\n    print("


def index_of(**documents: list[str]) -> ContextIndex:
    index = ContextIndex()
    for name, lines in documents.items():
        index.put(f"{name}.py", lambda lines=lines: lines)  # type: ignore[misc]
    return index


def selected_paths(
    index: ContextIndex, prefix: str = WANTED, budget: int = 1000, imported: tuple[str, ...] = ()
) -> list[str]:
    found = index.select("main.py", prefix, "", budget=budget, imported=imported, allowed=lambda _path: True)
    return [snippet.path for snippet in found]


def x() -> None:
    index = index_of(invoice=INVOICE, weather=WEATHER)
    assert set(selected_paths(index)) == {"invoice.py"}


def test_nothing_is_selected_where_nothing_fits() -> None:
    assert selected_paths(index_of(weather=WEATHER)) == []
    assert selected_paths(index_of(invoice=INVOICE), budget=20) == []


def test_what_the_window_contains_is_not_sent_again() -> None:
    assert selected_paths(index_of(invoice=INVOICE), prefix="".join(INVOICE) + WANTED) == []


def test_equal_chunks_of_two_files_are_sent_once() -> None:
    assert len(set(selected_paths(index_of(invoice=INVOICE, copy=INVOICE)))) == 1


def test_imported_documents_come_before_open_ones() -> None:
    index = index_of(
        one=["invoice = 1\n", "alpha = 1\n", "beta = 2\n"], two=["invoice = 2\n", "gamme = 1\n", "dota = 2\n"]
    )
    budget = Snippet(path="one.py", text="invoice = 1\nalpha = 1\nbeta = 2\n").size
    assert selected_paths(index, budget=budget, imported=("two.py",)) == ["two.py"]
    assert selected_paths(index, budget=budget, imported=("one.py",)) == ["one.py"]


def test_a_document_that_is_not_allowed_is_not_searched() -> None:
    index = index_of(invoice=INVOICE)
    assert (
        index.select("main.py", WANTED, "", budget=1000, imported=(), allowed=lambda path: path != "invoice.py") == ()
    )


def test_dropped_and_changed_text_is_not_remembered() -> None:
    lines = list(INVOICE)
    index = index_of(invoice=lines)
    assert selected_paths(index) != []
    lines[:] = WEATHER
    index.edited("invoice.py", 0)
    assert selected_paths(index) == []
    lines[:] = INVOICE
    index.edited("invoice.py", 0)
    index.drop("invoice.py")
    assert selected_paths(index) == []


def test_the_selection_hardly_changes_while_a_line_is_typed() -> None:
    index = index_of(invoice=INVOICE, weather=WEATHER, other=[f"def customer_{n}(invoice): pass\n" for n in range(12)])
    line = "invoice.total_with_tax(city, sky.rain)"
    selections = [selected_paths(index, prefix=WANTED + line[:length], budget=400) for length in range(len(line))]
    assert sum(a != b for a, b in itertools.pairwise(selections)) <= 2
