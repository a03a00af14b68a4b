"""A notebook's cells as one document. ``‸`` is the cursor; cells are parted by lines of ``%``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.prompt.build import build
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.text.cells import Cell, join
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import split_lines
from tests.marked import split


def cell(text: str, language: str = "python", *, prose: bool = False) -> Cell:
    return Cell(lines=split_lines(text), language=language, prose=prose)


def joined(text: str, language: str = "python", window: int = 10_000) -> Split:
    texts = text.split("%\n")
    at = next(number for number, it in enumerate(texts) if "‸" in it)
    above, below = map(cell, texts[:at]), map(cell, texts[at + 1 :])
    return join(split(texts[at]), language, list(above), list(below), window=window)


@pytest.mark.parametrize(
    ("notebook", "prefix", "suffix"),
    [
        ("a = 1\n%\nb = ‸", "a = 1\n\nb = ", ""),
        ("a = 1%\nb = 2\n\n\n%\nc = ‸\n%\nd = 4", "a = 1\n\nb = 2\n\nc = ", "\n\nd = 4\n\n"),
        ("‸%\nb = 2", "", "\nb = 2\n\n"),
        ("x‸%\nb = 2", "x", "\n\nb = 2\n\n"),
        ("%\n \n%\nx‸", "x", ""),  # empty cells say nothing
        ("‸", "", ""),
        ("a\r\nb\r\n%\nx‸\r\ny%\nc\rd", "a\nb\n\nx", "\r\ny\n\nc\nd\n\n"),
    ],
)
def test_cells_come_in_order_with_a_blank_line_between(notebook: str, prefix: str, suffix: str) -> None:
    made = joined(notebook)
    assert (made.prefix, made.suffix) == (prefix, suffix)


def test_prose_is_a_comment_and_other_languages_are_left_out() -> None:
    above = [cell("## Sales\n\nby *month*", "markdown", prose=True), cell("SELECT 1", "sql"), cell("a = 1")]
    made = join(split("‸"), "python", above, [cell("The end", "markdown", prose=True)], window=999)
    assert made.prefix == "# ## Sales\n#\n# by *month*\n\na = 1\n\n"
    assert made.suffix == "\n# The end\n\n"
    assert join(split("‸"), "brainfuck", above, [], window=999).prefix == ""
    assert join(split("‸"), "markdown", above, [], window=999).prefix == "## Sales\n\nby *month*\n\n"
    assert join(split("‸"), "typescript", above, [], window=999).prefix.startswith("// ## Sales\n//\n")


def test_a_cell_that_does_not_fit_into_the_window_is_cut_where_a_line_ends() -> None:
    cut = joined("far = 1\nnear = 2%\n‸%\nbelow = 3\nfar = 4", window=11)
    assert (cut.prefix, cut.at_start) == ("near = 2\n\n", False)
    assert (cut.suffix, cut.at_end) == ("\nbelow = 3\n", False)


CELLS = st.lists(st.lists(st.text("ab ", max_size=9), max_size=9).map("\n".join), max_size=9)


@given(CELLS, st.text("ab\n", max_size=30), st.text("ab\n", max_size=30), CELLS, st.integers(0, 60))
def test_a_window_is_whole_lines_of_the_nearest_cells(
    above: list[str], before: str, after: str, below: list[str], window: int
) -> None:
    own = split(f"{before}‸{after}")
    whole = join(own, "python", [*map(cell, above)], [*map(cell, below)], window=10_000)
    made = join(own, "python", [*map(cell, above)], [*map(cell, below)], window=window)
    head, tail = made.prefix.removesuffix(before), made.suffix.removeprefix(after)
    assert whole.prefix.endswith(made.prefix)
    assert whole.suffix.startswith(made.suffix)
    assert len(head) <= window
    assert len(tail) <= window + 2
    assert (made.line, made.column, made.lines) == (whole.line, whole.column, whole.lines)
    assert whole.line == whole.prefix.count("\n")
    assert made.at_start == (len(head) == len(whole.prefix.removesuffix(before)))


def test_a_prompt_begins_as_before_while_one_types_in_a_cell() -> None:
    """Nothing in the way that notebooks are joined moves the window; the budget holds."""
    above = [cell("".join(f"cell_{n}_{line} = {line}\n" for line in range(20))) for n in range(30)]
    below = [cell("".join(f"later_{n}_{line} = {line}\n" for line in range(20))) for n in range(30)]
    text, windows, prompts = "", StickyWindows(), []
    for key in "".join(f"value_{n} = compute({n})\n" for n in range(12)):
        text += key
        whole = join(split(f"{text}‸\n"), "python", above, below, window=24_000)
        prompts.append(
            build(
                whole, uri="cell", notebook="nb", path="", language="python", budget=4000, suffix_share=0.25, max_tokens=9,
                windows=windows,
            )
        )  # fmt: skip
    assert all(prompt.size <= 4000 for prompt in prompts)
    assert len({prompt.prefix[:1000] for prompt in prompts}) <= 2
    assert all(prompt.suffix.startswith("\n\nlater_0_0 = 0\n") for prompt in prompts)
