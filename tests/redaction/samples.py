"""Secrets made for the tests, texts that contain them, and a reply as a model would write it."""

from __future__ import annotations

import random
import string

from hypothesis import strategies as st

from fim_lsp.redaction.mask import MaskedText, mask
from tests.marked import split

KEY = b"tests"
CHANCE = random.Random(7)
ALNUM = string.ascii_letters + string.digits
HEX = "".join(CHANCE.choices("0123456789abcdef", k=40))
TOKEN = "gh" + "p_" + "".join(CHANCE.choices(ALNUM, k=36))
OTHER = "gl" + "pat-" + "".join(CHANCE.choices(ALNUM, k=20))
LINES = ["".join(CHANCE.choices(ALNUM + "+/", k=64)) for _ in range(4)]
BEGIN, END = "-----BEGIN RSA PRIVATE" + " KEY-----", "-----END RSA PRIVATE" + " KEY-----"


def masked_at(text: str) -> MaskedText:
    """``text`` with ‸ at the cursor, masked."""
    cut = split(text)
    masked = mask((cut.prefix, cut.suffix), key=KEY)
    assert [len(given) for given in masked.texts] == [len(cut.prefix), len(cut.suffix)]
    return masked


def restored(masked: MaskedText, reply: str) -> str:
    restorer = masked.restorer()
    return "".join(map(restorer.feed, reply)) + restorer.flush()


PIECES = st.one_of(
    st.text(alphabet=st.sampled_from("ab1_A ='\"\n\r:-./@{}\\é😀"), max_size=30),
    st.text(max_size=10),
    st.sampled_from([
        f"token = '{HEX}'", TOKEN, OTHER, 'password = "hunTer2!x"', "a://b:q7dBm5tw@c", BEGIN, END, *LINES, LINES[0][:30],
        "password", "secret_key=", '"', "Authorization: Bearer ", HEX, "\r\n", "eyJ", "\\n", "pwd: é1Ab2cd3é\n",
    ]),
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join)
PLACEHOLDER = masked_at(f'x = "{TOKEN}‸"').texts[0][5:]
BODY = ["".join(CHANCE.choices(ALNUM + "+/", k=64)) for _ in range(49)]
