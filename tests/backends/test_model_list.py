"""Lists of models, as various servers write them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.llamacpp import llamacpp
from fim_lsp.backends.model_list import Model, fillable, find_model, newest_codestral, read_models
from fim_lsp.backends.ollama import ollama
from fim_lsp.backends.openai import openai
from fim_lsp.backends.profile import Capabilities, Profile
from fim_lsp.errors import Unauthorized, UnknownModel
from fim_lsp.secret import Secret
from tests.fakes.fixtures import ask
from tests.fakes.http import FakeServer, Reply, Request
from tests.fakes.ollama import Ollama


def listed(*rows: object) -> tuple[Model, ...]:
    return read_models(json.dumps({"object": "list", "data": list(rows)}).encode())


def test_what_each_server_adds() -> None:
    assert listed(
        {"id": "codestral-2508", "aliases": ["codestral-latest"], "capabilities": {"completion_fim": True},
         "default_model_temperature": 0.3, "max_context_length": 256000},
        {"id": "a", "max_model_len": 4096},
        {"id": "b", "context_length": 8192},
        {"id": "c", "meta": {"n_ctx": 1024}},
        {"id": "d", "capabilities": ["completion"], "aliases": None, "default_model_temperature": True},
        {"no": "id"},
        "x",
    ) == (
        Model(name="codestral-2508", aliases=("codestral-latest",), can_fill=True, context_tokens=256000,
              default_temperature=0.3),
        Model(name="a", context_tokens=4096),
        Model(name="b", context_tokens=8192),
        Model(name="c", context_tokens=1024),
        Model(name="d"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (
            (Model(name="a", can_fill=True, aliases=("b", "c\n")), Model(name="d", can_fill=False), Model(name="e")),
            ("a", "b"),
        ),
        ((Model(name="a"), Model(name="a-embed"), Model(name="d", can_fill=False), Model(name="e" * 201)), ("a",)),
        ((Model(name="a", can_fill=False),), ()),
    ],
)
def test_the_models_that_can_fill_in(models: tuple[Model, ...], names: tuple[str, ...]) -> None:
    assert fillable(models) == names
    assert fillable(models, lambda name: name == "b") == tuple(name for name in names if name == "b")


@pytest.mark.parametrize(
    ("profile", "names"),
    [
        (lambda url: codestral(base_url=url), ("gpt-oss", "qwen2.5-coder")),
        (lambda url: llamacpp(base_url=url), ("gpt-oss", "qwen2.5-coder")),
        (lambda url: openai(url, fim_template="suffix"), ("gpt-oss", "qwen2.5-coder")),
        (lambda url: openai(url), ("qwen2.5-coder",)),
        (lambda url: ollama(None, base_url=url), ("qwen2.5-coder:1.5b", "inserts")),
    ],
)
async def test_each_server_is_asked_for_its_models(profile: Callable[[str], Profile], names: tuple[str, ...]) -> None:
    own = Ollama({"qwen2.5-coder:1.5b": None, "chats": ["completion"], "inserts": ["insert"]})

    def answer(request: Request) -> Reply | None:
        if request.path == "/v1/models":
            return Reply(body={"data": [{"id": "gpt-oss"}, {"id": "qwen2.5-coder"}, {"id": "embed"}]})
        return own(request)

    async with FakeServer(answer) as server:
        made = profile(server.url)
        backend = HttpBackend(made, keys=KeySource(made.base_url, env={}))
        assert await backend.models(5.0) == names
        server.answer = lambda _request: Reply(status=404)
        assert await backend.models(5.0) == ()
        server.answer = lambda _request: Reply(status=401, body={"detail": "Unauthorized"})
        with pytest.raises(Unauthorized):
            await backend.models(5.0)
        await backend.close()


MISTRALS = {
    "id": "codestral-2508", "aliases": ["codestral-latest"], "max_context_length": 256000,
    "capabilities": {"completion_chat": True, "completion_fim": True}, "default_model_temperature": 0.3,
}  # fmt: skip


async def codestral_capabilities(server: FakeServer) -> Capabilities:
    profile = codestral("mistral", base_url=server.url)
    backend = HttpBackend(profile, keys=KeySource(server.url, api_key=Secret("sk-made-up")), timeout=30)
    try:
        return await backend.capabilities()
    finally:
        await backend.close()


async def test_capabilities_by_mistrals_list() -> None:
    async with FakeServer(lambda request: Reply(body={"data": [MISTRALS]})) as server:
        found = await codestral_capabilities(server)
        assert (found.can_fill, found.capacity.total_tokens) == (True, 256000)
        (request,) = server.requests
        assert (request.method, request.path) == ("GET", "/v1/models")
        assert request.headers["authorization"] == "Bearer sk-made-up"


async def test_a_host_without_a_list_and_a_refused_key() -> None:
    async with FakeServer(lambda request: None) as server:
        assert await codestral_capabilities(server) == Capabilities()
        server.answer = lambda request: Reply(status=401, body={"detail": "Unauthorized"})
        with pytest.raises(Unauthorized):
            await codestral_capabilities(server)


def test_find_model() -> None:
    models = listed({"id": "qwen:latest"}, {"id": "b", "aliases": ["bee"]})
    assert [find_model(models, name, host="h").name for name in ("qwen", "qwen:latest", "bee")] == [
        "qwen:latest"
    ] * 2 + ["b"]  # type: ignore[union-attr]
    assert find_model(models, "", host="h") is None
    assert find_model(models[:1], "", host="h") == models[0]
    assert find_model((), "anything", host="h") is None


def test_a_long_list_is_shortened() -> None:
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


CAN, CANNOT = {"capabilities": {"completion_fim": True}}, {"capabilities": {"completion_fim": False}}
LATEST, MAY, AUGUST = {"id": "codestral-latest"}, {"id": "codestral-2405"}, {"id": "codestral-2508"}
LISTS: dict[str, tuple[list[dict[str, object]], str]] = {
    "latest": ([AUGUST | CAN, LATEST | CAN, {"id": "codestral-2501", **CAN}], "codestral-latest"),
    "an alias": ([AUGUST | CAN | {"aliases": ["codestral-latest"]}], "codestral-latest"),
    "by date": ([MAY | CAN, AUGUST | CAN, {"id": "codestral-2501", **CAN}], "codestral-2508"),
    "the newest latest": (
        [MAY | CAN | {"aliases": ["codestral-x-latest"]}, AUGUST | CAN | {"aliases": ["codestral-a-latest"]}],
        "codestral-a-latest",
    ),
    "one that can": ([LATEST | CANNOT, AUGUST | CAN, {"id": "z-latest", **CAN}], "codestral-2508"),
    "a bare list": ([{"id": "codestral-embed-latest"}, AUGUST, {"id": "gpt-latest"}], "codestral-2508"),
    "none": ([{"id": "mistral-large-latest", **CAN}, {"id": "codestral-embed", **CANNOT}], ""),
}


@pytest.mark.parametrize("case", LISTS)
@pytest.mark.parametrize("turned", [False, True])
def test_which_codestral_replaces_a_retired_one(case: str, turned: bool) -> None:
    rows, name = LISTS[case]
    assert newest_codestral(listed(*(reversed(rows) if turned else rows)), "codestral-2501") == name


GONE = {"object": "error", "message": "Invalid model: codestral-2501", "type": "invalid_model", "code": "1500"}


def langdock(rows: list[dict[str, object]] | None, *, status: int = 400) -> FakeServer:
    """A host that has retired codestral-2501 and lists ``rows``, or nothing."""

    def answer(request: Request) -> Reply | None:
        if request.path.endswith("/v1/models"):
            return None if rows is None else Reply(body={"object": "list", "data": rows})
        if request.body["model"] == "codestral-2501":
            return Reply(status=status, body=GONE)
        return Reply(body={"choices": [{"message": {"content": "a + b"}, "finish_reason": "stop"}]})

    return FakeServer(answer)


@pytest.mark.parametrize("status", [400, 404, 410, 422])
async def test_a_retired_default_model_is_replaced_for_the_session_with_one_notice(status: int) -> None:
    rows = [MISTRALS, {"id": "mistral-large-latest"}]
    async with langdock(rows, status=status) as server:
        profile = codestral("langdock", base_url=f"{server.url}/mistral/eu")
        backend = HttpBackend(profile, keys=KeySource(server.url, api_key=Secret("k")), timeout=30)
        first, second = await ask(backend), await ask(backend)
        await backend.close()
    assert ["".join(chunk.text for chunk in chunks) for chunks in (first, second)] == ["a + b"] * 2
    (notice,) = [chunk.notice for chunk in (*first, *second) if chunk.notice]
    assert 'set model = "codestral-latest"' in notice
    assert [request.path.rpartition("/v1")[2] for request in server.requests] == [
        "/fim/completions", "/models", "/fim/completions", "/fim/completions",
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [None, [], [{"id": "mistral-large-latest"}], "set by the user"])
async def test_a_retired_model_is_an_error_otherwise(rows: object) -> None:
    chosen = "codestral-2501" if isinstance(rows, str) else None
    async with langdock([MISTRALS] if isinstance(rows, str) else rows) as server:  # type: ignore[arg-type]
        profile = codestral("langdock", base_url=server.url, model=chosen)
        backend = HttpBackend(profile, keys=KeySource(server.url, api_key=Secret("k")), timeout=30)
        with pytest.raises(UnknownModel, match="codestral-2501"):
            await ask(backend)
        assert backend.model == "codestral-2501"
        await backend.close()
    assert [request.body["model"] for request in server.requests if request.method == "POST"] == ["codestral-2501"]
