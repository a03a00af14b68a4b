"""What the names of variables reveal about their values."""

from __future__ import annotations

import pytest

from fim_lsp.redaction.variable_names import classify


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("password", "password"),
        ("dbPassword", "password"),
        ("DB_PASS", "password"),
        ("mysql-root-password", "password"),
        ("passphrase2", "password"),
        ("API_KEY", "secret"),
        ("client.secret", "secret"),
        ("authTokenProd", "secret"),
        ("connectionString", "secret"),
        ("HTTPAuthorization", "secret"),
        ("key", "key"),
        ("sortKeys", "key"),
        ("password_hash", ""),
        ("passwordField", ""),
        ("token_type", ""),
        ("next_page_token", ""),
        ("public_key", ""),
        ("secretName", ""),
        ("author", ""),
        ("string", ""),
        ("", ""),
    ],
)
def test_classify(name: str, kind: str) -> None:
    assert classify(name) == kind
