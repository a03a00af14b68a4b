"""Back ends over the wire: a real llama-server, Ollama, models that are missing, and streams that break off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.codestral import Behaviour, FakeCodestral
from tests.fakes.http import FakeServer, Reply, Request
from tests.fakes.ollama import Ollama
from tests.llama import running
from tests.lsp.raw_client import RawClient, texts

CODE = "def area(width, height):\n    return width * \n\n\ndef main():\n    print(area(3, 4))\n"


async def test_a_real_llama_server_completes(tmp_path: Path) -> None:
    with running(plain=True) as llama:
        async with RawClient(tmp_path) as client:
            options = {"backend": "llamacpp", "base_url": llama.url, "debounce": 0, "max_tokens": 8, "timeout": 120}
            await client.initialize(options={**options, "temperature": 0, "fallback": []}, root=tmp_path)
            client.open("The capital of France is", language="plaintext")
            (text,) = texts(await client.reply(client.ask(0, 24, kind=1)))
            assert "Paris" in text
            assert client.messages() == []


async def test_a_model_without_fill_in_the_middle_is_reported_once(tmp_path: Path) -> None:
    with running(fim=False) as llama:
        async with RawClient(tmp_path) as client:
            options = {"backend": "llamacpp", "base_url": llama.url, "debounce": 0, "fallback": [], "timeout": 120}
            await client.initialize(options=options)
            client.open(CODE)
            for _ in range(3):
                assert texts(await client.reply(client.ask(1, 19, kind=1))) == []
            (message,) = client.messages()
    assert "can't fill in the middle" in message


async def test_when_a_stream_breaks_off_the_fallback_answers(tmp_path: Path) -> None:
    """The first one dies after a few characters and is gone from then on; the model inside knows the line, too."""
    text = "".join(f"total_{n} = compute(alpha, beta)\n" for n in range(9)) + "total_9 = compute(al\n"
    breaks = Behaviour(cut_after=2)
    async with FakeCodestral(lambda _: "pha, gamma, delta)", behaviour=breaks) as server, RawClient(tmp_path) as client:
        await client.initialize(options={"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0})
        client.open(text)
        for _ in range(5):
            assert texts(await client.reply(client.ask(9, 20, kind=1))) == ["pha, beta)"]
        assert len(client.messages()) == 1
    assert len(server.requests) <= 5


async def test_half_an_answer_is_not_shown_when_the_server_reports_an_error_after_it(tmp_path: Path) -> None:
    half = b'data: {"choices": [{"index": 0, "delta": {"content": "height\\n    return"}}]}\n\n'
    error = b'data: {"error": {"message": "provider returned error", "code": 502}}\n\n'
    fails = Behaviour(raw=half + error, content_type="text/event-stream")
    async with FakeCodestral(behaviour=fails) as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
        await client.initialize(options={**options, "multiline": "always"})
        client.open("def f(a, b):\n    \n")
        assert texts(await client.reply(client.ask(1, 4, kind=1))) == []
        await client.until(lambda: len(client.messages()) == 1)
        assert "502" in client.messages()[0]


def retired(request: Request) -> Reply:
    """A host whose codestral-2501 is gone, and which lists what it has."""
    if request.method == "GET":
        row = {"id": "codestral-2508", "aliases": ["codestral-latest"], "capabilities": {"completion_fim": True}}
        return Reply(body={"data": [{"id": "mistral-large-2411", "capabilities": {"completion_fim": False}}, row]})
    if request.body["model"] == "codestral-2501":
        error = {"object": "error", "message": "Invalid model: codestral-2501", "type": "invalid_model", "code": "1500"}
        return Reply(status=400, body=error)
    return Reply(body={"choices": [{"message": {"content": "a * b"}, "finish_reason": "stop"}]})


@pytest.mark.parametrize("model", [None, "codestral-2501"])
async def test_a_retired_model_is_replaced_only_if_it_was_the_default(tmp_path: Path, model: str | None) -> None:
    async with FakeServer(retired) as server, RawClient(tmp_path) as client:
        options = {"backend": "langdock", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
        await client.initialize(options={**options, "model": model})
        client.open("def f(a, b):\n    return \n    \n")
        answers = [texts(await client.reply(client.ask(line, 11, kind=1))) for line in (1, 2)]
        await client.until(lambda: len(client.messages()) > 0)
        (message,) = client.messages()
    if model is None:
        assert answers[0] == ["a * b"]
        assert 'set model = "codestral-latest"' in message
    else:
        assert answers == [[], []]
        assert "codestral-2508" in message
        assert "mistral-large" not in message


async def test_ollama_needs_no_model_in_the_settings(tmp_path: Path) -> None:
    behaviour = Ollama(models={"llama3": ["completion"], "qwen2.5-coder:1.5b": ["completion", "insert"]})
    async with FakeServer(behaviour) as server, RawClient(tmp_path) as client:
        options = {"backend": "ollama", "base_url": server.url, "debounce": 0, "fallback": []}
        await client.initialize(options=options)
        client.open("def f(a, b):\n    return \n")
        assert texts(await client.reply(client.ask(1, 11, kind=1))) != []
        assert client.messages() == []
    behaviour.models = {"llama3": ["completion"]}
    async with FakeServer(behaviour) as server, RawClient(tmp_path) as client:
        await client.initialize(options={**options, "base_url": server.url})
        client.open("x = \n")
        assert texts(await client.reply(client.ask(0, 4, kind=1))) == []
        await client.until(lambda: len(client.messages()) > 0)
        (message,) = client.messages()
        assert "it has llama3" in message
