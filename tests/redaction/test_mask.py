"""Secrets are masked in what is sent, and nothing else is changed."""

from __future__ import annotations

import logging
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fim_lsp.redaction.detect import find_secrets
from fim_lsp.redaction.mask import mask
from fim_lsp.redaction.restore import Restorer
from tests.redaction.samples import (
    BEGIN,
    END,
    HEX,
    KEY,
    LINES,
    OTHER,
    TEXTS,
    TOKEN,
    masked_at,
    restored,
)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param('password = "hunTer2!x"\n‸', "hunTer2!x", id="assignment"),
        pytest.param(f"api_key: {HEX}\n‸", HEX, id="YAML"),
        pytest.param(f"//registry.acme.dev/:_authToken={OTHER[6:]}\n‸", OTHER[6:], id="npmrc"),
        pytest.param(f"helm upgrade --set db.password={OTHER[6:]} shop‸", OTHER[6:], id="helm"),
        pytest.param(f'run("{TOKEN[:9]}‸{TOKEN[9:]}")', TOKEN, id="cut by the cursor"),
        pytest.param(f'run("{TOKEN}‸', TOKEN, id="just pasted"),
        pytest.param(f'run("{TOKEN}‸{OTHER}")', OTHER, id="two that touch"),
        pytest.param("redis://:q7dBm5tw@cache/0‸", "q7dBm5tw", id="URL"),
        pytest.param(f'{{"name": "API_TOKEN",\n "value": "{HEX}"}}‸', HEX, id="name and value"),
        pytest.param(f"{BEGIN}\n{LINES[0]}\n{LINES[1]}\n‸", LINES[1], id="block without an end"),
        pytest.param(f"{LINES[0]}\n{LINES[1]}\nAb3=\n{END}\n‸", LINES[0], id="block without a beginning"),
        pytest.param("\n".join(LINES) + "‸", LINES[2], id="a block's middle"),
        pytest.param("\n".join(LINES) + "\n)\nx = 1\n‸", LINES[2], id="a block's end, and other lines"),
        pytest.param("\n\n".join(LINES) + "\n‸", LINES[1], id="a block with blank lines"),
        pytest.param('password = "+/=Ab1.cdEf2gh3!"‸', "+/=Ab1.cdEf2gh3!", id="punctuation first"),
        pytest.param("curl -u deploy:hU4.x9qz https://acme.dev/‸", "hU4.x9qz", id="a command's user"),
        pytest.param(f'{{"Authorization": "Bearer {HEX}"}}‸', HEX, id="header"),
        pytest.param(f'{{"key": "{HEX}"}}‸', HEX, id="key"),
        pytest.param(f"access_key: {OTHER[6:]}\n‸", OTHER[6:], id="secret without quotes"),
        pytest.param(f'x = "{BEGIN}\\n{LINES[0]}\\n{END}"‸', LINES[0], id="block in one line"),
        pytest.param(f'password = "{TOKEN}"‸', TOKEN, id="found twice"),
    ],
)
def test_a_secret_is_masked_and_restored(text: str, secret: str) -> None:
    masked = masked_at(text)
    sent = "".join(masked.texts)
    assert secret not in sent
    assert secret[4:12] not in sent
    assert restored(masked, "." + sent) == "." + text.replace("‸", "")


@pytest.mark.parametrize(
    "secret",
    ["жЖ٣ёЁ٤юЮ٥яЯ٦эЭ٧", "Zürich-ñandú-42-Ærø", "密码7三K九q二!四八五9", "ⅷ½🔑ﬁß₂ªǅ9xQ7z", "パスワード1２３Kq４9x"],
)
def test_no_character_of_any_script_is_sent(secret: str) -> None:
    text = f'password = "{secret}"'
    assert find_secrets(text)
    masked = mask([text], key=KEY)
    (sent,) = masked.texts
    assert not {char for char in secret if not char.isascii()} & set(sent)
    assert len(sent) == len(text)
    assert restored(masked, sent) == text


def test_a_placeholder_has_the_form_of_the_secret_and_reads_fake() -> None:
    (sent,) = mask([f'x = "{TOKEN}"'], key=KEY).texts
    placeholder = sent[5:-1]
    assert placeholder.startswith("gh" + "p_FAKE")
    assert placeholder.isascii()
    assert placeholder[4:].isalnum()
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" for c in placeholder[8:]]
    assert kinds == ["d" if c.isdigit() else "u" if c.isupper() else "l" for c in TOKEN[8:]]


