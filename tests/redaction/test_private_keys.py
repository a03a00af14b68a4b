"""Private keys, of which a window may show only a part."""

from __future__ import annotations

import pytest

from fim_lsp.redaction.detect import find_secrets
from fim_lsp.redaction.mask import mask
from fim_lsp.redaction.private_keys import may_contain_key
from tests.redaction.samples import (
    BEGIN,
    BODY,
    END,
    KEY,
)


@pytest.mark.parametrize(
    ("before", "after"), [("", "\n"), ("    ", "\n"), ('    "', '\\n"\n'), ('  + "', '\\n" +\n'), ("    '", "',\r\n")],
    ids=["plain", "YAML", "Python", "Java", "list"],
)  # fmt: skip
def test_a_window_inside_a_private_key_contains_nothing_of_it(before: str, after: str) -> None:
    lines = [f"{before}{line}{after}" for line in (BEGIN, *BODY, END)]
    text = "".join(["x = 1\n"] * 40 + lines + ["y = 2\n"] * 40)
    for line in range(38, 95):
        above = sum(map(len, text.splitlines(keepends=True)[:line]))
        for room in (600, 1500, 3000):
            prefix, suffix = text[max(0, above - room) : above], text[above : above + room // 3]
            prefix, suffix = prefix[prefix.find("\n") + 1 :], suffix[: suffix.rfind("\n") + 1]
            sent = "".join(mask((prefix, suffix), key=KEY).texts)
            assert not any(run in sent for run in BODY), (line, room)


@pytest.mark.parametrize("label", ["CERTIFICATE", "PUBLIC KEY"])
def test_certificates_and_public_keys_are_not_masked(label: str) -> None:
    lines = [f"-----BEGIN {label}-----", *BODY[:9], f"-----END {label}-----"]
    assert find_secrets("\n".join(lines[4:])) == find_secrets("\n".join(lines[:-4])) == ()


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (f"{BEGIN}\n", True),
        ("PrivateKey:\nPrivate-Lines: 8\n", True),
        (f"x = 1\n    {BODY[0]}\ny = 2\n", True),  # of a block whose markers are in other snippets
        (f"x = 1\n    {BODY[0][:30]}\ny = 2\n", False),
        ("key = load(path)\n", False),
    ],
)
def test_a_snippet_with_a_line_of_a_key_is_not_used_as_context(text: str, may: bool) -> None:
    assert may_contain_key(text) is may
