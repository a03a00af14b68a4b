"""The prompt: a contiguous window around the cursor, whole lines at its edges, never over its budget."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.prompt.build import build, context_budget
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


def test_a_window_consists_of_whole_lines() -> None:
    prefix, suffix = cut("".join(f"line {n}\n" for n in range(100)), "".join(f"more {n}\n" for n in range(100)))
    assert prefix.startswith("line ")
    assert prefix.endswith("line 99\n")
    assert suffix.endswith("\n")


def test_characters_that_one_side_does_not_need_go_to_the_other() -> None:
    prefix, suffix = cut("x", "y\n" * 500)
    assert len(suffix) > 200
    prefix, suffix = cut("x\n" * 500, "y")
    assert (len(prefix) > 200, suffix) == (True, "y")


@pytest.mark.parametrize(
    ("max_prefix", "max_suffix", "lengths"),
    [(None, None, (100, 100)), (0, None, (0, 100)), (None, 0, (100, 0)), (0, 0, (0, 0)), (7, 1, (7, 1))],
)
def test_both_sides_can_be_bounded_also_by_zero(
    max_prefix: int | None, max_suffix: int | None, lengths: tuple[int, int]
) -> None:
    prompt = build(
        split("x" * 100 + "‸" + "y" * 100), uri="", path="", language="", budget=1000, suffix_share=0.5, max_tokens=1,
        max_prefix=max_prefix, max_suffix=max_suffix,
    )  # fmt: skip
    assert (len(prompt.prefix), len(prompt.suffix)) == lengths


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
def test_a_text_with_lines_like_headings_gets_no_context(text: str, path: str, kept: int) -> None:
    context = [Snippet(path="c.py", text="y = 2\n")]
    prompt = build(
        split(text), uri="u", path=path, language="", budget=500, suffix_share=0.3, max_tokens=1, context=context
    )
    assert len(prompt.context) == kept
    sent = prefix_with_context(prompt)
    assert sent == prompt.prefix if not kept else sent.endswith(prompt.prefix) and "c.py" in sent


def test_no_window_begins_between_a_secret_and_its_name() -> None:
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


@pytest.mark.parametrize(("path", "count"), [("b.py", 1), *((path, 0) for path in UNREADABLE)], ids=ascii)
def test_no_heading_contains_a_path_that_can_not_be_read(path: str, count: int) -> None:
    prompt = build(
        split("x = ‸\n"), uri="", path=path, language="", budget=500, suffix_share=0.25, max_tokens=1,
        context=(Snippet(path="c.py", text="y = 1\n"),),
    )  # fmt: skip
    assert len(prompt.context) == count


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


def test_snippets_that_do_not_fit_are_left_out_the_last_first() -> None:
    snippets = tuple(Snippet(path=f"{name}.py", text="y = 1\n" * 9) for name in "abc")
    prompt = build(
        split("x = ‸\n"), uri="", path="d.py", language="", budget=180, suffix_share=0.25, max_tokens=1,
        context=snippets,
    )  # fmt: skip
    assert prompt.context == snippets[:2]
    assert (prompt.prefix, prompt.suffix) == ("x = ", "\n")


def test_context_never_takes_most_of_a_small_budget() -> None:
    assert context_budget(1000, 10_000) == 400
    assert context_budget(1000, 50) == 50
    assert context_budget(0, 50) == 0
