"""What is chosen from other documents."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.context.chunks import LEAST, MOST, names, pieces
from fim_lsp.context.index import ContextIndex
from fim_lsp.prompt.build import build, context_budget
from fim_lsp.prompt.prompt import Snippet
from tests.marked import split

INVOICE = [
    "class Invoice:\n", "    def __init__(self, customer, lines):\n", "        self.customer = customer\n",
    "        self.lines = lines\n", "\n", "    def total_with_tax(self, rate):\n",
    "        return sum(line.amount for line in self.lines) * (1 + rate)\n",
]  # fmt: skip
WEATHER = ["def forecast(city):\n", "    sky = clouds_over(city)\n", "    return sky.rain, sky.wind\n"]
WANTED = "def print_invoice(invoice):\n    customer = invoice.customer\n    print("


def library(**documents: list[str]) -> ContextIndex:
    made = ContextIndex()
    for name, lines in documents.items():
        made.put(f"{name}.py", lambda lines=lines: lines)  # type: ignore[misc]
    return made


def chosen(made: ContextIndex, prefix: str = WANTED, budget: int = 1000, imported: tuple[str, ...] = ()) -> list[str]:
    found = made.select("main.py", prefix, "", budget=budget, imported=imported, allowed=lambda _path: True)
    return [snippet.path for snippet in found]


def test_what_shares_rare_names_with_the_lines_round_the_cursor_is_chosen() -> None:
    made = library(invoice=INVOICE, weather=WEATHER)
    assert set(chosen(made)) == {"invoice.py"}


def test_nothing_is_chosen_where_nothing_fits() -> None:
    assert chosen(library(weather=WEATHER)) == []
    assert chosen(library(invoice=INVOICE), budget=20) == []


def test_what_the_window_has_is_not_said_again() -> None:
    assert chosen(library(invoice=INVOICE), prefix="".join(INVOICE) + WANTED) == []


def test_the_same_piece_from_two_files_is_sent_once() -> None:
    assert len(set(chosen(library(invoice=INVOICE, copy=INVOICE)))) == 1


def test_what_is_imported_comes_before_what_is_only_open() -> None:
    made = library(
        one=["invoice = 1\n", "alpha = 1\n", "beta = 2\n"], two=["invoice = 2\n", "gamme = 1\n", "dota = 2\n"]
    )
    budget = Snippet(path="one.py", text="invoice = 1\nalpha = 1\nbeta = 2\n").size
    assert chosen(made, budget=budget, imported=("two.py",)) == ["two.py"]
    assert chosen(made, budget=budget, imported=("one.py",)) == ["one.py"]


def test_a_document_that_is_not_allowed_is_not_looked_at() -> None:
    made = library(invoice=INVOICE)
    assert made.select("main.py", WANTED, "", budget=1000, imported=(), allowed=lambda path: path != "invoice.py") == ()


def test_what_was_dropped_or_changed_is_not_remembered() -> None:
    lines = list(INVOICE)
    made = library(invoice=lines)
    assert chosen(made) != []
    lines[:] = WEATHER
    made.edited("invoice.py", 0)
    assert chosen(made) == []
    lines[:] = INVOICE
    made.edited("invoice.py", 0)
    made.drop("invoice.py")
    assert chosen(made) == []


def test_the_choice_does_not_flicker_while_a_line_is_typed() -> None:
    made = library(invoice=INVOICE, weather=WEATHER, other=[f"def customer_{n}(invoice): pass\n" for n in range(12)])
    line = "invoice.total_with_tax(city, sky.rain)"
    choices = [chosen(made, prefix=WANTED + line[:length], budget=400) for length in range(len(line))]
    assert sum(a != b for a, b in itertools.pairwise(choices)) <= 2


LINES = st.lists(st.sampled_from(["", "a = b", "    deep = 1", "def f(x):", "        more(x)", "}", "]"]), max_size=60)


@given(LINES)
def test_pieces_are_all_lines_in_order(lines: list[str]) -> None:
    found = list(pieces(lines))
    assert [number for first, last in found for number in range(first, last)] == list(range(len(lines)))
    assert all(last - first <= MOST or not "".join(lines[first:last]).strip() or "" in lines for first, last in found)
    assert all(last - first >= LEAST for first, last in found[:-1])


def test_names_are_words_and_what_they_are_made_of() -> None:
    assert names("parseHttpHeader(x1, MAX_SIZE)") == {
        "parseHttpHeader", "MAX_SIZE", "~parse", "~http", "~header", "~max", "~size"
    }  # fmt: skip


SNIPPETS = st.lists(
    st.builds(Snippet, path=st.text("ab/.", max_size=20), text=st.text("xy\n", max_size=200)), max_size=6
)


@given(st.text("ab\n", max_size=600), st.text("cd\n", max_size=600), SNIPPETS, st.integers(0, 900), st.floats(0, 0.9))
def test_a_prompt_is_never_over_its_budget(
    before: str, after: str, context: list[Snippet], budget: int, share: float
) -> None:
    prompt = build(
        split(f"{before}‸{after}"), uri="u", path="a/b.py", language="python", budget=budget, suffix_share=share,
        max_tokens=9, context=context,
    )  # fmt: skip
    assert prompt.size <= budget
    assert list(prompt.context) == context[: len(prompt.context)]


def test_context_never_takes_most_of_a_small_prompt() -> None:
    assert context_budget(1000, 10_000) == 400
    assert context_budget(1000, 50) == 50
    assert context_budget(0, 50) == 0
