"""What every editor in a terminal does alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.editors.cases import ACCEPTED, BEFORE, SUGGESTED
from tests.editors.driver import Editor
from tests.editors.emacs import WAYS, Emacs
from tests.editors.helix import Helix
from tests.editors.neovim import Neovim
from tests.editors.sandbox import Sandbox, writes
from tests.editors.wire import INLINE
from tests.fakes.codestral import Behaviour

GHOST_TEXT: dict[str, Callable[[Sandbox], Editor]] = {
    "neovim": Neovim,
    **{f"emacs {way}": lambda sandbox, config=config: Emacs(sandbox, config) for way, config in WAYS.items()},
}
EDITORS = {**GHOST_TEXT, "helix": Helix}


@pytest.fixture(params=EDITORS)
def editor(sandbox: Sandbox, request: pytest.FixtureRequest) -> Editor:
    """Each editor, and Emacs in each way to use it."""
    return EDITORS[request.param](sandbox)


@pytest.fixture(params=GHOST_TEXT)
def ghost_text_editor(sandbox: Sandbox, request: pytest.FixtureRequest) -> Editor:
    """Each that shows ghost text: Helix has a menu."""
    return GHOST_TEXT[request.param](sandbox)


async def test_accepting_puts_exactly_the_right_text_into_the_file(editor: Editor) -> None:
    for number, case in enumerate(ACCEPTED):
        editor.codestral.answer = writes(case.wants)
        path = await editor.open_at(case, number=number)
        editor.terminal.type(case.typed)
        await editor.accept(case.shown)
        await editor.save_as(path, case.expected)
    await editor.quit()


async def test_typing_what_is_shown_keeps_it_without_a_call_and_an_empty_answer_leaves_nothing(
    ghost_text_editor: Editor,
) -> None:
    editor = ghost_text_editor
    path = await editor.open_with_suggestion()
    asked = len(editor.wire.sent(INLINE))
    typed = "    ret"
    for letter in "urn fib(n - 1)":
        editor.terminal.type(letter)
        typed += letter
        await editor.wait_for_cursor_after(typed)
        await editor.terminal.wait_for(SUGGESTED)
    await editor.all_answered()
    assert len(editor.codestral.requests) == 1
    if isinstance(editor, Emacs) and editor.own_client:
        assert len(editor.wire.sent(INLINE)) == asked, "what is on the screen is not asked for"
    await editor.type_and_wait(" == 1")
    await editor.terminal.wait_for(
        lambda screen: f"{typed} == 1".strip() in [line.strip() for line in screen.split("\n")]
    )
    await editor.save_as(path, f"{BEFORE}return fib(n - 1) == 1\n".encode())
    await editor.quit()


# What an editor does with the server's message does not depend on what it says: the other failures need one editor only.
FAILURES = {
    "refuses the key (401)": Behaviour(status=401, raw=b'{"detail":"Unauthorized"}'),
    "(429)": Behaviour(status=429, raw=b'{"message":"Requests rate limit exceeded"}', headers={"Retry-After": "60"}),
    "nothing listens there": Behaviour(),
}


_REFUSED, *_OTHERS = FAILURES


@pytest.mark.parametrize(
    ("name", "failure"), [*[(name, _REFUSED) for name in EDITORS], *[("neovim", each) for each in _OTHERS]]
)
async def test_a_failure_is_reported_once_and_never_in_the_way(sandbox: Sandbox, name: str, failure: str) -> None:
    editor = EDITORS[name](sandbox)
    if failure == "nothing listens there":
        sandbox.settings["base_url"] = "http://127.0.0.1:9"  # the discard port, where nothing listens
    sandbox.codestral.behaviour = FAILURES[failure]
    path = sandbox.file("demo.py", BEFORE.rstrip(" ") + "\n")
    await editor.open(path, line=4)
    editor.terminal.type("alpha = ")
    await sandbox.until(editor.wire.notices, "a message")
    assert failure in editor.wire.notices()[0]
    await editor.terminal.wait_for(lambda screen: failure in screen.replace("\\\n", ""))
    for word in ("beta ", "+ gamma ", "+ delta ", "+ epsilon "):
        await editor.type_and_wait(word)
        await editor.terminal.wait_for(word.strip(), "Press ENTER", " text")
    assert len(set(editor.wire.notices())) == 1
    assert len(editor.wire.notices()) <= (2 if isinstance(editor, Helix) else 1)  # a key of Helix erases it: once more
    await editor.save()
    await editor.terminal.wait_for(lambda screen: failure not in screen)
    await sandbox.file_is(path, f"{BEFORE.rstrip(' ')}alpha = beta + gamma + delta + epsilon \n".encode())
    await editor.quit()


async def test_a_fast_typist_makes_one_call_and_killing_the_editor_leaves_no_server(ghost_text_editor: Editor) -> None:
    editor = ghost_text_editor
    editor.codestral.answer = writes(SUGGESTED)
    await editor.open(editor.sandbox.file("demo.py", BEFORE + "\n"), line=4)
    for letter in "return fib(n - 1)":
        editor.terminal.type(letter)
    await editor.terminal.wait_for(SUGGESTED)
    await editor.all_answered()
    assert len(editor.codestral.requests) == 1
    editor.terminal.kill(editor.process_name)
    await editor.terminal.ended()
