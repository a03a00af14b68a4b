"""VS Code with the packaged extension, once for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.editors.vscode.code_server import CodeServer, Editor, Installation, browser
from tests.editors.vscode.manifest import EXTENSION
from tests.editors.vscode.sandbox import Sandbox
from tests.fakes.codestral import Behaviour, FakeCodestral

# Each worker would start a VS Code of its own: `pytest -n 0 tests/editors/vscode` runs these.
collect_ignore_glob = ["test_*.py"] if "PYTEST_XDIST_WORKER" in os.environ else []

_FAILED = pytest.StashKey[bool]()
_HOW = "tests/editors/vscode/install.sh .cache/editors"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def code_server() -> Installation:
    """What ``install.sh`` has put where ``FIM_LSP_TEST_EDITORS`` says, or into ``.cache/editors``."""
    named = os.environ.get("FIM_LSP_TEST_EDITORS")
    folder = (Path(named) if named else EXTENSION.parents[1] / ".cache" / "editors") / "vscode"
    chromium = shutil.which("chromium")
    if not all((folder / part).exists() for part in ("installed", "uv/bin/uv")):
        pytest.skip(f"no code-server in {folder}: {_HOW}")
    if not chromium:
        pytest.skip(f"no chromium on PATH: {_HOW}")
    sys.path.append(str(folder / "python"))
    return Installation(folder=folder, chromium=chromium)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the extension's sources beside what builds them, so that building leaves the repository as it is. It lies in a
    clone, as far as the package needs one.
    """
    if not (EXTENSION / "node_modules" / "typescript").exists() or not shutil.which("npm"):
        pytest.skip(f"no npm, or nothing in editors/vscode/node_modules: {_HOW}")
    clone = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "README.md", "LICENSE", "fim_lsp"):
        (clone / name).symlink_to(EXTENSION.parents[1] / name)
    folder = clone / "editors" / "vscode"
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "server", "*.vsix"))
    (folder / "node_modules").symlink_to(EXTENSION / "node_modules")
    return folder


@pytest.fixture(scope="session")
def vsix(workshop: Path) -> Path:
    """The extension, checked and packaged."""
    done = subprocess.run(["npm", "run", "package"], cwd=workshop, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return workshop / "dist" / "fim-lsp.vsix"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(code_server: Installation) -> AsyncIterator[Any]:
    """A running Chromium."""
    async with browser(code_server) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(
    code_server: Installation, chromium: Any, vsix: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sandbox]:
    pictures = os.environ.get("FIM_LSP_TEST_PICTURES")
    running = CodeServer(code_server, tmp_path_factory.mktemp("code-server"))
    async with FakeCodestral() as fake, FakeCodestral() as thief:
        running.configure(backend="codestral", base_url=fake.url, limits_store="process", fallback=[])
        running.project_brings(base_url=thief.url, command=["touch", str(running.home / "ran")], max_tokens=77)
        first = running.workspace / "first.py"
        first.write_text("import os\n")
        await running.install(vsix)
        await running.start()
        try:
            page = await chromium.new_page(viewport={"width": 900, "height": 480})
            editor = Editor(running, page)
            await editor.load(first)
            where = Path(pictures) if pictures else None
            yield Sandbox(code_server=running, editor=editor, fake=fake, thief=thief, pictures=where)
            await page.close()
        finally:
            await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox(opened: Sandbox, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """VS Code as the previous test has left it, with a back end that has not been asked yet."""
    if not opened.code_server.running:  # the test of closing came first
        await opened.code_server.start()
        await opened.new_server(lambda: opened.editor.load(opened.code_server.workspace / "first.py"))
    await opened.all_answered()  # VS Code asks again after what the last test has accepted
    opened.fake.behaviour = Behaviour()
    opened.fake.next.clear()
    opened.fake.requests.clear()
    yield opened
    if request.node.stash.get(_FAILED, False):
        await opened.editor.artifacts(tmp_path / "artifacts")
