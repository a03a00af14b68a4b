"""Secrets are masked in what is sent and put back in what comes, and nothing else is changed."""

from __future__ import annotations

import logging
import random
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fim_lsp.prompt.prompt import Prompt, Snippet
from fim_lsp.prompt.redact import redact
from fim_lsp.redaction.detect import find_secrets
from fim_lsp.redaction.mask import MaskedText, mask
from fim_lsp.redaction.restore import Restorer
from tests.marked import split

KEY = b"tests"
CHANCE = random.Random(7)
ALNUM = string.ascii_letters + string.digits
HEX = "".join(CHANCE.choices("0123456789abcdef", k=40))
TOKEN = "gh" + "p_" + "".join(CHANCE.choices(ALNUM, k=36))
OTHER = "gl" + "pat-" + "".join(CHANCE.choices(ALNUM, k=20))
LINES = ["".join(CHANCE.choices(ALNUM + "+/", k=64)) for _ in range(4)]
BEGIN, END = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"


def hidden(text: str) -> MaskedText:
    """``text`` with ‸ at the cursor, masked."""
    cut = split(text)
    masked = mask((cut.prefix, cut.suffix), key=KEY)
    assert [len(given) for given in masked.texts] == [len(cut.prefix), len(cut.suffix)]
    return masked


def answer(masked: MaskedText, reply: str) -> str:
    restorer = masked.restorer()
    return "".join(map(restorer.feed, reply)) + restorer.flush()


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
        pytest.param(f'x = "{BEGIN}\\n{LINES[0]}\\n{END}"‸', LINES[0], id="block in one line"),
        pytest.param(f'password = "{TOKEN}"‸', TOKEN, id="found twice"),
    ],
)
def test_a_secret_is_hidden_and_comes_back(text: str, secret: str) -> None:
    masked = hidden(text)
    sent = "".join(masked.texts)
    assert secret not in sent
    assert secret[4:12] not in sent
    assert answer(masked, "." + sent) == "." + text.replace("‸", "")


