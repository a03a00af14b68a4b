"""Neovim: :FimLsp and :checkhealth, and what they say."""

from __future__ import annotations

import pytest

from tests.editors.cases import BEFORE, SUGGESTED
from tests.editors.neovim import Neovim, flat
from tests.editors.sandbox import Sandbox, read, writes
from tests.editors.wire import INLINE
from tests.fakes.codestral import Behaviour

_BUFFERS = (
    ("FimLsp", "demo.py gets suggestions from codestral. fim-lsp is idle (codestral"),
    ("FimLsp disable", "Ghost text is off in this buffer; `:FimLsp enable` turns it on."),
    ("FimLsp status", "Ghost text is off in this buffer; `:FimLsp enable` turns it on."),
    ("FimLsp toggle", "Ghost text is on in this buffer."),
    ("FimLsp! disable", "Ghost text is off everywhere; `:FimLsp! enable` turns it on."),
    ("FimLsp enable everywhere", "Ghost text is on everywhere."),
    ("FimLsp disable python", "Suggestions are off for python until you turn them on again."),
    ("FimLsp enable", "in this buffer. Suggestions are turned off for python; `:FimLsp language` turns them on."),
    ("FimLsp language", "Suggestions are on for python."),
    ("FimLsp snooze 30", "Snoozed until "),
    ("FimLsp", "Suggestions are snoozed until "),
    ("FimLsp snooze 0", "Suggestions are on."),
    ("FimLsp trigger manual", "only when you ask for one"),
    ("FimLsp trigger setting", "Suggestions are on."),
    ("FimLsp model some-model", "some-model on 127.0.0.1:"),
    ("FimLsp nonsense", "there is no command 'nonsense'"),
)


async def _says(neovim: Neovim, command: str, *sentences: str) -> None:
    """Run a command of normal mode and wait until these are on the screen, wrapped or not."""
    neovim.terminal.type(f":{command}\n")
    await neovim.terminal.wait_for(
        lambda screen: all(sentence in flat(screen) for sentence in sentences), "Press ENTER"
    )


async def test_each_command_says_what_holds_now(sandbox: Sandbox) -> None:
    neovim, terminal = Neovim(sandbox), sandbox.terminal
    await neovim.open(sandbox.file("demo.py", BEFORE), line=4)
    await neovim.normal_mode()
    for command, sentence in _BUFFERS:
        await _says(neovim, command, sentence)
    terminal.type(":FimLsp model\n")
    await terminal.wait_for("Model (now some-model):")
    terminal.type("another-one\n")
    await terminal.wait_for(lambda screen: "another-one on 127.0.0.1:" in flat(screen))
    await _says(neovim, "FimLsp model setting", "codestral-latest on 127.0.0.1:")
    sandbox.codestral.models = ["codestral-2508", "codestral-latest"]
    for number, now, chosen in (("1", "latest", "codestral-2508 on 127"), ("3", "2508", "codestral-latest on 127")):
        terminal.type(":FimLsp model\n")
        for shown in ("Model for this session:\n1: codestral-2508", f"-{now} (now)", "\n3: back to the setting"):
            await terminal.wait_for(shown)
        terminal.type(f"{number}\n")
        await terminal.wait_for(lambda screen, chosen=chosen: chosen in flat(screen), "Press ENTER")
    terminal.type(":FimLsp disable\n")
    await _says(
        neovim, "FimLsp why", "fim-lsp://why", "Ghost text is off in this buffer; `:FimLsp enable` turns it on."
    )
    terminal.type("q:FimLsp enable\n")
    for typed, completed in ((":FimLsp sno\t", ":FimLsp snooze"), (":FimLsp toggle ev\t", ":FimLsp toggle everywhere")):
        terminal.type(typed)
        await terminal.wait_for(completed)
        terminal.keys("C-c")
        await terminal.wait_for(lambda screen: ":FimLsp" not in screen)  # it also drops what was typed after it
    await neovim.quit()


