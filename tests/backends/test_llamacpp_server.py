"""A real llama-server: completions, rendering, hanging up, and its cache."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.discovery import LocalServer, LoopbackPort, find_local_servers
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.llamacpp import llamacpp
from fim_lsp.backends.openai import openai
from fim_lsp.backends.profile import Generation
from fim_lsp.errors import Rejected, UnknownModel
from fim_lsp.prompt.fim_templates import Template, render
from fim_lsp.prompt.prompt import Prompt, Snippet
from tests.fakes.fixtures import ask
from tests.llama import NAMES, Llama, running

CONTEXT = (Snippet(path="a.py", text="A = 1\n"), Snippet(path="b/c.py", text="B = 1\n"))
SMALL = Generation(temperature=0, max_tokens=4)
Ask = Callable[..., HttpBackend]


@pytest.fixture(scope="session")
def llama() -> Iterator[Llama]:
    with running() as server:
        yield server


@pytest.fixture
async def connect() -> AsyncIterator[Ask]:
    made: list[HttpBackend] = []

    def make(profile: Any) -> HttpBackend:
        made.append(HttpBackend(profile, keys=KeySource(profile.base_url), timeout=600))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


def lines(name: str, count: int) -> str:
    return "".join(f"def {name}{number}(a, b):\n    return a * {number} + b\n\n\n" for number in range(count))


ENDLESS = Prompt(prefix=lines("x", 3) + "def ", suffix=lines("y", 3))  # this model never stops here


def usage_of(chunks: list[Chunk]) -> Usage:
    return next(chunk.usage for chunk in reversed(chunks) if chunk.usage)


async def written(backend: HttpBackend, prompt: Prompt) -> str:
    return "".join(chunk.text for chunk in await ask(backend, prompt))


def rendered(url: str, prompt: Prompt) -> str:
    """The prompt that the server renders for a request, from its last message."""
    request = llamacpp(base_url=url, generation=SMALL).request(prompt)
    call = urllib.request.Request(request.url, request.body, dict(request.headers))  # noqa: S310  # loopback
    with urllib.request.urlopen(call) as answer:  # noqa: S310
        last = answer.read().decode().strip().rsplit("data: ", 1)[-1]
    text: str = json.loads(last)["prompt"]
    return text


def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` is true; two minutes are a guard against waiting forever."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


async def test_it_completes(llama: Llama, connect: Ask) -> None:
    chunks = await ask(connect(llamacpp(base_url=llama.url, generation=SMALL)), ENDLESS)
    assert len([chunk for chunk in chunks if chunk.text]) > 1  # streamed
    assert chunks[-1].finish == "length"
    assert usage_of(chunks).completion_tokens == 4
    assert usage_of(chunks).prompt_tokens > 10


@pytest.mark.parametrize(
    ("prefix", "line"),
    [("def f(a):\n    x = 1\n", "    return "), ("", "x = "), ("x\n", ""), ("", "")],
    ids=["line", "first line", "line start", "empty"],
)
def test_the_server_renders_the_repository_form_of_our_templates(llama: Llama, prefix: str, line: str) -> None:
    """Qwen's form, in this vocabulary's tokens; the server writes its own names for repository and file."""
    pre, suf, mid, rep, sep = (NAMES[name] for name in ("fim_pre", "fim_suf", "fim_mid", "fim_rep", "fim_sep"))
    row = Template(
        name="", model_pattern="", fim="", control=(), stop=(),
        repository=f"{rep}myproject\n", other_file=f"{sep}{{path}}\n{{lines}}",
        current_file=f"{sep}filename\n{pre}{{prefix}}{suf}{{suffix}}{mid}",
    )  # fmt: skip
    prompt = Prompt(prefix=prefix + line, suffix="\nprint(1)\n", context=CONTEXT)
    assert rendered(llama.url, prompt) == render(row, prompt)


async def test_a_control_token_in_the_users_text_stays_text(llama: Llama, connect: Ask) -> None:
    """The vocabulary's ``<gh_stars>`` is one token where the server takes it for one, and several as text."""
    backend = connect(llamacpp(base_url=llama.url, generation=SMALL))
    counts = [
        usage_of(await ask(backend, Prompt(prefix=f"x\n{line}", suffix=""))).prompt_tokens
        for line in ("y = ''", f"y = '{'<gh_stars>' * 6}'")
    ]
    assert counts[1] - counts[0] > 9


async def test_hanging_up_frees_the_slot(llama: Llama, connect: Ask) -> None:
    """There is one slot, and the first answer would take it for a minute."""
    long = replace(SMALL, max_tokens=3000)
    backend = connect(llamacpp(base_url=llama.url, generation=long))
    seen = llama.log.read_text(errors="replace").count("cancel task")
    async with contextlib.aclosing(backend.stream(ENDLESS)) as chunks:
        assert (await anext(chunks)).text
    await asyncio.to_thread(until, lambda: llama.log.read_text(errors="replace").count("cancel task") > seen)
    assert usage_of(await ask(connect(llamacpp(base_url=llama.url, generation=SMALL)))).completion_tokens


