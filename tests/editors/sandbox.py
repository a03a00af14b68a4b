"""What a test of an editor runs in: a project, a terminal, the server behind a recorder, and a fake Codestral."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.editors.programs import ROOT
from tests.editors.terminal import Terminal
from tests.editors.waiting import until
from tests.editors.wire import Wire
from tests.fakes.codestral import FakeCodestral
from tests.fakes.replies import Body
from tests.lsp.forking import forked


def read(path: Path) -> bytes | None:
    """A file's content, or None if it does not exist, as for a moment while an editor replaces it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def writes(*texts: str) -> Callable[[Body], str]:
    """A model that wants to write one of these strings: it continues where the prompt ends, or answers nothing."""

    def answer(body: Body) -> str:
        for text in texts:
            for cut in range(len(text), 0, -1):
                if body["prompt"].endswith(text[:cut]):
                    return text[cut:]
        return ""

    return answer


def ideas(*texts: str) -> Callable[[Body], str]:
    """A model that wants to write the first of these, and another one where it is asked for alternatives."""
    return lambda body: writes(texts[body.get("random_seed") or 0])(body)


class Sandbox:
    """A home, a project and a back end of their own. ``logs`` are the editor's, shown when a test fails.

    ``is_forked``: servers start quickly, see :mod:`tests.lsp.forking`; for tests that end them, they are Pythons of their own.
    """

    def __init__(self, folder: Path, codestral: FakeCodestral, *, columns: int = 80, rows: int = 20) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir()
        (self.project / ".git").mkdir()
        self.codestral = codestral
        self.is_forked = True
        self.terminal = Terminal(folder, columns=columns, rows=rows)
        self.wire = Wire(folder / "wire.jsonl")
        self.logs: list[Path] = [folder / "server.log"]
        self.settings: dict[str, object] = {
            "backend": "codestral",
            "base_url": codestral.url,
            "api_key": "a-made-up-key",
            "fallback": [],
            "limits_store": "process",
        }

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.terminal.home

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file of the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def install(self) -> None:
        """Put ``fim-lsp`` on the editor's PATH, behind the recorder, and its settings into the user's config.toml."""
        config = self.home / ".config" / "fim-lsp" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items()))
        log = ["--log-file", str(self.logs[0]), "--log-level", "debug"]
        server = forked(log) if self.is_forked else [sys.executable, "-m", "fim_lsp", *log]
        recorder = [sys.executable, "-SE", str(Path(__file__).with_name("wire_recorder.py")), str(self.wire.path)]
        script = self.terminal.bin / "fim-lsp"
        quoted = " ".join(f"'{word}'" for word in [*recorder, *server])
        other = f'case "$1" in --version|[a-z]*) exec \'{sys.executable}\' -m fim_lsp "$@";; esac'  # not the server
        script.write_text(f"#!/bin/sh\nexport PYTHONPATH='{ROOT}'\n{other}\nexec {quoted}\n")
        script.chmod(0o755)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is true of the file, the wire or the back end."""
        await until(condition, lambda: f"{what}; the screen:\n{self.terminal.screen()}")

    async def file_is(self, path: Path, content: bytes) -> None:
        """Wait until a file on disk is exactly this."""
        await self.until(lambda: read(path) == content, f"{path.name} to be {content!r}")

    def evidence(self) -> Iterable[tuple[str, str]]:
        """What helps to understand a failed test; the screen is also saved beside the project."""
        try:
            screen = self.terminal.screen()
            (self.folder / "screen.ansi").write_text(self.terminal.coloured())
        except RuntimeError as error:
            screen = str(error)
        yield "screen", f"{screen}\n-------------------- files: {self.folder}"
        for log in self.logs:
            yield log.name, log.read_text(errors="replace")[-4000:] if log.exists() else "(none)"
        yield "wire", "\n".join(json.dumps(entry, ensure_ascii=False)[:600] for entry in self.wire.entries()[-40:])