@pytest.mark.parametrize(
    "text",
    [
        'password = "changeme"',
        "password = password",
        "token = self.next_token()",
        'api_key = os.environ["API_KEY"]',
        'API_KEY = "<your-api-key>"',
        'password: "${DB_PASSWORD}"',
        'secret = "xxxxxxxxxxxxxxxxxxxxxxxx"',
        'token = "%s" % name',
        f'sha = "{HEX}"',
        f'"integrity": "sha512-{LINES[0]}=="',
        f'password_hash = "{HEX}"',
        f'public_key = "{LINES[0]}"',
        "url = 'https://user:password@host/'",
        "url = f'https://{user}:{password}@host/'",
        'commit = "6f9619ff-8b86-d011-b42d-00c04fc964ff"',
        f"if line == '{BEGIN}':\n    inside = True\nelif line == '{END}':\n    inside_the_block = False\n",
        "src = 'data:image/png;base64," + "".join(LINES) + "'",
        'class="sk-toggleable__content sk-estimator-doc-link"',
        "def add(self, name, password, domain=''):",
        'label = "Password: "',
        "gh" + "p_" + "x" * 36,
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert find_secrets(text) == ()
    texts = (text, "", text)
    assert all(sent is given for sent, given in zip(mask(texts, key=KEY).texts, texts, strict=True))


def test_a_placeholder_has_the_shape_of_the_secret_and_says_fake() -> None:
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


def test_a_secret_is_the_same_in_every_text_also_where_only_its_value_tells() -> None:
    texts = ('password = "hunTer2!x"\n', "\n", 'login("hunTer2!x")', "nothing")
    sent = mask(texts, key=KEY).texts
    assert sent[0][12:21] == sent[2][7:16] != "hunTer2!x"
    assert sent[3] == "nothing"


def test_the_reply_may_go_on_with_a_placeholder_that_the_cursor_cuts() -> None:
    masked = hidden(f'a = "{TOKEN}"\nb = "{TOKEN[:10]}‸"\n')
    again = hidden(f'a = "{TOKEN[:10]}‸{TOKEN[10:]}"\n')
    rest = again.texts[1][: len(TOKEN) - 10]
    assert answer(again, rest + '"') == TOKEN[10:] + '"'
    assert answer(masked, "nothing of it") == "nothing of it"


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


def test_a_placeholder_that_stands_in_the_text_already_is_not_taken() -> None:
    text = 'password = "hunTer2!x"\n'
    taken = mask([text], key=KEY).texts[0]
    masked = mask([text, "", f"# {taken[12:21]}"], key=KEY)
    assert masked.texts[0] != taken
    assert answer(masked, "." + "|".join(masked.texts)) == f".{text}||# {taken[12:21]}"


def test_nothing_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    masked = hidden(f'x = "{TOKEN}‸"')
    assert TOKEN not in repr(masked)
    assert TOKEN not in repr(masked.restorer())
    assert caplog.text == ""


PIECES = st.one_of(
    st.text(alphabet=st.sampled_from("ab1_A ='\"\n\r:-./@{}\\é😀"), max_size=30),
    st.text(max_size=10),
    st.sampled_from([
        f"token = '{HEX}'", TOKEN, OTHER, 'password = "hunTer2!x"', "a://b:q7dBm5tw@c", BEGIN, END, *LINES, LINES[0][:30],
        "password", "secret_key=", '"', "Authorization: Bearer ", HEX, "\r\n", "eyJ", "\\n", "pwd: é1Ab2cd3é\n",
    ]),
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@given(st.lists(TEXTS, max_size=4))
@example(["secret_key=7hR2345B0q00A\x1e"])
def test_lengths_and_lines_are_kept_and_all_comes_back(texts: list[str]) -> None:
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


@given(TEXTS, st.data())
def test_how_a_reply_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    masked = mask([text], key=KEY)
    sent, restorer, said, at = masked.texts[0], Restorer(masked.secrets, {}), "", 0
    while at < len(sent):
        step = data.draw(st.integers(1, 30))
        said += restorer.feed(sent[at : at + step])
        at += step
        assert text.startswith(said)
    assert said + restorer.flush() == text


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
    assert answer(masked, masked.texts[0]) == text


PLACEHOLDER = hidden(f'x = "{TOKEN}‸"').texts[0][5:]


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
    masked = hidden(f'x = "{TOKEN}"\ny = ‸\n')
    for step in (1, 3, 7, 100):
        restorer = masked.restorer()
        pieces = [restorer.feed(reply[at : at + step]) for at in range(0, len(reply), step)]
        assert "".join(pieces) + restorer.flush() == shown
        assert restorer.feed("") + restorer.flush() == ""


def test_a_reply_that_ends_where_two_placeholders_are_the_same_ends_before_them() -> None:
    restorer = Restorer({"FAKE12345": "secret!!!", "FAKE12346": "another!!"}, {})
    assert restorer.feed("x = FAKE1234") + restorer.flush() == "x = "


BODY = ["".join(CHANCE.choices(ALNUM + "+/", k=64)) for _ in range(49)]


@pytest.mark.parametrize(
    ("before", "after"), [("", "\n"), ("    ", "\n"), ('    "', '\\n"\n'), ('  + "', '\\n" +\n'), ("    '", "',\r\n")],
    ids=["plain", "YAML", "Python", "Java", "list"],
)  # fmt: skip
def test_a_window_inside_a_private_key_shows_nothing_of_it(before: str, after: str) -> None:
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
def test_a_window_inside_what_is_seen_to_be_public_stays(label: str) -> None:
    lines = [f"-----BEGIN {label}-----", *BODY[:9], f"-----END {label}-----"]
    assert find_secrets("\n".join(lines[4:])) == find_secrets("\n".join(lines[:-4])) == ()


@pytest.mark.parametrize("operator", ["value: ", "secure: yes\n  value: ", 'sealed: "no"\n  default: '])
def test_a_value_is_found_some_lines_below_its_name(operator: str) -> None:
    text = f'- name: JWT_SECRET\n  {operator}"{OTHER[6:]}"\n'
    assert OTHER[6:] not in mask([text], key=KEY).texts[0]


def test_a_secret_in_a_path_is_masked_too() -> None:
    prompt = Prompt(prefix=f'x = "{TOKEN}"\n', suffix="", path=f"d/{TOKEN}.py", context=(
        Snippet(path=f"keys/{OTHER}.py", text="a = 1\n"), Snippet(path="plain.py", text=f"b = '{TOKEN}'\n")))  # fmt: skip
    sent = redact(prompt, KEY)
    assert TOKEN not in repr(sent.prompt) + sent.prompt.prefix
    assert OTHER not in repr(sent.prompt)
    assert sent.prompt.size == prompt.size
    assert sent.prompt.context[1].path == "plain.py"
    assert answer(sent.masked, f" import {sent.prompt.path}") == f" import {prompt.path}"
