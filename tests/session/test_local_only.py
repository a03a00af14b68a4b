"""What ``local_only`` names stays on this machine: as a document, as context, from the first request to the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.backends.factory import BackendSet
from fim_lsp.errors import Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.session import backend_manager
from fim_lsp.session.open_documents import OpenDocument
from fim_lsp.session.session import Session
from fim_lsp.text.document import Change, Document
from fim_lsp.text.positions import Encoding
from fim_lsp.workspace.file_policy import FilePolicy
from tests.fakes.backend import Bare

W = Path("/w")


@pytest.mark.parametrize(
    ("globs", "uri", "stays"),
    [
        (["secret/"], "file:///w/secret/a.py", True),
        (["secret/"], "file:///w/open/a.py", False),
        (["/w/"], "file:///w/open/a.py", True),
        (["/w/open"], "file:///w/open/a.py", True),
        (["/elsewhere/"], "file:///elsewhere/deep/a.py", True),
        (["*.sql"], "file:///w/db/a.SQL", True),
        (["*"], "untitled:Untitled-1", True),
        (["/w/"], "untitled:Untitled-1", True),  # it belongs to the folder that is open
        (["secret/"], "untitled:Untitled-1", False),
        (["secret/"], "git:/w/secret/a.py?ref", True),
        (["secret/"], "gitsigns:///w/.git//:0:secret/a.py", True),
        (["[z-a]", "secret/"], "file:///w/secret/a.py", True),
        ([], "file:///w/secret/a.py", False),
    ],
)
def test_what_stays(globs: list[str], uri: str, stays: bool) -> None:
    path = Path(uri.removeprefix("file://")) if uri.startswith("file:") else None
    assert FilePolicy([W], [], globs).local_only(uri, path) is stays


def test_a_glob_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    paths = FilePolicy([Path("/home/me/work/customer")], [], ["~/work/customer/"])
    assert paths.local_only("file:///home/me/work/customer/a.py", Path("/home/me/work/customer/a.py"))
    assert not paths.local_only("file:///home/me/other/a.py", Path("/home/me/other/a.py"))


def test_a_glob_through_a_link_holds_for_the_place_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neovim and Helix open files by their real names."""
    real = tmp_path / "data/me"
    (real / "work").mkdir(parents=True)
    home = tmp_path / "me"
    home.symlink_to(real)
    monkeypatch.setenv("HOME", str(home))
    for glob in ("~/work/", "~", f"{home}/work/*.py"):
        for root in (home / "work", real / "work"):
            path = root / "a.py"
            assert FilePolicy([root], [], [glob]).local_only(path.as_uri(), path), (glob, root)


class Ear(Bare):
    """Keeps all it is sent, and fails at every second question."""

    model = ""

    def __init__(self, name: str, host: str) -> None:
        self.name, self.host = name, host
        self.heard: list[str] = []
        self.asked = 0

    def _hear(self, prompt: Prompt) -> None:
        self.heard.append(prompt.prefix + prompt.suffix + "".join(piece.text for piece in prompt.context))

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self._hear(prompt)
        self.asked += 1
        if self.asked % 2 == 0:
            raise Unreachable("gone")
        await asyncio.sleep(0)
        yield Chunk(text="x", finish="stop")

    async def prepare(self, prompt: Prompt) -> bool:
        self._hear(prompt)
        return True


def text_of(name: str) -> str:
    """Words that only this document has, and names that all share, so that each would be context for the others."""
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
def test_no_way_that_sends_takes_it_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, steps: list[tuple[str, str]], far_first: bool
) -> None:
    far, near = Ear("far", "far.example"), Ear("near", "127.0.0.1:8012")
    order: tuple[Backend, ...] = (far, near) if far_first else (near, far)
    monkeypatch.setattr(
        backend_manager, "create_backends", lambda *_: BackendSet(backends=order, owned=(), made_from=())
    )
    monkeypatch.setattr(BackendSet, "matches", lambda *_: True)
    asyncio.run(_drive(tmp_path, steps))
    for name in ("hidden1", "hidden2"):
        assert not [heard for heard in far.heard if f"{name}_marker" in heard]


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
