"""The hosts that keys are for, as users name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.key_host import host_label, origin_of_settings, origins_used, parse_host
from fim_lsp.backends.key_store import Origin, key_set_command
from fim_lsp.errors import UsageError
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.settings.schema import Settings


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("codestral", ("https", "codestral.mistral.ai")),
        ("Langdock", ("https", "api.langdock.com")),
        ("api.mistral.ai", ("https", "api.mistral.ai")),
        ("API.Mistral.ai:443", ("https", "api.mistral.ai")),
        ("llm.example:8443", ("https", "llm.example:8443")),
        ("localhost:8012", ("https", "localhost:8012")),
        ("http://localhost", ("http", "localhost")),
        ("https://gpu", ("https", "gpu")),
        ("https://gpu_1.example.", ("https", "gpu_1.example.")),
        ("xn--hst-sna.example", ("https", "xn--hst-sna.example")),
        ("http://10.0.0.7:8012", ("http", "10.0.0.7:8012")),
        ("https://api.langdock.com/mistral/eu/v1/", ("https", "api.langdock.com")),
        ("http://[::1]:8012/v1", ("http", "[::1]:8012")),
        ("  HTTPS://Codestral.Mistral.AI/  ", ("https", "codestral.mistral.ai")),
    ],
)
def test_hosts(text: str, origin: Origin) -> None:
    assert parse_host(text) == origin


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ngram", "needs no key"),
        ("ollama", "give its address, such as http://127.0.0.1:8012"),
        ("auto", "has no host of its own"),
        ("sk-hunter2", "HOST must be"),
        ("", "HOST must be"),
        ("ftp://hunter2.example", "HOST must be"),
        ("https://user:hunter2@llm.example", "HOST must be"),
        ("https://llm.example:0", "HOST must be"),
        ("https://llm.example:99999", "HOST must be"),
        ("hunter2.ex ample", "HOST must be"),
        ("höst.example", r"write it as it is in the DNS \(punycode\), xn--hst-sna.example"),
        ("https://höst:8443/v1", r"\(punycode\), xn--hst-sna"),
        ("ö hunter2", r"\(punycode\), such as"),
        ("hunter2..example", "no host can have the name"),
        ("-hunter2.example", "no host can have the name"),
        ("https://hunter2!.example", "HOST must be"),
        ("1.2.3.4.5", "no host can have the name"),
        ("256.1.1.1", "no host can have the name"),
        ("0.0.0.0:8012", "no host can have the name"),
        ("http://[::]:8012", "no host can have the name"),
        (f"{'hunter2' * 10}.example", "no host can have the name"),
        ("https://llm.example/?key=hunter2", "HOST must be"),
    ],
)
def test_what_is_no_host_is_refused_without_repeating_it(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse_host(text)
    assert "hunter2" not in str(caught.value)


@given(st.text() | st.builds("{}://{}:{}".format, st.sampled_from(["http", "https"]), st.text(), st.integers()))
def test_any_text_is_a_host_or_one_sentence(text: str) -> None:
    try:
        origin = parse_host(text)
    except UsageError:
        return
    assert origin == origin_of("://".join(origin))
    assert parse_host(key_set_command("://".join(origin)).removeprefix("fim-lsp key set ")) == origin
    assert parse_host("://".join(origin)) == origin


@pytest.mark.parametrize("name", API_HOSTS)
def test_each_hosts_hint_names_the_command_that_stores_its_key(name: str) -> None:
    url = API_HOSTS[name].base_url
    assert f"`{key_set_command(url)}`" in API_HOSTS[name].key_hint
    assert parse_host(host_label(origin_of(url))) == parse_host(name)


@pytest.mark.parametrize(
    ("settings", "origins"),
    [
        (Settings(), []),
        (Settings(api_key=Secret("k")), ["https://codestral.mistral.ai"]),
        (Settings(backend="langdock", region="us"), ["https://api.langdock.com"]),
        (Settings(backend="openai"), []),
        (
            Settings(backend="openai", base_url="http://llm.example:1/v1", model="m", fallback=("mistral", "ngram")),
            ["http://llm.example:1", "https://api.mistral.ai"],
        ),
        (Settings(backend="llamacpp", fallback=()), ["http://127.0.0.1:8012"]),
    ],
)
def test_the_hosts_that_settings_use(settings: Settings, origins: list[str]) -> None:
    assert ["://".join(origin) for origin in origins_used(settings, {}, None)] == origins
    first = origin_of_settings(settings, {}, None)
    assert (["://".join(first)] if first else []) == origins[:1]