def test_a_placeholder_depends_on_the_secret_and_the_key_alone() -> None:
    def placeholder(before: str, key: bytes = KEY) -> str:
        sent = mask([f'{before}x = "{TOKEN}"', "", f"# {OTHER}"], key=key).texts[0]
        return sent[len(before) + 5 : -1]

    assert placeholder("") == placeholder("import os\n") == placeholder(f'y = "{OTHER}"\n')
    assert placeholder("") != placeholder("", b"another process")


def test_a_secret_has_one_placeholder_in_all_texts_even_without_its_name() -> None:
    texts = ('password = "hunTer2!x"\n', "\n", 'login("hunTer2!x")', "nothing")
    sent = mask(texts, key=KEY).texts
    assert sent[0][12:21] == sent[2][7:16] != "hunTer2!x"
    assert sent[3] == "nothing"


def test_a_placeholder_that_the_text_already_contains_is_not_used() -> None:
    text = 'password = "hunTer2!x"\n'
    taken = mask([text], key=KEY).texts[0]
    masked = mask([text, "", f"# {taken[12:21]}"], key=KEY)
    assert masked.texts[0] != taken
    assert restored(masked, "." + "|".join(masked.texts)) == f".{text}||# {taken[12:21]}"


@pytest.mark.parametrize("key", [b"1", b"2", b"3", b"4"])
def test_short_secrets_never_share_a_placeholder(key: bytes) -> None:
    text = "".join(f'password = "+/=_.-:{digit}"\n' for digit in "0189")
    masked = mask([text], key=key)
    assert len(masked.secrets) == 4
    assert not set(masked.secrets) & set(masked.secrets.values())
    assert restored(masked, masked.texts[0]) == text


def test_more_secrets_than_there_are_placeholders_are_masked_all_the_same() -> None:
    text = "".join(f'password = "+/=_.-:{letter}"\n' for letter in string.ascii_lowercase)
    (sent,) = mask([text], key=KEY).texts
    assert len(sent) == len(text)
    assert len(set(text.splitlines()) - set(sent.splitlines())) > 0
    assert sent.splitlines() != text.splitlines()


def test_no_repr_or_log_contains_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    masked = masked_at(f'x = "{TOKEN}‸"')
    assert TOKEN not in repr(masked)
    assert TOKEN not in repr(masked.restorer())
    assert caplog.text == ""


@given(st.lists(TEXTS, max_size=4))
@example(["secret_key=7hR2345B0q00A\x1e"])
def test_lengths_and_lines_remain_and_everything_is_restored(texts: list[str]) -> None:
    masked = mask(texts, key=KEY)
    assert masked == mask(texts, key=KEY)
    for given_text, sent in zip(texts, masked.texts, strict=True):
        assert len(sent) == len(given_text)
        assert [len(line) for line in sent.splitlines()] == [len(line) for line in given_text.splitlines()]
        assert [i for i, c in enumerate(sent) if c in "\r\n"] == [i for i, c in enumerate(given_text) if c in "\r\n"]
    for placeholder, secret in masked.secrets.items():
        assert all(placeholder not in text for text in texts)
        assert len(placeholder) == len(secret)
    whole = "".join(texts[:2])
    sent = "".join(masked.texts[:2])
    assert Restorer(masked.secrets, {}).feed(sent + "\0") == whole + "\0"


@given(TEXTS, st.integers(0, 300))
def test_the_cursor_makes_no_secret_visible(text: str, at: int) -> None:
    at = min(at, len(text))
    sent = "".join(mask((text[:at], text[at:]), key=KEY).texts)
    for span in find_secrets(text):
        assert sent[span.start : span.end] != text[span.start : span.end]


@pytest.mark.parametrize(
    "piece",
    [
        "token", "password ", "password:", f"{BEGIN}\n", f"{END}\n", f"{BEGIN}\n{LINES[0]}\n", "eyJabcdefgh1.", "://a:bcdef", "k",
        "A1b2", "sk-", "token='", 'secret_key = "', "token: a ", "Bearer a1B2c3d4e5f6", "-----", "=", "\\n", "xoxb-", "sig=%41",
        "login password ", ".a1b2c3.", "password='hU4!x", '"key" value', "AC",
    ],
)  # fmt: skip
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    """Every repetition of every pattern is bounded: a square of this length, times any constant, would not end today."""
    text = (piece * 40_000)[:40_000]
    sent = mask((text[:20_000], text[20_000:]), key=KEY).texts
    assert sum(map(len, sent)) == 40_000


def test_many_secrets_are_masked_and_restored() -> None:
    text = "".join(f'password_{i} = "hU{i}!x{i * 7919}"\n' for i in range(500))
    masked = mask([text], key=KEY)
    assert len(masked.secrets) == 500
    assert restored(masked, masked.texts[0]) == text
