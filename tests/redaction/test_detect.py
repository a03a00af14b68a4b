"""What is found to be a secret, and what is not."""

from __future__ import annotations

import pytest

from fim_lsp.redaction.detect import find_secrets
from fim_lsp.redaction.mask import mask
from tests.redaction.samples import (
    BEGIN,
    END,
    HEX,
    KEY,
    LINES,
    OTHER,
)


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
        "curl -u deploy:deploy https://acme.dev/",
        "login(user, api_key=client_key)",
        "let password = user_input\n",
        "The password Field2 of the form",
        "gh" + "p_" + "x" * 36,
    ],
)
def test_what_is_no_secret_is_not_masked(text: str) -> None:
    assert find_secrets(text) == ()
    texts = (text, "", text)
    assert all(sent is given for sent, given in zip(mask(texts, key=KEY).texts, texts, strict=True))


@pytest.mark.parametrize("operator", ["value: ", "secure: yes\n  value: ", 'sealed: "no"\n  default: '])
def test_a_secret_is_found_some_lines_below_its_name(operator: str) -> None:
    text = f'- name: JWT_SECRET\n  {operator}"{OTHER[6:]}"\n'
    assert OTHER[6:] not in mask([text], key=KEY).texts[0]
