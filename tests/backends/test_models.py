"""Lists of models, whoever wrote them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.keys import Keys
from fim_lsp.backends.models import Model, find_model, read_models
from fim_lsp.backends.remote import HttpBackend
from fim_lsp.backends.wire import Capabilities
from fim_lsp.errors import Unauthorized, UnknownModel
from fim_lsp.secret import Secret
from tests.fakes.http import FakeServer, Reply


def listed(*rows: object) -> tuple[Model, ...]:
    return read_models(json.dumps({"object": "list", "data": list(rows)}).encode())


def test_what_each_server_adds() -> None:
    assert listed(
        {"id": "codestral-2508", "aliases": ["codestral-latest"], "capabilities": {"completion_fim": True},
         "default_model_temperature": 0.3, "max_context_length": 256000},
        {"id": "a", "max_model_len": 4096},
        {"id": "b", "context_length": 8192},
        {"id": "c", "meta": {"n_ctx": 1024}},
        {"id": "d", "capabilities": ["completion"], "aliases": None},
        {"no": "id"},
        "x",
    ) == (
        Model(name="codestral-2508", aliases=("codestral-latest",), can_fill=True, temperature=0.3, context_tokens=256000),
        Model(name="a", context_tokens=4096),
        Model(name="b", context_tokens=8192),
        Model(name="c", context_tokens=1024),
        Model(name="d"),
    )  # fmt: skip


MISTRALS = {
    "id": "codestral-2508", "aliases": ["codestral-latest"], "max_context_length": 256000,
    "capabilities": {"completion_chat": True, "completion_fim": True}, "default_model_temperature": 0.3,
}  # fmt: skip


async def codestral_capabilities(server: FakeServer) -> Capabilities:
    profile = codestral("mistral", base_url=server.url)
    backend = HttpBackend(profile, keys=Keys(server.url, api_key=Secret("sk-made-up")), timeout=30)
    try:
        return await backend.capabilities()
    finally:
        await backend.close()


async def test_mistral_says_what_its_model_does() -> None:
    async with FakeServer(lambda request: Reply(body={"data": [MISTRALS]})) as server:
        found = await codestral_capabilities(server)
        assert (found.temperature, found.can_fill, found.capacity.total_tokens) == (0.3, True, 256000)
        (request,) = server.requests
        assert (request.method, request.path) == ("GET", "/v1/models")
        assert request.headers["authorization"] == "Bearer sk-made-up"


async def test_a_host_without_a_list_says_nothing_and_a_refused_key_is_told() -> None:
    async with FakeServer(lambda request: None) as server:
        assert await codestral_capabilities(server) == Capabilities(model="codestral-latest")
        server.answer = lambda request: Reply(status=401, body={"detail": "Unauthorized"})
        with pytest.raises(Unauthorized):
            await codestral_capabilities(server)


def test_finding_one() -> None:
    models = listed({"id": "qwen:latest"}, {"id": "b", "aliases": ["bee"]})
    assert [find_model(models, name, host="h").name for name in ("qwen", "qwen:latest", "bee")] == [
        "qwen:latest"
    ] * 2 + ["b"]  # type: ignore[union-attr]
    assert find_model(models, "", host="h") is None
    assert find_model(models[:1], "", host="h") == models[0]
    assert find_model((), "anything", host="h") is None


def test_a_long_list_is_not_recited() -> None:
    models = listed(*({"id": f"m{number}"} for number in range(300)))
    with pytest.raises(
        UnknownModel, match=r"^h has no model x; it has m0, m1, m2, m3 and 296 more: set the setting `model`$"
    ):
        find_model(models, "x", host="h")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["data", "id", "meta", "n_ctx", "capabilities", "completion_fim", "aliases"]), inner, max_size=3),
)  # fmt: skip


@given(JSON)
def test_anything_is_read(value: object) -> None:
    for body in (json.dumps(value), json.dumps({"data": value}), json.dumps({"data": [value]})):
        assert all(isinstance(model.name, str) for model in read_models(body.encode()))
    assert read_models(b"<html>") == ()
