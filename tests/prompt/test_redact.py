"""A prompt as another machine sees it."""

from __future__ import annotations

from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.prompt.redact import redact
from tests.redaction.samples import (
    KEY,
    OTHER,
    TOKEN,
    restored,
)


def test_secrets_in_all_parts_of_a_prompt_are_masked() -> None:
    prompt = Prompt(prefix=f'x = "{TOKEN}"\n', suffix="", path=f"d/{TOKEN}.py", context=(
        Snippet(path=f"keys/{OTHER}.py", text="a = 1\n"), Snippet(path="plain.py", text=f"b = '{TOKEN}'\n")))  # fmt: skip
    sent = redact(prompt, KEY)
    assert TOKEN not in repr(sent.prompt) + sent.prompt.prefix
    assert OTHER not in repr(sent.prompt)
    assert sent.prompt.size == prompt.size
    assert sent.prompt.context[1].path == "plain.py"
    assert restored(sent.masked, f" import {sent.prompt.path}") == f" import {prompt.path}"


def test_each_secret_counts_once_and_each_reply_gets_its_secrets_back() -> None:
    sent = redact(Prompt(prefix=f'x = "{TOKEN}"\ny = "{OTHER}"\n', suffix=f"# {TOKEN}\n"), KEY)
    assert sent.secrets == 2
    placeholder = sent.prompt.prefix[5 : 5 + len(TOKEN)]
    for _reply in range(2):
        restorer = sent.restorer()
        assert restorer.feed(f'z = "{placeholder}"\n') + restorer.flush() == f'z = "{TOKEN}"\n'
