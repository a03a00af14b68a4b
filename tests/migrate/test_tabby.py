"""Tabby's two files: the agent's, and the server's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import UsageError
from fim_lsp.migrate.tabby import read_tabby
from fim_lsp.secret import Secret
from tests.migrate.checks import load_or_refuse, loaded, reasons, settings_of

AGENT = """
[server]
endpoint = "http://localhost:8080"
token = "auth_hunter2hunter2"
requestTimeout = 30000
[server.requestHeaders]
X = "1"
[proxy]
url = "http://p:1"
[completion.prompt]
maxPrefixLines = 20
[completion.debounce]
mode = "fixed"
interval = 200
[tls]
caCerts = "/ca.pem"
[anonymousUsageTracking]
disable = true
"""

SERVER = """
[model.completion.http]
kind = "{kind}"
model_name = "codestral-latest"
api_endpoint = "{address}"
api_key = "k-hunter2-hunter2"
prompt_template = "x"
"""


def test_an_agent() -> None:
    found = read_tabby(AGENT)
    assert settings_of(found) == {"debounce": 200, "timeout": 30}
    assert found.key is None
    left = reasons(found)
    assert "API of its own" in left["server.endpoint"]
    assert "HTTPS_PROXY" in left["proxy.url"]
    assert "SSL_CERT_FILE" in left["tls.caCerts"]
    assert {"server.token", "server.requestHeaders", "completion.prompt.maxPrefixLines"} < set(left)
    loaded(found)


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        ("mistral/completion", "https://codestral.mistral.ai", {"backend": "codestral"}),
        ("mistral/completion", "https://api.langdock.com/mistral/eu", {"backend": "langdock", "region": "eu"}),
        ("ollama/completion", "http://localhost:11434", {"backend": "ollama"}),
        ("llama.cpp/completion", "http://gpu:8888", {"backend": "llamacpp", "base_url": "http://gpu:8888"}),
        ("vllm/completion", "http://gpu:8000/v1", {"backend": "openai", "base_url": "http://gpu:8000"}),
    ],
)
def test_a_server_with_a_model_over_http(kind: str, address: str, expected: dict[str, object]) -> None:
    found = read_tabby(SERVER.format(kind=kind, address=address))
    assert settings_of(found) == expected | {"model": "codestral-latest"}
    assert found.key
    assert found.key.secret == Secret("k-hunter2-hunter2")
    loaded(found)


def test_an_unknown_kind_of_model() -> None:
    found = read_tabby(SERVER.format(kind="voyage/embedding", address="https://x"))
    assert "no back end speaks this API" in reasons(found)["model.completion.http.kind"]
    assert settings_of(found) == {}


def test_adaptive_waits() -> None:
    assert settings_of(read_tabby('[completion.debounce]\nmode = "adaptive"\n')) == {"debounce": "adaptive"}


@pytest.mark.parametrize(
    ("text", "words"),
    [("a = 1\nb = = 2\n", "line 2 is not valid TOML"), ("a = [", "line 1"), ("a = " + "[" * 9999, "TOML")],
)
def test_what_is_not_toml(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_tabby(text)


values = st.sampled_from(
    ['"x"', "-1", "1e300", "true", "[1]", '"https://x.example"', "inf", '""', '"mistral/completion"']
)
names = st.sampled_from(
    ["server.requestTimeout", "server.endpoint", "completion.debounce.mode", "completion.debounce.interval",
     "model.completion.http.kind", "model.completion.http.api_endpoint", "model.completion.http.model_name",
     "model.completion.http.api_key", "logs.level"]
)  # fmt: skip


@given(st.lists(st.builds("{} = {}\n".format, names, values), max_size=6) | st.lists(st.text(), max_size=1))
def test_any_file_gives_lines_that_load_or_one_sentence(rows: list[str]) -> None:
    load_or_refuse(lambda: read_tabby("".join(rows)))
