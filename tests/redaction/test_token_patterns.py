"""The table of tokens that vendors issue."""

from __future__ import annotations

from fim_lsp.redaction.token_patterns import TOKEN_PATTERNS, find_tokens, known_head
from tests.redaction.samples import HEX, LINES, OTHER, TOKEN


def test_longer_heads_come_first() -> None:
    lengths = [len(pattern.head) for pattern in TOKEN_PATTERNS]
    assert lengths == sorted(lengths, reverse=True)
    assert len({pattern.head for pattern in TOKEN_PATTERNS}) == len(TOKEN_PATTERNS)


def test_a_token_is_found_where_it_is() -> None:
    (span,) = find_tokens(f"run('{TOKEN}')")
    assert (span.start, span.end, span.kind) == (5, 5 + len(TOKEN), "GitHub: token formats")


def test_a_head_without_a_tail_is_no_token() -> None:
    assert not list(find_tokens(f"{TOKEN[:12]} {OTHER[:10]} and much more of the text"))


def test_some_tokens_begin_words_only() -> None:
    assert list(find_tokens(f"key-{HEX[:32]}"))
    assert list(find_tokens(f"\\nkey-{HEX[:32]}"))
    assert not list(find_tokens(f"monkey-{HEX[:32]}"))


def test_a_bot_token_of_discord_begins_with_the_bots_number() -> None:
    number, rest = "M" + LINES[0][:25].replace("+", "-").replace("/", "_"), "." + HEX[:6] + "." + HEX[:30]
    assert [(span.start, span.end) for span in find_tokens(f"run('{number}{rest}')")] == [(5, 5 + len(number + rest))]
    assert not list(find_tokens(f"run('x{number}{rest}')"))
    assert not list(find_tokens(f"run('{rest}')"))


def test_the_head_of_a_token_is_known() -> None:
    assert known_head(TOKEN) == TOKEN[:4]
    assert known_head("nothing of the kind") == ""
