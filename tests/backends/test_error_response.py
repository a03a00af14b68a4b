"""Every error body that has been seen becomes the right class and one clear sentence, without any of the user's text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import codestral
from fim_lsp.errors import BackendError, Intercepted, RateLimited
from tests.fakes.recorded import RECORDED
from tests.fakes.replies import http_response

MARKER = "hunter2secret"
NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


def error_of(
    status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({}), **settings: str
) -> BackendError:
    profile = codestral(**settings)  # type: ignore[arg-type]
    return profile.error(http_response(status, body, dict(headers)), profile.quota(headers, now=NOW))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_errors(name: str) -> None:
    seen = RECORDED[name]
    error = error_of(seen.status, seen.raw, seen.headers, model=seen.model)
    assert type(error) is seen.error
    assert [words for words in seen.words if words not in str(error)] == [], str(error)
    assert error.host == "codestral.mistral.ai"
    assert len(str(error)) < 250
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"name": "mistral"}, ("api.mistral.ai", "MISTRAL_API_KEY", "codestral.mistral.ai")),
        ({"name": "langdock"}, ("api.langdock.com", "LANGDOCK_API_KEY", '"Completion API"')),
        ({"base_url": "https://llm.example.org:8443"}, ("llm.example.org:8443", "api_key")),
    ],
)
def test_a_refused_key_names_the_one_that_is_required(profile: dict[str, str], words: tuple[str, ...]) -> None:
    for status in (401, 403):
        sentence = str(error_of(status, b'{"detail":"Unauthorized"}', **profile))
        assert [word for word in words if word not in sentence] == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, 30),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:30 GMT"}, 0),
        ({"RateLimitBySize-Reset": "12"}, 12),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    error = error_of(429, b"{}", headers)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_redirect_shows_only_the_other_host() -> None:
    error = error_of(307, b"", {"Location": f"https://login.example.org/{MARKER}?to={MARKER}"})
    assert "login.example.org" in str(error)
    assert MARKER not in str(error)


SHAPES = {
    "input": {"detail": [{"type": "string_type", "loc": ["body", "prompt"], "msg": "bad", "input": MARKER}]},
    "ctx": {"detail": [{"type": "x", "loc": ["body", "stop", 0], "msg": "bad", "ctx": {"given": MARKER}}]},
    "msg": {"detail": [{"type": "x", "loc": ["body", "prompt"], "msg": f"can't use {MARKER}"}]},
    "message": {"object": "error", "message": f"model not found in: {MARKER}", "type": "invalid_model"},
    "nested": {"message": json.dumps({"detail": [{"msg": MARKER, "input": MARKER, "loc": ["body", "prompt"]}]})},
    "openai": {"error": {"message": MARKER, "type": "invalid_request_error", "param": "prompt", "code": None}},
    "text": MARKER,
    "a word": {"detail": [{"type": MARKER, "code": MARKER, "loc": ["body", MARKER], "msg": "bad"}]},
    "a parameter": {"error": {"message": "bad", "type": MARKER, "param": MARKER, "code": MARKER}},
    "labels": {"type": f"{MARKER} {{}}", "code": f"{MARKER}\n", "loc": [f"def {MARKER}()"]},
}


@pytest.mark.parametrize("shape", SHAPES)
@given(status=st.sampled_from([400, 401, 403, 404, 413, 422, 429, 500, 503, 302, 204]))
def test_nothing_that_the_server_echoes_is_shown(shape: str, status: int) -> None:
    error = error_of(status, json.dumps(SHAPES[shape]).encode())
    assert MARKER not in str(error) + repr(error) + repr(error.args)


@given(
    status=st.integers(min_value=100, max_value=599),
    user=st.text(st.sampled_from("ab {}[]\"'\n\\é"), min_size=12, max_size=40).filter(
        lambda text: "{" in text or " " in text
    ),
    carrier=st.sampled_from(["input", "msg", "message", "ctx", "error", "detail"]),
)
def test_no_text_of_the_users_is_shown(status: int, user: str, carrier: str) -> None:
    for body in ({carrier: user}, {"detail": [{carrier: user, "loc": ["body", "prompt"], "type": "x"}]}):
        assert user.strip() == "" or user not in str(error_of(status, json.dumps(body).encode()))


@given(status=st.integers(min_value=100, max_value=599), body=st.binary(max_size=200))
def test_any_body_is_an_error(status: int, body: bytes) -> None:
    assert str(error_of(status, body)).startswith(("codestral.mistral.ai", "the "))


NOT_THE_API = {
    "page": b"<!doctype html><title>Sign in: your API key was refused, the model does not exist</title>",
    "empty": b"",
    "text": b"Forbidden",
    "other JSON": b'{"login_url": "https://portal.example", "status": "blocked"}',
    "a list": b'[{"message": "Unauthorized"}]',
    "a number": b"403",
    "null": b"null",
}


@pytest.mark.parametrize("body", NOT_THE_API)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 451, 511])
def test_a_response_that_is_not_the_apis_does_not_blame_the_key(status: int, body: str) -> None:
    for name in ("codestral", "mistral", "langdock"):
        error = error_of(status, NOT_THE_API[body], name=name)
        assert type(error) is Intercepted
        assert "key" not in str(error)
        assert "model" not in str(error)
        assert "sign-in page" in str(error)