async def test_while_typing_most_of_the_prompt_is_in_the_cache(connect: Ask) -> None:
    """With a batch that has room for more of the suffix than is sent, as otherwise the server would cut it."""
    with running(batch=512) as server:
        backend = connect(llamacpp(base_url=server.url, generation=SMALL))
        context = (Snippet(path="other.py", text=lines("other", 24)),)
        shares = []
        for typed in ("    total", "    total = ", "    total = first(", "    total = first(a, b"):
            prefix = lines("before", 18) + "def sum(a, b):\n" + typed
            usage = usage_of(await ask(backend, Prompt(prefix=prefix, suffix=lines("after", 20), context=context)))
            shares.append((usage.prompt_tokens - usage.cached_tokens) / usage.prompt_tokens)
    assert usage.prompt_tokens > 800
    assert [share for share in shares[1:] if share >= 0.15] == [], shares


async def test_a_variation_is_another_reply_and_always_the_same(connect: Ask) -> None:
    with running(plain=True) as server:
        backend = connect(llamacpp(base_url=server.url, generation=SMALL))
        prompts = [Prompt(prefix="def area(radius):\n    ", suffix="\n", variation=number) for number in (1, 2, 3, 4)]
        first, second = [[await written(backend, prompt) for prompt in prompts] for _ in range(2)]
    assert first == second
    assert len(set(first)) > 1


async def test_what_was_preloaded_is_in_the_cache(llama: Llama, connect: Ask) -> None:
    backend = connect(llamacpp(base_url=llama.url, generation=SMALL))
    prompt = Prompt(prefix="x = ", suffix="\n", context=(Snippet(path="ahead.py", text=lines("ahead", 6)),))
    assert await backend.prepare(prompt)
    assert not await backend.prepare(prompt)
    usage = usage_of(await ask(backend, prompt))
    assert usage.cached_tokens > 0.8 * usage.prompt_tokens


async def test_its_limits_are_measured(llama: Llama, connect: Ask) -> None:
    backend = connect(llamacpp(base_url=llama.url, generation=SMALL))
    found = await backend.capabilities()
    assert found.can_fill is True
    assert (found.capacity.prefix_tokens, found.capacity.total_tokens) == (96, 4096)
    before, after = (lines("x", count) + "y" for count in (1, 40))
    fits, cut = [usage_of(await ask(backend, Prompt(prefix=text, suffix=""))).prompt_tokens for text in (before, after)]
    assert fits < cut < 96 + 40  # all else is a handful of tokens


async def test_measuring_leaves_the_cache_alone(llama: Llama, connect: Ask) -> None:
    backend = connect(llamacpp(base_url=llama.url, generation=SMALL))
    prompt = Prompt(prefix=lines("kept", 2), suffix="\n")
    await ask(backend, prompt)
    await backend.capabilities()
    usage = usage_of(await ask(backend, prompt))
    assert usage.cached_tokens > 0.8 * usage.prompt_tokens


async def test_the_error_for_a_prompt_that_is_too_long(llama: Llama, connect: Ask) -> None:
    with pytest.raises(Rejected, match=r"too long.*prompt_tokens.*--ctx-size"):
        await ask(connect(llamacpp(base_url=llama.url)), Prompt(prefix=" x" * 5000, suffix=""))


async def test_the_error_for_a_model_without_fim_tokens(connect: Ask) -> None:
    with running(fim=False) as server:
        backend = connect(llamacpp(base_url=server.url))
        with pytest.raises(UnknownModel, match="can't fill in the middle"):
            await ask(backend)
        assert (await backend.capabilities()).can_fill is False
        port = int(server.url.rpartition(":")[2])
        assert await find_local_servers((LoopbackPort(name="llamacpp", port=port),), within=120) == ()


async def test_it_is_found(llama: Llama) -> None:
    place = LoopbackPort(name="llamacpp", port=int(llama.url.rpartition(":")[2]))
    assert await find_local_servers((place,), within=120) == (LocalServer(name="llamacpp", base_url=llama.url),)


async def test_its_openai_endpoint_completes_by_a_template(llama: Llama, connect: Ask) -> None:
    backend = connect(openai(llama.url, generation=SMALL, fim_template="starcoder2"))
    chunks = await ask(backend)
    assert "".join(chunk.text for chunk in chunks)
    assert usage_of(chunks).completion_tokens == 4
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["length"]


async def test_an_ignored_suffix_is_detected(llama: Llama, connect: Ask) -> None:
    profile = replace(openai(llama.url, generation=SMALL, fim_template="suffix", model="qwen2.5-coder"), model="")
    found = await connect(profile).capabilities()
    assert found.change is not None
    assert "template of qwen" in found.change.notice
