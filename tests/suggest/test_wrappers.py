"""What models write around the code, and what is shown in spite of it. ``‸`` is the cursor."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.wrappers import has_wrapper, may_announce_fence, until_garbled, without_fence, without_thoughts
from tests.marked import context
from tests.suggest.cases import BODY, TOP, Cases, shown_as_wanted

CASES: Cases = {
    "ends_at_tokens": [
        (BODY, "return 1<|endoftext|>import x", "return 1"),
        (BODY, "return 1</s>", "return 1"),
        (BODY, "<fim_middle>return 1<fim_suffix>", "return 1"),
        (BODY, "return 1<｜fim▁end｜>", "return 1"),
        (BODY, "return 1 <EOT>", "return 1"),
        ('x = "</s>"\ny = ‸\n', '"</s>"', '"</s>"'),
        (BODY, "[PREFIX]", None),
    ],
    "ends_at_headers": [
        (BODY, "return 1\n+++++ src/b.py\nimport os", "return 1"),
        (TOP, "+++++ src/b.py\nx = 1", "x = 1"),
    ],
    "without_invisibles": [
        (BODY, "return 1 # \u200bx\ufeff", "return 1 # x"),
        (BODY, "return '👩\u200d👧'", "return '👩\u200d👧'"),
        ("# \u200b\nx = ‸\n", "'\u200b'", "'\u200b'"),
        ("x = '\x1b[0m'\ny = ‸\n", "'\x1b[31m'", "'\x1b[31m'"),
        (BODY, "return\0 \x1b[31m1\x1b[0m", "return 1"),
    ],
    "until_garbled": [
        (BODY, "a = 1\n    return a \u202e# \u2066b", "a = 1"),
        (BODY, "return '\u202e'", None),
        (BODY, "return 'caf\ufffd'", None),
        ("# \u2066a\u2069\nx = ‸\n", "'\u2066b\u2069'", "'\u2066b\u2069'"),
    ],
    "without_talk": [
        (BODY, "Here is the missing code:\n\n```python\nreturn 1\n```\nIt returns 1.", "return 1"),
        (BODY, "Sure! Here you go:\n", None),
        ('def f():\n    """\n    ‸\n    """\n', "Here is the text:\n\n```\nReads.\n```", "Reads."),
        (BODY, "I\u2019m sorry, but I can\u2019t do that.", None),
        ("x = f(1);\n‸\n", "I = eye(3)", "I = eye(3)"),
        ("enum A {\n  ‸\n};\n", "Okay(u8),", "Okay(u8),"),
        ("x = 1;\n// ‸\n", "This function reads a file.", "This function reads a file."),
        ("Some words.\n\n‸\n", "Here is a list:\n", "Here is a list:"),
    ],
    "without_fence": [
        (BODY, "```python\nreturn 1\n```\n", "return 1"),
        (BODY, "return 1\n```\nThat's it.", "return 1"),
        (BODY, "```py", None),
        ("```sh\nls\n```\n\n‸\n", "```sh\ncd\n```", "```sh\ncd\n```"),
    ],
}  # fmt: skip


test_what_is_shown = shown_as_wanted(CASES)


@pytest.mark.parametrize(
    ("marked", "text", "want"),
    [
        (BODY, "<think>\nA loop?\n</think>\n\nreturn 1", "return 1"),
        (BODY, "[THINK]A loop?[/THINK]return 1", "return 1"),
        (BODY, "<|channel|>analysis A loop?<|channel|>final<|message|>return 1", "return 1"),
        (BODY, "<think>\nA lo", ""),
        ("if x:‸\n", "<think>\n</think>\n\n    return 1", "\n    return 1"),
        ("# <think>\nx = ‸\n", "<think>", "<think>"),
        (BODY, "return 1", "return 1"),
    ],
)
def test_thoughts_are_left_out(marked: str, text: str, want: str) -> None:
    assert without_thoughts(context(marked), text) == want


def test_a_fence_of_the_document_does_not_end_the_fence_around_it() -> None:
    text = "```markdown\nRun:\n\n```sh\nls\n```\n\nThat is it.\n```\nHope this helps."
    inner = "Run:\n\n```sh\nls\n```\n\nThat is it."
    assert without_fence(context("Title\n\n‸\n", "markdown"), text) == inner


def test_lines_before_a_garbled_one_are_kept() -> None:
    assert until_garbled(context(BODY), "a = 1\nb = \ufffd\nc = 2") == "a = 1\n"
    assert until_garbled(context("# \ufffd\n‸\n"), "b = \ufffd") == "b = \ufffd"


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("x = 1", False),
        ("x = 1<|endoftext|>", True),
        ("+++++ a.py\nx = 1", True),
        ("```\nx = 1", True),
        ("x = `1`", False),
    ],
)
def test_whether_something_is_wrapped_around_the_code(text: str, has: bool) -> None:
    assert has_wrapper(context(BODY), text) is has


def test_a_sentence_in_prose_may_announce_a_fence() -> None:
    assert may_announce_fence(context("x = 1;\n// ‸\n"), "Here is the code:\n")
    assert not may_announce_fence(context("x = 1;\n// ‸\n"), "Here is the code:\nx = 2")
    assert not may_announce_fence(context(BODY), "Here is the code:\n")
