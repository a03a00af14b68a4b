"""Globs match exactly like git's, and in time that grows linearly with the text."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from fim_lsp.workspace import globs
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.globs import Globs, IgnoreRules, Match, parse_rules
from fim_lsp.workspace.ignore_files import IgnoreFiles
from tests.interpreter_steps import steps

PIECES = (
    "a", "b", "A", "*", "**", "***", "?", "/", "/", "/", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[!]a]", "[[:alpha:]]",
    "[[:upper:]b]", "[[:space:]]", "[[:punct:]]", "[[:print:]]", "[[:cntrl:]]", "[[:alpha:][:digit:]]", "[[:x:]]", "[[:", "[:a:]",
    "[z-a]", "[a", "[a\\]]", "[a-]", "[--a]", "[a/b]", "[\\a-b]", "[[.]", "[é]", "é", "\\", "\\a", "\\*", "\\[", "\\ ", "\\#",
    "\\!", " ", "!", "#", "[", "]", "-", "^", "~", ".", "\x0b",
)  # fmt: skip
NAMES = (
    "a", "b", "ab", "A", "a b", "!a", "#a", "[", "]", "a]", "-", "é", "b\\", "*a", "a.b", ".a", "a ", "~", "^", "\x0b", "a-b",
    "B1",
)  # fmt: skip
ENDS = ("", "", "", "", "", " ", "  ", "\\ ", "\\  ", "\r", "\t", "\0x")


def pattern_file(chance: random.Random) -> str:
    lines = []
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        line = "".join(chance.choices(PIECES, k=chance.randint(1, 7)))
        lines.append("!" * (chance.random() < 0.25) + line + "/" * (chance.random() < 0.2) + chance.choice(ENDS))
    if chance.random() < 0.4:
        lines.insert(0, chance.choice(("*", "/*", "**/b", "a")))
    return "\ufeff" * (chance.random() < 0.05) + "\n".join(lines) + chance.choice(("", "\n"))


def some_paths(chance: random.Random, base: Path, count: int) -> list[Path]:
    """Random paths, some of which are created as folders."""
    found = []
    for _ in range(count):
        path = base.joinpath(
            *("".join(chance.choices(NAMES, k=chance.choice((1, 1, 2)))) for _ in range(chance.randint(1, 5)))
        )
        if chance.random() < 0.4:
            path.mkdir(parents=True, exist_ok=True)
        found.append(path)
    return found


def ignored_by_git(root: Path, paths: list[Path]) -> list[bool]:
    asked = "".join(f"{path.relative_to(root)}\0" for path in paths)
    git = ["git", "-c", "core.ignorecase=false", "check-ignore", "--no-index", "--stdin", "-z", "-v", "-n"]
    done = subprocess.run(git, cwd=root, input=asked.encode(), capture_output=True, check=False)
    fields = done.stdout.decode().split("\0")[:-1]
    assert fields[3::4] == [str(path.relative_to(root)) for path in paths], done.stderr
    return [bool(pattern) and not pattern.startswith("!") for pattern in fields[2::4]]


@pytest.mark.parametrize("seed", range(4))
def test_globs_match_like_git(tmp_path: Path, seed: int) -> None:
    """Each folder has its own ignore file; a single git process checks all of them."""
    chance = random.Random(seed)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    paths: list[Path] = []
    for number in range(250):
        folder = tmp_path / f"case{number}"
        folder.mkdir()
        (folder / ".gitignore").write_bytes(pattern_file(chance).encode())
        paths += some_paths(chance, folder, 12)
    ignores = IgnoreFiles((tmp_path,))
    wrong = [
        (
            path.relative_to(tmp_path),
            (tmp_path / path.relative_to(tmp_path).parts[0] / ".gitignore").read_bytes(),
            expected,
        )
        for path, expected in zip(paths, ignored_by_git(tmp_path, paths), strict=True)
        if ignores.is_ignored(path, folder=path.is_dir()) != expected
    ]
    assert not wrong[:5]


@pytest.mark.parametrize("seed", range(3))
def test_nested_ignore_files_match_like_git(tmp_path: Path, seed: int) -> None:
    """An ignore file in each folder on the way: the nearest one that mentions a path decides."""
    chance = random.Random(100 + seed)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    paths: list[Path] = []
    for number in range(60):
        for folder in (tmp_path / f"case{number}", tmp_path / f"case{number}/a", tmp_path / f"case{number}/a/b"):
            folder.mkdir(parents=True)
            simple = chance.choices(("*", "!*", "a", "!a", "/b", "!/b", "a/", "!a/", "b/**", "!b", "*.b", "!a/b"), k=2)
            (folder / ".gitignore").write_text("\n".join(simple))
            paths += [folder / name for name in ("a", "b", "a.b", "a/b", "b/a", "b/a/a", "a/b/a.b")]
    ignores = IgnoreFiles((tmp_path,))
    ours = [ignores.is_ignored(path, folder=path.is_dir()) for path in paths]
    assert ours == ignored_by_git(tmp_path, paths)
    assert 0.1 < sum(ours) / len(ours) < 0.9


@pytest.mark.parametrize("glob", ["?" * (1 << 20), "\\" * (1 << 20), "a" * (globs.MAX_GLOB_LENGTH + 1), "*a" * 3_000])
def test_a_glob_that_is_too_long_matches_everything_or_re_includes_nothing(glob: str) -> None:
    for lines in ([glob], [glob, "!*"]):
        assert IgnoreRules(lines).match("a.py", folder=False) is Match.IGNORED
        assert not FilePolicy([Path("/w")], lines).may_send("file:///w/a.py", Path("/w/a.py"))
    assert IgnoreRules([f"!{glob}", "#" + glob]).match("a.py", folder=False) is Match.NONE
    assert IgnoreRules(["*.py", f"!{glob}"]).match("a.py", folder=False) is Match.IGNORED


def test_too_many_globs_and_a_path_that_is_too_long_match_everything() -> None:
    many = [f"x{number}" for number in range(globs.MAX_RULES + 1)]
    assert IgnoreRules([*many, "!*"]).match("a.py", folder=False) is Match.IGNORED
    assert IgnoreRules(many[:-1]).match("a.py", folder=False) is Match.NONE
    assert IgnoreRules(["x"]).match("a/" * 20_000 + "a", folder=False) is Match.IGNORED
    wild = ["[ab]?" * 500] * 1_000  # each character of a path costs a million states
    assert IgnoreRules(wild).match("a" * 1_000, folder=False) is Match.IGNORED
    assert not FilePolicy([Path("/w")], ["x"]).may_send("file:///w/" + "a/" * 20_000, None)


ADVERSARIAL = {
    "**/a/": lambda size: ("**/a/" * size + "b", "a/" * (9 * size) + "c"),
    "a star each": lambda size: ("*a" * size + "*b", "a" * (20 * size)),
    "?": lambda size: ("?" * (60 * size), "a" * (60 * size)),
    "[!a]*[!b]*": lambda size: ("[!a]*[!b]*" * size, "abc" * (10 * size)),
    "[[[[": lambda size: ("[" * (60 * size), "[" * (60 * size)),
    "[[:": lambda size: ("[[:" * (20 * size), "[" * (60 * size)),
    "\\": lambda size: ("\\" * (60 * size), "\\" * (60 * size)),
    "**/": lambda size: ("**/" * (20 * size) + "b", "a/" * (20 * size) + "c"),
    "a/**": lambda size: ("a/**/" * (10 * size), "a/" * (20 * size) + "c"),
    "*": lambda size: ("*" * (60 * size) + "/b*", "a" * (60 * size)),
    "many folders": lambda size: ("**/a?/*b", "a/" * (30 * size) + "b"),
}


@pytest.mark.parametrize("kind", ADVERSARIAL)
@pytest.mark.parametrize("lenient", [False, True], ids=["ignore file", "setting"])
def test_the_work_grows_with_the_text(kind: str, lenient: bool) -> None:
    """Counts interpreter steps to compile and to match, for a pattern and a path of 1, 4 and 16 times the size."""

    def ask(pattern: str, path: str) -> None:
        found = parse_rules([(0, pattern)], comments=not lenient)
        assert found is not None
        compiled = Globs(found, fold=str.casefold if lenient else None)
        assert compiled.can_match(path)
        compiled.last(path, folder=False)
        compiled.levels(path, folder=False)

    counted = [steps(lambda size=size: ask(*ADVERSARIAL[kind](size))) for size in (1, 4, 16)]  # type: ignore[misc]
    assert counted[1] < 4.5 * counted[0]
    assert counted[2] < 4.5 * counted[1]


def test_a_pattern_that_once_took_forever_takes_a_few_thousand_steps() -> None:
    pattern, path = "**/a/" * 7 + "b", "a/" * 60 + "c"
    for asked in (IgnoreRules([pattern]), IgnoreRules([pattern] * 500)):
        assert steps(lambda asked=asked: asked.match(path, folder=False)) < 5_000  # type: ignore[misc]


def test_a_thousand_globs_cost_as_much_as_one() -> None:
    names = [f"src/part{number}/module.py" for number in range(50)]
    usual = ["node_modules/", "*.pyc", "/build/", "dist", ".venv/", "*.egg-info/", "docs/_build/", "*.log", "!keep.log"]
    counted = []
    for lines in (
        usual,
        [*usual, *(f"other{number}" for number in range(500)), *(f"*.x{number:03}" for number in range(500))],
    ):
        ignore_file = IgnoreRules(lines)
        counted.append(steps(lambda asked=ignore_file: [asked.match(name, folder=False) for name in names]))  # type: ignore[misc]
    assert counted[1] < 1.5 * counted[0]
