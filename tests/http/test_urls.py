"""Where a back end is asked, however its URL was written, and what the user is told if nothing is there."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.llamacpp import llamacpp
from fim_lsp.backends.ollama import ollama
from fim_lsp.backends.openai import openai
from fim_lsp.backends.profile import Profile
from fim_lsp.errors import SettingError
from fim_lsp.http.request import HttpResponse
from fim_lsp.http.urls import endpoint, host_of, is_loopback, is_plain, origin_of
from fim_lsp.prompt.prompt import Prompt

FIM, TEXT, INFILL, GENERATE = "/v1/fim/completions", "/v1/completions", "/infill", "/api/generate"
PATHS = (FIM, TEXT, INFILL, GENERATE, "/beta/completions", "/props", "/api/show")
COPIED = (
    "", "/", "//", "/v1", "/v1/", "/v1//", "/v1/completions", "/v1/chat/completions", "/v1/fim/completions",
    "/fim/completions", "/fim/completions/", "/chat/completions", "/completions", "/v1/models", "/infill", "/api/generate",
    "/api/chat/", "/v1/v1", "//v1//fim//completions//",
)  # fmt: skip


@given(st.sampled_from(PATHS), st.sampled_from(COPIED), st.sampled_from(["", "/llm", "/mistral/eu", "/a/b"]))
def test_no_part_is_repeated(path: str, copied: str, place: str) -> None:
    assert endpoint(f"https://h.example:8443{place}{copied}", path) == f"https://h.example:8443{place}{path}"


@given(st.sampled_from(PATHS), st.data())
def test_the_base_url_may_end_with_any_beginning_of_the_path(path: str, data: st.DataObject) -> None:
    steps = path[1:].split("/")
    begun = "/".join(steps[: data.draw(st.integers(0, len(steps)))])
    assert endpoint(f"http://h/{begun}", path) == endpoint(endpoint("http://h", path), path) == f"http://h{path}"


@pytest.mark.parametrize(
    ("base", "asked"),
    [
        ("https://openrouter.ai/api/v1", f"https://openrouter.ai/api{TEXT}"),  # its API is below /api
        ("https://gateway.example/ollama/api/v1/", f"https://gateway.example/ollama/api{TEXT}"),
        ("http://127.0.0.1:11434/api", f"http://127.0.0.1:11434{TEXT}"),  # Ollama's is beside it
        ("http://127.0.0.1:11434/api/generate", f"http://127.0.0.1:11434{TEXT}"),
        ("https://api.deepseek.com", "https://api.deepseek.com/beta/completions"),
        ("https://api.deepseek.com/beta/", "https://api.deepseek.com/beta/completions"),
        ("https://api.deepseek.com/v1", "https://api.deepseek.com/beta/completions"),
        ("https://api.inceptionlabs.ai/v1/fim", f"https://api.inceptionlabs.ai{FIM}"),
        ("HTTP://[::1]:8000/V1", f"http://[::1]:8000/V1{TEXT}"),  # a path is case-sensitive
        ("https://gateway.example/completions-team", f"https://gateway.example/completions-team{TEXT}"),
    ],
)
def test_what_belongs_to_the_host_remains(base: str, asked: str) -> None:
    assert openai(base, model="m").url == asked


MAKERS: dict[str, tuple[Callable[[str], Profile], str]] = {
    "codestral": (lambda base: codestral(base_url=base), FIM),
    "langdock": (lambda base: codestral("langdock", base_url=base), FIM),
    "openai": (lambda base: openai(base, model="qwen2.5-coder"), TEXT),
    "llamacpp": (lambda base: llamacpp(base_url=base), INFILL),
    "ollama": (lambda base: ollama("m", base_url=base), GENERATE),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("copied", COPIED)
def test_every_back_end_asks_there_and_names_the_path_in_its_error(name: str, copied: str) -> None:
    make, path = MAKERS[name]
    profile = make(f"http://gate.example/team{copied}")
    assert profile.request(Prompt(prefix="a", suffix="b")).url == f"http://gate.example/team{path}"
    error = profile.error(HttpResponse(status=404, headers={}, body=b"404 page not found"))
    assert f" /team{path}" in str(error)


def test_other_endpoints_are_below_the_same_base_url() -> None:
    asked = [
        next(openai("https://h/x/v1/", model="m").capabilities_flow()).url,
        next(ollama("m", base_url="http://h/v1").capabilities_flow()).url,
    ]
    asked += [
        next(llamacpp(base_url="http://h/v1").capabilities_flow()).url,
        next(codestral(base_url="https://h/v1/fim").capabilities_flow()).url,
    ]
    assert asked == ["https://h/x/v1/models", "http://h/api/show", "http://h/props", "https://h/v1/models"]


def test_a_failing_flow_names_its_own_path() -> None:
    flow = ollama("m", base_url="http://h/v1").capabilities_flow()
    next(flow)
    with pytest.raises(Exception, match="/api/show"):
        flow.send(HttpResponse(status=404, headers={}, body=b"404 page not found"))


# -- tricks: whom httpx connects to is whom the key is for

TRICKS = (
    "https://api.mistral.ai@evil.example", "https://api.mistral.ai:443@evil.example", "https://@evil.example",
    "https://api.mistral.ai\\@evil.example", "https://api.mistral.ai\\.evil.example", "https:\\\\api.mistral.ai",
    "https://api.mistral.ai\t.evil.example", "https://api.mistral.ai\n", "\nhttps://api.mistral.ai", " https://api.mistral.ai",
    "https://api.mistral.ai%2f.evil.example", "https://api%2emistral.ai", "https://api.mistral.ai%00.evil.example",
    "https://api.mistral.ai?.evil.example", "https://api.mistral.ai#.evil.example", "https://api.mistral.ai;.evil.example",
    "https://api.mistral。ai", "https://аpi.mistral.ai", "https://api.miſtral.ai", "https://api.mistral.ai\u200b",
    "https://api.mistral.ai:443:80", "https://api.mistral.ai:٤٤٣", "https://api.mistral.ai:+443", "https://api.mistral.ai:65536",
    "https:api.mistral.ai", "https:/api.mistral.ai", "https:///api.mistral.ai", "//api.mistral.ai", "api.mistral.ai", "https://",
    "ftp://api.mistral.ai", "file:///etc/passwd", "http://[::1%25lo]", "http://[::1%lo]", "http://[::1].evil.example", "http://[::1]@x",
    "http://::1", "http://[v1.x]", "http://[127.0.0.1]", "http://127.0.0.1 .evil.example", "http://localhost\x00.evil.example",
)  # fmt: skip


@pytest.mark.parametrize("address", TRICKS)
def test_an_address_that_parsers_disagree_about_is_refused(address: str) -> None:
    assert not is_plain(address)
    with pytest.raises(SettingError):
        endpoint(address, FIM)


PIECES = (
    "api.mistral.ai", "API.Mistral.AI", "localhost", "127.0.0.1", "127.1", "0x7f.1", "017700000001", "2130706433", "[::1]",
    "[::ffff:127.0.0.1]", "[::]", "10.0.0.1", "evil.example", "xn--pi-7kc.mistral.ai", ".", ":", ":443", ":80", ":8012", "/",
    "//", "\\", "@", "?", "#", "%2e", "%40", "%", "\t", "\r", " ", "\x00", "。", "／", "℀", "ß", "K", "\u00ad", "\u202e",
    ";", "_", "-", "[", "]",
)  # fmt: skip


@given(
    st.sampled_from(["https://", "http://", "HTTPS://", "https:///", "https:", ""]),
    st.lists(st.sampled_from(PIECES), max_size=5),
)
def test_httpx_connects_to_the_host_that_the_key_is_for(scheme: str, pieces: list[str]) -> None:
    """httpx's own parser is the judge."""
    address = scheme + "".join(pieces)
    if not is_plain(address):
        return
    url = httpx.URL(endpoint(address, FIM))
    name = url.raw_host.decode().strip("[]")  # the one that is looked up
    host = f"[{name}]" if ":" in name else name
    assert origin_of(address) == (url.scheme, host if url.port is None else f"{host}:{url.port}")
    assert host_of(str(url)) == host_of(address)
    assert not url.userinfo
    assert is_loopback(address) == _is_this_machine(name)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
