"""The embedded back end as the scheduler and the session use it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.backends.ngram_backend import NgramBackend, _cut_at_limit
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.workspace.source_files import Allowed, Bounds

LINES = ["first = Client(host, port)\n", "second = Client(host, port)\n", "third = Client(host, port)\n", "x = \n"]
PROMPT = Prompt(prefix="".join(LINES[:3]) + "x = ", suffix="\n", language="python", uri="file:///p/a.py")
ASKED = Prompt(prefix="x = Client(", suffix="", language="python", uri="untitled:1", path="b.py")
WAIT = 30


async def answer(backend: Backend, prompt: Prompt) -> list[Chunk]:
    return [chunk async for chunk in backend.stream(prompt)]


def index(roots: Sequence[Path], allowed: Allowed, bounds: Bounds | None = None) -> NgramBackend:
    backend = NgramBackend(bounds=bounds)
    backend.workspace(roots, allowed)
    backend.open("untitled:1", "python", [], None)
    assert backend.index.wait(WAIT)
    return backend


async def test_one_chunk_with_its_confidence() -> None:
    backend = NgramBackend()
    backend.open("file:///p/a.py", "python", LINES, Path("/p/a.py"))
    (chunk,) = await answer(backend, PROMPT)
    assert chunk.text == "Client(host, port)"
    assert chunk.finish == "stop"
    assert chunk.confidence is not None
    assert 0.5 <= chunk.confidence <= 1
    await backend.close()


async def test_no_prediction_is_no_chunk() -> None:
    backend = NgramBackend()
    assert await answer(backend, PROMPT) == []
    backend.open("file:///p/a.py", "python", ["x = \n"], Path("/p/a.py"))
    assert await answer(backend, PROMPT) == []
    assert (backend.name, backend.host, backend.model) == ("ngram", "", "")


async def test_changes_are_learnt_and_closing_forgets() -> None:
    backend = NgramBackend()
    backend.open("file:///p/b.py", "python", [], Path("/p/b.py"))
    assert await answer(backend, ASKED) == []
    backend.change("file:///p/b.py", 0, 0, LINES)
    assert [chunk.text for chunk in await answer(backend, ASKED)] == ["host, port)"]
    backend.forget("file:///p/b.py")
    assert await answer(backend, ASKED) == []
    backend.change("file:///p/b.py", 0, 0, LINES)
    backend.forget("file:///p/b.py")


async def test_stop_strings_end_the_text() -> None:
    backend = NgramBackend()
    backend.open("file:///p/b.py", "python", LINES, None)
    prompt = Prompt(prefix=ASKED.prefix, suffix="", language="python", uri="untitled:1", stop=(", ", ""))
    assert [chunk.text for chunk in await answer(backend, prompt)] == ["host"]


async def test_languages_are_separate() -> None:
    backend = NgramBackend()
    backend.open("file:///p/b.rs", "rust", LINES, Path("/p/b.rs"))
    backend.open("untitled:2", "", LINES, None)
    assert await answer(backend, ASKED) == []


async def test_the_workspace_is_learnt(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.py").write_text("".join(LINES))
    backend = index([tmp_path], lambda *_: True)
    assert [chunk.text for chunk in await answer(backend, ASKED)] == ["host, port)"]
    await backend.close()


@pytest.mark.parametrize("refused", ["sub", "m.py"])
async def test_what_is_not_allowed_is_not_read(tmp_path: Path, refused: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.py").write_text("".join(LINES))
    backend = index([tmp_path], lambda path, _is_folder: path.name != refused)
    assert await answer(backend, ASKED) == []
    await backend.close()


@pytest.mark.parametrize(
    "content",
    [
        b"# @generated\n" + "".join(LINES).encode(),
        b"\0" + "".join(LINES).encode(),
        b"\xff" + "".join(LINES).encode(),
        ("y = 1; " * 300 + "\n" + "".join(LINES)).encode(),
    ],
    ids=["generated", "binary", "not UTF-8", "minified"],
)
async def test_files_nobody_wrote_are_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.py").write_bytes(content)
    backend = index([tmp_path], lambda *_: True)
    assert await answer(backend, ASKED) == []
    await backend.close()


async def test_bounds(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"m{number}.py").write_text("".join(LINES) * 20)
    few = index([tmp_path], lambda *_: True, Bounds(files=2))
    small = index([tmp_path], lambda *_: True, Bounds(file_bytes=100))
    short = index([tmp_path], lambda *_: True, Bounds(tokens=1500))
    none = index([tmp_path], lambda *_: True, Bounds(entries=0))
    tokens = [backend.index.tokens for backend in (few, small, short, none)]
    assert tokens[0] == 2 * (3 * 9 + 3) * 20
    assert tokens[1] == 0
    assert 500 <= tokens[2] <= 1500
    assert tokens[3] == 0
    for backend in (few, small, short, none):
        await backend.close()


async def test_links_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "m.py").write_text("".join(LINES))
    (inside / "loop").symlink_to(inside, target_is_directory=True)
    (inside / "out").symlink_to(outside, target_is_directory=True)
    (inside / "m.py").symlink_to(outside / "m.py")
    backend = index([inside], lambda *_: True)
    assert backend.index.tokens == 0
    await backend.close()


async def test_an_open_document_shadows_its_file(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text("".join(LINES))
    backend = index([tmp_path], lambda *_: True)
    backend.open(path.as_uri(), "python", ["nothing\n"], path)
    assert await answer(backend, ASKED) == []
    assert backend.index.wait(WAIT)
    assert backend.index.tokens == 0
    backend.forget(path.as_uri())
    assert backend.index.wait(WAIT)
    assert [chunk.text for chunk in await answer(backend, ASKED)] == ["host, port)"]
    await backend.close()


async def test_another_workspace_replaces_the_first(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "m.py").write_text("".join(LINES))
    backend = index([tmp_path / "one"], lambda *_: True)
    assert backend.index.tokens > 0
    backend.workspace([tmp_path / "two"], lambda *_: True)
    assert backend.index.wait(WAIT)
    assert backend.index.tokens == 0
    await backend.close()


async def test_typing_continues_while_files_are_learnt(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"m{number}.py").write_text("".join(LINES) * 50)
    backend = NgramBackend()
    backend.workspace([tmp_path], lambda *_: True)
    backend.open("file:///p/a.py", "python", LINES, tmp_path / "m3.py")
    for _ in range(50):
        backend.change("file:///p/a.py", 3, 1, ["x = \n"])
        assert [chunk.text for chunk in await answer(backend, PROMPT)] == ["Client(host, port)"]
        await asyncio.sleep(0)
    await backend.close()
    await backend.close()


async def test_a_closed_document_of_a_refused_folder_stays_out(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    path = tmp_path / "secret" / "m.py"
    path.write_text("".join(LINES))
    backend = index([tmp_path], lambda path, _is_folder: path.name != "secret")
    backend.open(path.as_uri(), "python", LINES, path)
    backend.forget(path.as_uri())
    assert backend.index.wait(WAIT)
    assert backend.index.tokens == 0
    await backend.close()


@pytest.mark.parametrize(
    ("most", "kept", "finish"),
    [(None, "host, port)", "stop"), (4, "host, port)", "stop"), (3, "host, port", "length"), (1, "host", "length")],
)
async def test_max_tokens(most: int | None, kept: str, finish: str) -> None:
    backend = NgramBackend()
    backend.open("file:///p/b.py", "python", LINES, None)
    prompt = Prompt(prefix=ASKED.prefix, suffix="", language="python", uri="untitled:1", max_tokens=most)
    assert [(chunk.text, chunk.finish) for chunk in await answer(backend, prompt)] == [(kept, finish)]
    await backend.close()


@pytest.mark.parametrize(
    ("most", "kept"),
    [(0, ""), (1, "a"), (2, "a b"), (3, "a b"), (4, "a b"), (5, "a b\n  c d"), (6, "a b\n  c d"), (9, "a b\n  c d\ne")],
)
def test_whole_lines_are_kept(most: int, kept: str) -> None:
    assert _cut_at_limit("a b\n  c d\ne", most) == kept
