"""The window that is sent: contiguous round the cursor, whole lines at its edges, never over the budget."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.context.index import ContextIndex
from fim_lsp.prompt.build import build
from fim_lsp.prompt.prompt import Prompt, Snippet, prefix_with_context
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.redaction.mask import mask
from tests.marked import split

LINES = st.lists(st.text(alphabet="abc d😀", max_size=30), max_size=40)


@given(LINES, LINES, st.integers(0, 1000), st.floats(0, 0.9))
def test_the_prompt_is_a_contiguous_window_within_the_budget(
    above: list[str], below: list[str], budget: int, share: float
) -> None:
    before, after = "\n".join(above), "\n".join(below)
    prompt = build(
        split(f"{before}‸{after}"), uri="u", path="p", language="python", budget=budget, suffix_share=share,
        max_tokens=9,
    )  # fmt: skip
    assert before.endswith(prompt.prefix)
    assert after.startswith(prompt.suffix)
    assert len(prompt.prefix) + len(prompt.suffix) <= budget
    if len(before) + len(after) <= budget:
        assert (prompt.prefix, prompt.suffix) == (before, after)


@given(LINES, LINES, st.integers(0, 600), st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1))
def test_a_prompt_is_the_same_whatever_the_line_ends(
    above: list[str], below: list[str], budget: int, ends: list[str]
) -> None:
    """Also if they are mixed: as if the document had line feeds, also where it is cut."""

    def built(ends: list[str]) -> Prompt:
        turn = itertools.cycle(ends)
        before, after = ("".join(f"{line}{next(turn)}" for line in lines) for lines in (above, below))
        if before.endswith("\r"):
            before += "x"  # no cursor stands inside a line end
        return build(
            split(f"{before}‸{after}"), uri="u", path="p", language="python", budget=budget, suffix_share=0.3, max_tokens=9,
            windows=StickyWindows(),
        )  # fmt: skip

    sent = built(ends)
    assert "\r" not in sent.prefix + sent.suffix
    if not any(end == "\r" for end in ends):
        assert sent == built(["\n"])


def cut(before: str, after: str, budget: int = 260, share: float = 0.25) -> tuple[str, str]:
    prompt = build(
        split(f"{before}‸{after}"), uri="", path="", language="", budget=budget, suffix_share=share, max_tokens=1
    )
    return prompt.prefix, prompt.suffix


def test_edges_are_edges_of_lines() -> None:
    prefix, suffix = cut("".join(f"line {n}\n" for n in range(100)), "".join(f"more {n}\n" for n in range(100)))
    assert prefix.startswith("line ")
    assert prefix.endswith("line 99\n")
    assert suffix.endswith("\n")


def test_one_side_lends_its_room_to_the_other() -> None:
    prefix, suffix = cut("x", "y\n" * 500)
    assert len(suffix) > 200
    prefix, suffix = cut("x\n" * 500, "y")
    assert (len(prefix) > 200, suffix) == (True, "y")


@pytest.mark.parametrize(
    ("most", "kept"),
    [((None, None), (100, 100)), ((0, None), (0, 100)), ((None, 0), (100, 0)), ((0, 0), (0, 0)), ((7, 1), (7, 1))],
)
def test_a_bound_of_nothing_is_a_bound(most: tuple[int | None, int | None], kept: tuple[int, int]) -> None:
    prompt = build(
        split("x" * 100 + "‸" + "y" * 100), uri="", path="", language="", budget=1000, suffix_share=0.5, max_tokens=1,
        max_prefix=most[0], max_suffix=most[1],
    )  # fmt: skip
    assert (len(prompt.prefix), len(prompt.suffix)) == kept


def test_a_line_longer_than_the_budget_is_cut() -> None:
    prefix, suffix = cut("x" * 5000, "y" * 5000)
    assert 200 < len(prefix) + len(suffix) <= 260
    assert len(suffix) == 65


@pytest.mark.parametrize(
    ("text", "path", "kept"),
    [
        ("x = 1\n‸\n", "a.py", 1),
        ("x\n+++++ b.py\n‸\n", "a.diff", 0),
        ("‸\n+++++ b.py\n", "a.diff", 0),
        ("+++++ b.py\n‸\n", "a.diff", 0),
        ("x\n‸+++++ b.py\n", "a.diff", 0),
        ("x = '+++++ b.py'\n‸\n", "a.py", 1),
        ("x = 1\n‸\n", "a\n+++++ b.py", 0),
    ],
)
def test_no_context_beside_a_text_with_headings_of_its_own(text: str, path: str, kept: int) -> None:
    context = [Snippet(path="c.py", text="y = 2\n")]
    prompt = build(
        split(text), uri="u", path=path, language="", budget=500, suffix_share=0.3, max_tokens=1, context=context
    )
    assert len(prompt.context) == kept
    sent = prefix_with_context(prompt)
    assert sent == prompt.prefix if not kept else sent.endswith(prompt.prefix) and "c.py" in sent


def test_no_window_begins_between_a_name_and_its_secret() -> None:
    above = "".join(f"plain_{n} = {n}\n" for n in range(100))
    entry = "- name: JWT_SECRET\n  secure: yes\n  value: uY3eWq9LmXc7Bn1V\n"
    below = "".join(f"other_{n} = {n}\n" for n in range(20))
    seen = set()
    for budget in range(200, 800, 7):
        prompt = build(
            split(f"{above}{entry}{below}‸"), uri="", path="", language="", budget=budget, suffix_share=0, max_tokens=1
        )
        assert (above + entry + below).endswith(prompt.prefix)
        assert "uY3eWq9LmXc7Bn1V" not in mask([prompt.prefix], key=b"k").texts[0]
        seen.add("JWT_SECRET" in prompt.prefix)
    assert seen == {True, False}


UNREADABLE = ["a\nb.py", "a\x00.py", "a\x1b[31m.py", "a\U000e0100.py", "a\u3164.py", "\u202eyp.a", "a\ufe0f.py"]


@pytest.mark.parametrize("name", UNREADABLE, ids=ascii)
def test_a_name_that_can_not_be_read_stands_in_no_heading(name: str) -> None:
    for path, kept in ((name, 0), ("b.py", 1)):
        prompt = build(
            split("x = ‸\n"), uri="", path=path, language="", budget=500, suffix_share=0.25, max_tokens=1,
            context=(Snippet(path="c.py", text="y = 1\n"),),
        )  # fmt: skip
        assert len(prompt.context) == kept
    library = ContextIndex()
    library.put("key", lambda: ["y = 1\n"], name)
    assert not library._shelves
    library.put("key", lambda: ["y = 1\n"], "b.py")
    assert library._shelves
