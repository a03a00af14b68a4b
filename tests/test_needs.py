"""What a system lacks fails no import of the tests, only skips those that need it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs

TESTS = Path(__file__).parent
POSIX_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
POSIX_NAMES = {
    "AF_UNIX", "SIGHUP", "SIGKILL", "SIGUSR1", "fork", "geteuid", "getuid", "killpg", "mkfifo", "openpty", "pthread_kill",
}  # fmt: skip
WORD = re.compile(rf"\b(?:{'|'.join(POSIX_MODULES | POSIX_NAMES)})\b")


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: everything but the bodies of functions."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in (*node.decorator_list, node.args):
                yield from ast.walk(part)
        elif not isinstance(node, ast.Lambda):
            yield from at_import(node)


def posix_only(source: str) -> list[str]:
    """What importing this would need of POSIX."""
    found = []
    for node in at_import(ast.parse(source)):
        match node:
            case ast.Import():
                found += [alias.name for alias in node.names if alias.name in POSIX_MODULES]
            case ast.ImportFrom() if node.module in POSIX_MODULES:
                found.append(node.module)
            case ast.Attribute() if node.attr in POSIX_NAMES:
                found.append(node.attr)
    return found


def test_every_module_of_the_tests_can_be_imported_on_windows() -> None:
    found = {}
    for path in TESTS.rglob("*.py"):
        place, source = path.relative_to(TESTS), path.read_text("utf-8")
        if place.parts[0] != "editors" and place.name not in ("watched.py", "process.py") and WORD.search(source):
            found[str(place)] = posix_only(source)
    assert {place: names for place, names in found.items() if names} == {}
    assert "cli/terminal.py" in {Path(place).as_posix() for place in found}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import pty", ["pty"]),
        ("if x:\n    from pwd import getpwuid", ["pwd"]),
        ("@mark([os.mkfifo])\ndef test(): ...", ["mkfifo"]),
        ("class Test:\n    kind = socket.AF_UNIX", ["AF_UNIX"]),
        ("def test(kind=socket.AF_UNIX): ...", ["AF_UNIX"]),
        ("def test():\n    import pty\n    os.mkfifo('a')", []),
        ("make = lambda: os.mkfifo('a')", []),
    ],
)
def test_what_an_import_needs(source: str, names: list[str]) -> None:
    assert posix_only(source) == names


def test_what_a_system_lacks_skips_the_test_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.mkfifo", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no named pipes"):
        needs.make_fifo(tmp_path / "fifo")
    monkeypatch.setattr(needs, "_ENDLESS", tmp_path / "nothing")
    with pytest.raises(pytest.skip.Exception, match="no /dev/zero"):
        needs.link_to_endless_device(tmp_path / "link")


def test_a_test_waits_until_what_it_needs_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = tmp_path / "editors.ended"
    monkeypatch.setattr(needs, "_WAITS_FOR", str(ended))
    monkeypatch.setattr(needs.time, "sleep", lambda _seconds: ended.write_text("0\n"))
    needs.wait_for_programs()
    assert ended.exists()
    needs.wait_for_programs()


def test_a_test_fails_if_what_it_needs_was_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = tmp_path / "editors.ended"
    monkeypatch.setattr(needs, "_WAITS_FOR", str(ended))
    monkeypatch.setattr(needs, "_UNTIL", 0.0)
    with pytest.raises(pytest.fail.Exception, match=r"there is no .*editors\.ended"):
        needs.wait_for_programs()
    ended.write_text("100\n")
    with pytest.raises(pytest.fail.Exception, match="exit code 100"):
        needs.wait_for_programs()