@pytest.mark.parametrize("executable", ["nvim", "nvim-0.11"])
async def test_unnamed_untyped_renamed_and_retyped_buffers(sandbox: Sandbox, executable: str) -> None:
    sandbox.codestral.answer = writes("total = compute(alpha)")
    sandbox.file("demo.py", "\n")
    neovim, terminal = Neovim(sandbox, executable=executable), sandbox.terminal
    await neovim.open(sandbox.project / "demo.py")
    await neovim.normal_mode()
    terminal.type(":enew\n")
    await _says(neovim, "FimLsp why", "fim-lsp://why", "This buffer has no file type", "such as `:set filetype=python`")
    terminal.type("q:checkhealth fim_lsp\n:silent w! ../health.txt\n")
    report = sandbox.folder / "health.txt"
    await sandbox.until(lambda: b"[No Name]: This buffer has no file type" in (read(report) or b""), "the report")
    terminal.type(":bdelete\n:buffer #\n:enew\n:set filetype=python\n")
    await sandbox.until(lambda: len(neovim.wire.opened()) == 2, "the unnamed buffer to be opened")
    for command, typed in (("", "total = "), (":file other.py\n", "comp("), (":set filetype=lua\n", "x(")):
        terminal.type(f"{command}A")
        await terminal.wait_for("-- INSERT --")
        for letter in typed:
            terminal.type(letter)
        await _asked(neovim, executable)
        await neovim.normal_mode()
    opened = [message["params"]["textDocument"] for message in neovim.wire.sent("textDocument/didOpen")]
    assert [one["languageId"] for one in opened[-2:]] == ["python", "lua"]
    assert all(one["uri"].endswith("/other.py") for one in opened[-2:])
    terminal.type(":qa!\n")
    await terminal.ended()
    assert neovim.errors() == []


async def _asked(neovim: Neovim, executable: str) -> None:
    """Wait for a request about the document that was opened last."""
    method = INLINE if executable == "nvim" else "textDocument/completion"
    uri = neovim.wire.opened()[-1]

    def is_asked() -> bool:
        return any(one["params"]["textDocument"]["uri"] == uri for one in neovim.wire.sent(method))

    await neovim.sandbox.until(is_asked, "a request about the buffer under its name")
    await neovim.all_answered() if executable == "nvim" else None


async def test_ask_from_normal_mode_asks_after_the_cursor(sandbox: Sandbox) -> None:
    sandbox.settings["trigger"] = "manual"
    sandbox.codestral.answer = writes(SUGGESTED)
    neovim, terminal = Neovim(sandbox), sandbox.terminal
    path = sandbox.file("demo.py", f"{BEFORE}ret\n")
    await neovim.open(path, line=4)
    await neovim.normal_mode()
    terminal.type(":FimLsp ask\n")
    await terminal.wait_for(SUGGESTED)
    terminal.keys("Tab")
    await neovim.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await neovim.quit()


async def test_a_key_is_stored_and_tested_and_never_seen(sandbox: Sandbox) -> None:
    del sandbox.settings["api_key"]
    sandbox.codestral.answer = writes(SUGGESTED)
    sandbox.codestral.behaviour = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
    neovim, terminal = Neovim(sandbox), sandbox.terminal
    await neovim.open(sandbox.file("demo.py", BEFORE), line=4)
    await neovim.normal_mode()
    terminal.type(":FimLsp key\n")
    await terminal.wait_for(lambda screen: "Which service is the key for?" in screen and "3: langdock" in screen)
    terminal.type("q\n")
    for typed, said in (("wrong-key-1", "refuses"), ("secret-key-2", "accepts it")):
        terminal.type(f":FimLsp key {sandbox.codestral.url}\n")
        await terminal.wait_for("API key for http://127.0.0.1")
        terminal.type(typed)
        await terminal.wait_for("*" * len(typed), typed)
        terminal.type("\n")
        await terminal.wait_for(lambda screen, said=said: said in flat(screen), typed)
        sandbox.codestral.behaviour = Behaviour()
    terminal.type("Aret")
    await terminal.wait_for(SUGGESTED)
    assert "secret-key-2" in (sandbox.home / ".config" / "fim-lsp" / "keys.json").read_text()
    assert b"-key-" not in sandbox.wire.path.read_bytes() + neovim.log.read_bytes()
    await neovim.quit()


async def test_messages_that_were_cut_are_whole_in_why_and_checkhealth(sandbox: Sandbox) -> None:
    sandbox.settings["max_tokens"] = "a-value-that-is-not-a-number"
    sandbox.codestral.behaviour = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
    neovim, terminal = Neovim(sandbox), sandbox.terminal
    await neovim.open(sandbox.file("demo.py", BEFORE), line=4)
    terminal.type("alpha")
    await terminal.wait_for(lambda screen: "refuses the key (401): run `:FimLsp key http" in flat(screen))
    await neovim.normal_mode()
    terminal.type(":FimLsp why\n")
    await terminal.wait_for("fim-lsp://why")
    terminal.type(":silent w! ../why.txt\nq:checkhealth fim_lsp\n:silent w! ../health.txt\n")
    for name in ("why.txt", "health.txt"):
        file = sandbox.folder / name
        await sandbox.until(
            lambda file=file: b"Messages" in (read(file) or b"").replace(b"messages", b"Messages"), name
        )
        text = flat(file.read_text())
        assert "the refused key is from the setting api_key" in text
        assert text.count("max_tokens") >= 2, "among the messages, and among what the server knows"
    await neovim.quit()
