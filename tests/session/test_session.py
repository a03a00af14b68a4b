"""Settings, documents, requests and memory of a whole session."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import types
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fim_lsp.backends.backend import Backend, Chunk, OnSent, ignore_sent
from fim_lsp.backends.factory import BackendSet
from fim_lsp.errors import Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.cache import SuggestionCache
from fim_lsp.session import backend_manager
from fim_lsp.session.open_documents import OpenDocument
from fim_lsp.session.session import Session
from fim_lsp.session.status_tracker import Status, StatusState
from fim_lsp.text.document import Change, Document
from fim_lsp.text.positions import Encoding
from tests.fakes.backend import BackendDefaults

NGRAM = {"backend": "ngram"}


class Editor:
    """A session, its messages, its statuses, and the value of ``menu`` after each change of the settings."""

    def __init__(self, home: Path, initialization: dict[str, object]) -> None:
        self.home = home
        self.shown: list[str] = []
        self.statuses: list[Status] = []
        self.menus: list[str] = []
        self.session = Session(
            lambda _level, sentence: self.shown.append(sentence),
            {"HOME": str(home), "FIM_LSP_CONFIG": str(home / "config.toml")},
            on_status=self.statuses.append,
            on_settings=lambda: self.menus.append(self.session.settings.menu),
        )
        (home / "config.toml").write_text('menu = "auto"\n')
        self.session.start(roots=[home], initialization=initialization)

    def open(self, text: str, name: str = "a.py") -> str:
        path = self.home / name
        document = OpenDocument(uri=path.as_uri(), language="python", path=path, text=Document(text, Encoding.UTF16))
        self.session.open_document(document)
        return document.uri


@asynccontextmanager
async def editor(home: Path, **initialization: object) -> AsyncGenerator[Editor, None]:
    made = Editor(home, initialization or NGRAM)
    yield made
    await made.session.close()


async def test_a_request_has_the_text_at_the_cursor_and_the_path_in_the_workspace(tmp_path: Path) -> None:
    async with editor(tmp_path) as it:
        uri = it.open("x = 1\n\U0001f600y\n", "src/a.py")
        request = it.session.request(uri, 1, 2, explicit=True)  # two UTF-16 units: one character
        snapshot = request.snapshot
        assert (snapshot.split.prefix, snapshot.split.suffix) == ("x = 1\n\U0001f600", "y\n")
        assert (snapshot.path, snapshot.size, snapshot.explicit) == ("src/a.py", 9, True)
        await request.result


async def test_a_change_of_the_settings_is_reported_and_the_start_is_not(tmp_path: Path) -> None:
    async with editor(tmp_path) as it:
        it.session.set_workspace_settings({"menu": "always"})
        it.session.set_workspace_settings({"menu": "always"})
        it.session.set_workspace_settings({"menu": "never"})
        assert it.menus == ["always", "never"]


async def test_a_changed_settings_file_is_noticed_by_a_request(tmp_path: Path) -> None:
    async with editor(tmp_path) as it:
        uri = it.open("x")
        it.session.request(uri, 0, 1)
        assert it.menus == []
        (tmp_path / "config.toml").write_text('menu = "never"\n')
        it.session.request(uri, 0, 1)
        assert it.menus == ["never"]


async def test_requests_are_explained_and_a_withdrawn_one_is_no_status(tmp_path: Path) -> None:
    async with editor(tmp_path) as it:
        uri, excluded = it.open("x = 1\n"), it.open("KEY=1\n", ".env")
        await it.session.request(excluded, 0, 1).result
        withdrawn = it.session.request(uri, 1, 0).result
        assert it.session.status.state is StatusState.IDLE
        withdrawn.cancel()
        await asyncio.sleep(0)
        status, latest, first = it.session.explain().lines()
        assert status == "fim-lsp is idle (ngram)."
        assert latest.endswith(" a.py:2:1 · you typed on")
        assert ".env · excluded by the rule" in first
        assert it.shown == []


async def test_a_document_is_explained_with_the_rule_that_excludes_it(tmp_path: Path) -> None:
    async with editor(tmp_path) as it:
        session = it.session
        (it.home / ".gitignore").write_text("# private\n*.log\n")
        uri, hidden = it.open("x = 1\n"), it.open("y = 1\n", "b.log")
        assert not session.explain(uri).is_silent
        await session.request(hidden, 0, 1).result
        lines = list(session.explain(hidden).lines())
        assert '"*.log" in line 2 of' in lines[0]
        assert 'excluded by the rule "*.log" in line 2 of' in lines[-1]
        assert session.explain("file:///elsewhere.py").is_silent
        session.switches.toggle(False)
        assert next(session.explain(uri).lines()).startswith("Suggestions are turned off")


class RecordingBackend(BackendDefaults):
    """Records everything that it is sent, and fails at every second request."""

    model = ""

    def __init__(self, name: str, host: str) -> None:
        self.name, self.host = name, host
        self.received: list[str] = []
        self.requests = 0

    def _record(self, prompt: Prompt) -> None:
        self.received.append(prompt.prefix + prompt.suffix + "".join(piece.text for piece in prompt.context))

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        self._record(prompt)
        self.requests += 1
        if self.requests % 2 == 0:
            raise Unreachable("gone")
        await asyncio.sleep(0)
        yield Chunk(text="x", finish="stop")

    async def prepare(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
        self._record(prompt)
        return True


def text_of(name: str) -> str:
    """Words that only this document has, and names that all documents share, which makes each context for the others."""
    return f"{name}_marker = 1\n\ndef shared_helper_{name}(order_number, customer_name):\n    {name}_marker\n    return 1\n"


NAMES = ("open1", "open2", "hidden1", "hidden2")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.sampled_from(NAMES)),
        st.tuples(st.just("close"), st.sampled_from(NAMES)),
        st.tuples(st.just("edit"), st.sampled_from(NAMES)),
        st.tuples(st.just("ask"), st.sampled_from(NAMES)),
        st.tuples(st.just("more globs"), st.sampled_from(["*.never", "other/"])),
        st.tuples(st.just("wait"), st.just("")),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.booleans())
def test_nothing_that_is_local_only_is_ever_sent_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, steps: list[tuple[str, str]], far_first: bool
) -> None:
    far, near = RecordingBackend("far", "far.example"), RecordingBackend("near", "127.0.0.1:8012")
    order: tuple[Backend, ...] = (far, near) if far_first else (near, far)
    monkeypatch.setattr(
        backend_manager, "create_backends", lambda *_, **__: BackendSet(backends=order, owned=(), made_from=())
    )
    monkeypatch.setattr(BackendSet, "matches", lambda *_: True)
    asyncio.run(_drive(tmp_path, steps))
    for name in ("hidden1", "hidden2"):
        assert not [text for text in far.received if f"{name}_marker" in text]


async def _drive(root: Path, steps: list[tuple[str, str]]) -> None:
    globs = ["hidden*"]
    session = Session(lambda *_: None, {"FIM_LSP_BACKEND": "codestral", "FIM_LSP_LIMITS_STORE": "process"})
    options = {"debounce": 0, "local_only": globs}
    session.start(roots=[root], initialization=options)
    documents: dict[str, Document] = {}
    waiting = []
    for what, name in [*(("open", name) for name in NAMES), *steps]:
        uri = (root / f"{name}.py").as_uri()
        if what == "open" and name not in documents:
            documents[name] = Document(text_of(name), Encoding.UTF32)
            session.open_document(
                OpenDocument(uri=uri, language="python", path=root / f"{name}.py", text=documents[name])
            )
        elif what == "close" and documents.pop(name, None):
            session.close_document(uri)
        elif what == "edit" and name in documents:
            session.change_document(uri, [Change("y", ((3, 4), (3, 4)))])
        elif what == "ask" and name in documents:
            waiting.append(session.request(uri, 3, 4, explicit=True).result)
        elif what == "more globs":
            globs.append(name)
            session.set_workspace_settings({"local_only": list(globs)})
        elif what == "wait":
            await asyncio.gather(*waiting)
    await asyncio.gather(*waiting)
    await session.close()


ROUND = 300  # documents: whatever is bounded is full after one round
TOLERANCE = 700_000  # bytes: up to 500 folders are cached; without any bound, 900 documents left 1,650,000
NOT_FOLLOWED = (
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
        if id(it) in seen or isinstance(it, NOT_FOLLOWED):
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
    """Open a document in a folder of its own, type, request a completion, close it."""
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
    assert max(sizes[1:]) <= sizes[0] + TOLERANCE, sizes


async def test_a_new_ignore_file_is_noticed_for_an_open_document_after_many_others_were_closed(tmp_path: Path) -> None:
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


async def test_nothing_is_prepared_where_nothing_appears_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    near = RecordingBackend("near", "127.0.0.1:8012")
    backends = BackendSet(backends=(near,), owned=(), made_from=())
    monkeypatch.setattr(backend_manager, "create_backends", lambda *_, **__: backends)
    monkeypatch.setattr(BackendSet, "matches", lambda *_: True)
    async with editor(tmp_path, trigger="manual") as it:
        it.open(text_of("quiet"), "quiet.py")
        it.session.switches.toggle(on=True)
        it.open(text_of("loud"), "loud.py")
        while not near.received:  # noqa: ASYNC110 - the document is read in the loop's own turns
            await asyncio.sleep(0)
        assert [text.partition("_")[0] for text in near.received] == ["loud"]
        assert "quiet_marker" in near.received[0]  # it is context for others all the same
