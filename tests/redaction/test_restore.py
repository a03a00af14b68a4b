"""A reply that arrives in chunks gets its secrets back, and shows no part of a placeholder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.redaction.mask import mask
from fim_lsp.redaction.restore import Restorer
from tests.redaction.samples import (
    KEY,
    PLACEHOLDER,
    TEXTS,
    TOKEN,
    masked_at,
    restored,
)


def test_a_reply_may_continue_a_placeholder_that_contains_the_cursor() -> None:
    masked = masked_at(f'a = "{TOKEN}"\nb = "{TOKEN[:10]}‸"\n')
    again = masked_at(f'a = "{TOKEN[:10]}‸{TOKEN[10:]}"\n')
    remaining = again.texts[1][: len(TOKEN) - 10]
    assert restored(again, remaining + '"') == TOKEN[10:] + '"'
    assert restored(masked, "nothing of it") == "nothing of it"


def test_no_more_is_held_back_than_may_become_a_placeholder() -> None:
    restorer = Restorer({"FAKE1234": "secret!!"}, {})
    assert [restorer.feed(piece) for piece in ("abc", "dF", "A", "X", "FAKE123", "4FAKE12", "y")] == [
        "abc",
        "d",
        "",
        "FAX",
        "",
        "secret!!",
        "FAKE12y",
    ]
    assert restorer.flush() == ""


def test_a_longer_placeholder_wins_over_its_beginning() -> None:
    restorer = Restorer({"FAKE": "1", "FAKE1234": "2"}, {"KE12": "3"})
    assert "".join(map(restorer.feed, "KE12 KE12 FAKE123 FAKE1234 FAK")) + restorer.flush() == "3 KE12 1123 2 FAK"


@given(TEXTS, st.data())
def test_where_a_reply_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    masked = mask([text], key=KEY)
    sent, restorer, shown, at = masked.texts[0], Restorer(masked.secrets, {}), "", 0
    while at < len(sent):
        step = data.draw(st.integers(1, 30))
        shown += restorer.feed(sent[at : at + step])
        at += step
        assert text.startswith(shown)
    assert shown + restorer.flush() == text


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (f'"{PLACEHOLDER}")', f'"{TOKEN}")'),
        (f'"{PLACEHOLDER[:25]}', f'"{TOKEN[:25]}'),
        (f'"{PLACEHOLDER[:8]}', f'"{TOKEN[:8]}'),
        (f'"{PLACEHOLDER[:-1]}")', '"'),
        (f'"{PLACEHOLDER.lower()}")', '"'),
        (f'"{PLACEHOLDER[1:]}")', '"'),
        (f'"{PLACEHOLDER[:20]}" + "{PLACEHOLDER[20:]}"', '"'),
        (f'"{PLACEHOLDER}" or "{PLACEHOLDER[14:28]}"', f'"{TOKEN}" or "'),
        (f"{PLACEHOLDER[:4]} FAKE_{PLACEHOLDER[8:18]} is", f"{PLACEHOLDER[:4]} FAKE_{PLACEHOLDER[8:18]} is"),
        ('"gh' + "p_", '"gh' + "p_"),
    ],
    ids=["whole", "cut", "cut early", "without its end", "lower case", "without its beginning", "in two parts", "a part",
         "short parts", "no more than a head"],
)  # fmt: skip
def test_no_part_of_a_placeholder_is_shown(reply: str, shown: str) -> None:
    masked = masked_at(f'x = "{TOKEN}"\ny = ‸\n')
    for step in (1, 3, 7, 100):
        restorer = masked.restorer()
        pieces = [restorer.feed(reply[at : at + step]) for at in range(0, len(reply), step)]
        assert "".join(pieces) + restorer.flush() == shown
        assert restorer.feed("") + restorer.flush() == ""


def test_a_reply_ends_before_the_beginning_of_two_placeholders() -> None:
    restorer = Restorer({"FAKE12345": "secret!!!", "FAKE12346": "another!!"}, {})
    assert restorer.feed("x = FAKE1234") + restorer.flush() == "x = "
