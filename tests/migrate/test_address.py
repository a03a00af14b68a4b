"""Which back end stands for an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.factory import profile_of
from fim_lsp.errors import SettingError
from fim_lsp.http.urls import endpoint, origin_of
from fim_lsp.migrate.address import backend_at, take_address
from fim_lsp.migrate.result import Collector
from fim_lsp.settings.schema import Settings
from tests.migrate.checks import loaded, settings_of


@pytest.mark.parametrize(
    ("address", "name", "backend"),
    [
        ("http://localhost:11434/v1", "", "ollama"),
        ("http://gpu:11434/v1", "", "openai"),
        ("http://gpu:11434/v1", "Ollama", "ollama"),
        ("http://127.0.0.1:8012/v1/completions", "", "llamacpp"),
        ("http://gpu:8080", "Llama.cpp", "llamacpp"),
        ("https://api.deepseek.com/beta", "deepseek", "openai"),
        ("http://[bad", "", "openai"),
    ],
)
def test_a_server_with_openais_api(address: str, name: str, backend: str) -> None:
    assert backend_at(address, name) == backend


addresses = st.builds(
    "{}://{}{}/{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["codestral.mistral.ai", "api.langdock.com", "llm.example", "127.0.0.1", "localhost", "[::1]"]),
    st.sampled_from(["", ":443", ":8012", ":11434"]),
    st.sampled_from(
        ["", "v1", "v1/", "mistral/eu/v1", "mistral/eu/v1/fim/completions", "infill", "gateway/v1/completions"]
    ),
)


@given(addresses, st.sampled_from(["codestral", "llamacpp", "ollama", "openai"]))
def test_the_settings_lead_to_the_same_host_and_path(address: str, backend: str) -> None:
    found = Collector("X")
    take_address(found, address, "here", backend=backend)
    settings = loaded(found.result())
    if "backend" not in settings_of(found.result()):
        return
    try:
        profile = profile_of(settings.backend, settings)
    except SettingError:
        pytest.fail("a back end without its address")
    assert found.origin == origin_of(profile.base_url)
    if settings.base_url:
        assert endpoint(settings.base_url, "/x") == endpoint(address, "/x")
        assert origin_of(address) == found.origin
    elif settings.backend == "langdock":
        assert profile.base_url == f"https://api.langdock.com/mistral/{settings.region}"
    else:
        assert profile.base_url == profile_of(settings.backend, Settings()).base_url
