"""What documents leave behind that come and go: nothing that grows with their number."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from fim_lsp.schedule.cache import SuggestionCache
from fim_lsp.session.open_documents import OpenDocument
from fim_lsp.session.session import Session
from fim_lsp.text.document import Change, Document
from fim_lsp.text.positions import Encoding

ROUND = 300  # documents: what is bounded by a number is full after one round
SPARE = 700_000  # bytes: folders may be remembered until there are 500; 900 documents without a bound left 1,650,000
PASSED_OVER = (
    type,
    types.ModuleType,
    types.BuiltinFunctionType,
    types.FrameType,
    types.CodeType,
    asyncio.AbstractEventLoop,
)


def reachable(root: object) -> Iterator[object]:
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        it = waiting.pop()
        if id(it) in seen or isinstance(it, PASSED_OVER):
            continue
        seen[id(it)] = it
        yield it
        if isinstance(it, types.FunctionType):
            waiting += list(it.__closure__ or ())
        else:
            waiting += gc.get_referents(it)


def size(root: object) -> int:
    return sum(map(sys.getsizeof, reachable(root)))


async def visit(session: Session, root: Path, number: int) -> None:
    """Open a document in a folder of its own, type, ask, close it."""
    path = root / f"package{number}" / "inner" / f"module{number}.py"
    lines = f"import os\nfrom package{number + 1} import thing{number}\n\n\ndef compute{number}(value):\n    \n"
    document = Document(lines, Encoding.UTF16)
    session.open_document(OpenDocument(uri=path.as_uri(), language="python", path=path, text=document))
    session.change_document(path.as_uri(), [Change("ret", ((5, 4), (5, 4)))])
    await session.request(path.as_uri(), 5, 7).result
    session.close_document(path.as_uri())


@pytest.mark.parametrize("inside", [True, False])
async def test_memory_is_flat_over_documents_that_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    monkeypatch.setattr(
        "fim_lsp.schedule.scheduler.SuggestionCache", lambda timer: SuggestionCache(timer, max_bytes=200_000)
    )
    root = tmp_path / "workspace"
    root.mkdir()
    session = Session(lambda *_: None, {"HOME": str(tmp_path)})
    session.start(roots=[root] if inside else [], initialization={"backend": "ngram"})
    sizes = []
    numbers = itertools.count(1)
    for rounds in (1, 1, 2):
        for number in itertools.islice(numbers, rounds * ROUND):
            await visit(session, root, number)
        await session.wait_until_ready()
        gc.collect()
        sizes.append(size(session))
    await session.close()
    assert max(sizes[1:]) <= sizes[0] + SPARE, sizes


async def test_a_rule_is_noticed_for_whatever_is_open_after_very_many_were_closed(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    (root / "kept").mkdir(parents=True)
    path = root / "kept" / "secret.py"
    session = Session(lambda *_: None, {"HOME": str(tmp_path)})
    session.start(roots=[root], initialization={"backend": "ngram"})
    document = Document("x = 1\n", Encoding.UTF16)
    session.open_document(OpenDocument(uri=path.as_uri(), language="python", path=path, text=document))
    for number in range(ROUND):
        await visit(session, root, number)
    (root / "kept" / ".gitignore").write_text("*\n")
    await asyncio.gather(*(visit(session, root, 0) for _ in range(20)))
    assert session.documents[path.as_uri()].excluded
    await session.close()
