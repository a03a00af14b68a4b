"""Globs: the same answers as git's own, one language for settings and ignore files, and work that grows with the text."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from fim_lsp.workspace import globs
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.globs import Globs, IgnoreFile, rules
from fim_lsp.workspace.ignore_files import IgnoreFiles
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES
from tests.text.test_cost import steps

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
    """Some of them are folders; a part of one may be a file's name in another."""
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
def test_the_same_answers_as_git(tmp_path: Path, seed: int) -> None:
    """Each folder has an ignore file of its own; one process of git judges all of them."""
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
def test_the_same_answers_as_git_of_nested_files(tmp_path: Path, seed: int) -> None:
    """An ignore file in each folder on the way: the nearest that speaks of a path decides."""
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


# The glob, the path, and whether it is matched by `exclude`, by `local_only`, and as a line of an ignore file in /w.
# The workspace is /w, home is /home/me; files elsewhere are nothing to an ignore file of the workspace.
TABLE = [
    # names and folders
    ("secret.py", "/w/secret.py", True, True, True),
    ("secret.py", "/w/deep/er/secret.py", True, True, True),
    ("secret", "/w/secret/deep/a.py", True, True, True),
    ("secret/", "/w/secret/deep/a.py", True, True, True),
    ("secret/", "/w/a/secret/a.py", True, True, True),
    ("secret/", "/w/secret", True, True, False),  # a document's name may be a folder's
    ("secret/", "/elsewhere/secret/a.py", True, True, None),
    ("secret", "/w/secretary/a.py", False, False, False),
    # anchored
    ("/secret", "/w/secret/a.py", True, True, True),
    ("/secret", "/w/a/secret/a.py", False, False, False),
    ("a/secret", "/w/a/secret/x.py", True, True, True),
    ("a/secret", "/w/b/a/secret/x.py", False, False, False),
    # stars
    ("*.sql", "/w/a/b.sql", True, True, True),
    ("*", "/w/a.py", True, True, True),
    ("/*", "/w/a/b.py", True, True, True),
    ("*/b.py", "/w/a/b.py", True, True, True),
    ("*/b.py", "/w/a/c/b.py", False, False, False),
    ("**/b.py", "/w/a/c/b.py", True, True, True),
    ("**/b.py", "/w/b.py", True, True, True),
    ("a/**", "/w/a/c/b.py", True, True, True),
    ("a/**/b.py", "/w/a/b.py", True, True, True),
    ("a/**/b.py", "/w/a/c/d/b.py", True, True, True),
    ("a/**/b.py", "/w/b/a/c/b.py", False, False, False),
    ("?.py", "/w/a.py", True, True, True),
    ("?.py", "/w/ab.py", False, False, False),
    ("?.py", "/w/é.py", True, True, False),  # to git it is two bytes
    # brackets and escapes
    ("[ab].py", "/w/b.py", True, True, True),
    ("[!ab].py", "/w/b.py", False, False, False),
    ("[^ab].py", "/w/c.py", True, True, True),
    ("[[:digit:]].py", "/w/7.py", True, True, True),
    ("[a-c][]-]x", "/w/b]x", True, True, True),
    ("a[b", "/w/a[b", True, True, False),  # nothing to git, a character to us
    ("a[b*", "/w/a[bc", True, True, False),
    ("x\\", "/w/x\\", True, True, False),
    ("[z-a].py", "/w/[z-a].py", True, True, False),
    ("\\*.py", "/w/*.py", True, True, True),
    ("\\*.py", "/w/a.py", False, False, False),
    # spaces, marks
    ("a b.py", "/w/a b.py", True, True, True),
    ("a.py  ", "/w/a.py", True, True, True),
    ("a.py\\ ", "/w/a.py ", True, True, True),
    ("a.py\\ ", "/w/a.py", False, False, False),
    (" a.py", "/w/a.py", False, False, False),
    ("#a.py", "/w/#a.py", True, True, False),  # a comment of a file, a name in a list
    ("\\#a.py", "/w/#a.py", True, True, True),
    ("\\!a.py", "/w/!a.py", True, True, True),
    # letting through, in the order of the lines
    ("*.py\n!a.py", "/w/a.py", False, False, False),
    ("!a.py\n*.py", "/w/a.py", True, True, True),
    ("*.py\n!a.py", "/w/deep/a.py", False, False, False),
    ("deep/\n!deep/a.py", "/w/deep/a.py", True, True, True),
    ("deep/*\n!deep/a.py", "/w/deep/a.py", False, False, False),
    ("*.py\n![a.py", "/w/[a.py", True, True, True),  # what is invalid lets nothing through
    ("/*\n!/src/", "/w/src/a.py", True, True, False),  # a setting's /* is the whole file system too
    ("/w/*\n!/w/src/", "/w/src/a.py", False, False, False),
    ("*.py\n!/w/a.py", "/w/a.py", False, None, True),
    ("*.py\n!~/a.py", "/home/me/a.py", False, False, None),
    # case
    ("*.PEM", "/w/a.pem", True, True, False),
    ("*.pem", "/w/A.PEM", True, True, False),
    ("[A-C].py", "/w/b.py", True, True, False),
    ("[[:upper:]].py", "/w/b.py", True, True, False),
    ("STRASSE", "/w/straße", True, True, False),
    ("stra?e", "/w/STRAßE", True, True, False),
    ("café/", "/w/cafe\u0301/a.py", True, True, False),
    # the file system
    ("/w/secret/", "/w/secret/a.py", True, True, False),
    ("/w/", "/w/a.py", True, True, False),
    ("/", "/w/a.py", False, False, False),
    ("/**", "/w/a.py", True, True, True),
    ("/elsewhere/", "/elsewhere/deep/a.py", True, True, None),
    ("/elsewhere/*/a.py", "/elsewhere/deep/a.py", True, True, None),
    ("/elsewhere/*/a.py", "/elsewhere/very/deep/a.py", False, False, None),
    ("/ELSEWHERE/../Elsewhere/x", "/elsewhere/x/a.py", True, True, None),
    ("/else\\where/x y/", "/elsewhere/x y/a.py", True, True, None),
    # home
    ("~", "/home/me/a.py", True, True, None),
    ("~/", "/home/me/a.py", True, True, None),
    ("~/work/", "/home/me/work/deep/a.py", True, True, None),
    ("~/work", "/home/me/work/a.py", True, True, None),
    ("~/work/**", "/home/me/work/deep/a.py", True, True, None),
    ("~/w*/", "/home/me/work/a.py", True, True, None),
    ("~/W*/", "/home/me/work/a.py", True, True, None),
    ("~/**/a.py", "/home/me/deep/er/a.py", True, True, None),
    ("~/*.py", "/home/me/a.py", True, True, None),
    ("~/work/", "/home/you/work/a.py", False, False, None),
    ("~/work/", "/home/me/workshop/a.py", False, False, None),
    ("~/work/", "/w/work/a.py", False, False, False),
    ("\\~/work/", "/w/~/work/a.py", True, True, True),
    ("~*.py", "/w/~a.py", True, True, True),
    ("~$*", "/w/~$a.doc", True, True, True),
    ("a~", "/w/a~", True, True, True),
    ("~nobody-has-this-name/", "/w/a.py", True, True, False),  # who knows where it is
    ("\\~nobody-has-this-name/", "/w/a.py", False, False, False),
]  # fmt: skip


@pytest.mark.parametrize(("glob", "name", "excluded", "local", "ignored"), TABLE)
def test_one_language(
    glob: str, name: str, excluded: bool, local: bool | None, ignored: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    path, w = Path(name), Path("/w")
    lines = glob.split("\n")
    for entries in (lines, [glob]):
        assert FilePolicy([w], entries).may_send(path.as_uri(), path) is not excluded
        if not set("#\\!") & set(name):  # which mean something in URIs
            assert FilePolicy([w], entries).may_send(f"git:{path}?ref", None) is not excluded
        if local is not None:
            assert FilePolicy([w], [], entries).local_only(path.as_uri(), path) is local
    if ignored is not None:
        ignore_file = IgnoreFile(lines)
        levels = [place.relative_to(w).as_posix() for place in (*reversed(path.parents), path) if w in place.parents]
        found = [ignore_file.verdict(level, folder=level != levels[-1]) for level in levels]
        assert any(verdict is True for verdict in found) is ignored


@pytest.mark.parametrize(
    "uri", ["untitled:secret.py", "inmemory://model/secret.py", "secret.py", "untitled:a/secret.py"]
)
def test_a_name_counts_wherever_the_document_is(uri: str) -> None:
    assert not FilePolicy([Path("/w")], ["secret.py"]).may_send(uri, None)
    assert FilePolicy([], [], ["SECRET.*"]).local_only(uri, None)
    assert FilePolicy([Path("/w")], ["/w/", "~/"]).may_send(uri, None)


@pytest.mark.parametrize("glob", ["~", "~/work/", "~/w*/", "~/**", "~nobody-has-this-name/x"])
@pytest.mark.parametrize("home", ["", "not/absolute"])
def test_without_a_home_its_globs_match_everything(glob: str, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    for globs_ in ([glob], [glob, "!*"]):
        assert not FilePolicy([Path("/w")], globs_).may_send("file:///w/a.py", Path("/w/a.py"))
        assert not FilePolicy([Path("/w")], globs_).may_index(Path("/w/a.py"))
        assert FilePolicy([Path("/w")], [], globs_).local_only("file:///w/a.py", Path("/w/a.py"))
    kept = FilePolicy([Path("/w")], ["*.py", f"!{glob}"])
    assert not kept.may_send("file:///w/a.py", Path("/w/a.py"))


@pytest.mark.parametrize("glob", ["~/work/", "~/work", "~/work/**", "~/wo*/", "{home}/work/*", "{home}/work/"])
def test_places_of_the_file_system_hold_through_links(
    tmp_path: Path, glob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As document, for the index and for imports, in the workspace and outside of it."""
    real, home = tmp_path / "data/[me]", tmp_path / "me"
    (real / "work").mkdir(parents=True)
    (real / "work/a.py").write_text("x")
    home.symlink_to(real)
    monkeypatch.setenv("HOME", str(home))
    glob = glob.format(home=home)
    for place in (home, real):
        path = place / "work/a.py"
        for roots in ([], [place], [place / "work"], [tmp_path]):
            assert not FilePolicy(roots, [glob]).may_send(path.as_uri(), path), (place, roots)
            assert FilePolicy(roots, [], [glob]).local_only(path.as_uri(), path), (place, roots)
            assert not FilePolicy(roots, [glob]).may_index(path)
            assert not FilePolicy(roots, [glob]).may_import(path)
            assert FilePolicy(roots, ["~/other/"]).may_send(path.as_uri(), path)
    assert FilePolicy([home], ["~/other/"]).may_index(home / "work/a.py")


@pytest.mark.parametrize("root", ["/home/me/.ssh", "/home/me/.ssh/deep", "/home/me"])
@pytest.mark.parametrize("scheme", ["file://", "git:", "vscode-remote://host"])
def test_a_workspace_in_a_folder_that_is_named_is_in_it(root: str, scheme: str) -> None:
    path = Path("/home/me/.ssh/deep/config")
    assert not FilePolicy([Path(root)], DEFAULT_EXCLUDES).may_send(
        f"{scheme}{path}", path if scheme == "file://" else None
    )
    assert FilePolicy([Path(root)], [], [".ssh/"]).local_only(f"{scheme}{path}", path if scheme == "file://" else None)


def test_a_file_in_two_of_the_workspaces_folders_is_seen_from_both() -> None:
    path = Path("/w/inner/private/a.py")
    for roots in (["/w", "/w/inner"], ["/w/inner", "/w"]):
        assert not FilePolicy(list(map(Path, roots)), ["/private/"]).may_send(path.as_uri(), path)


# -- bounds


@pytest.mark.parametrize("glob", ["?" * (1 << 20), "\\" * (1 << 20), "a" * (globs.MAX_LENGTH + 1), "*a" * 3_000])
def test_a_glob_that_is_too_long_matches_everything_or_lets_nothing_through(glob: str) -> None:
    for lines in ([glob], [glob, "!*"]):
        assert IgnoreFile(lines).verdict("a.py", folder=False) is True
        assert not FilePolicy([Path("/w")], lines).may_send("file:///w/a.py", Path("/w/a.py"))
    assert IgnoreFile([f"!{glob}", "#" + glob]).verdict("a.py", folder=False) is None
    assert IgnoreFile(["*.py", f"!{glob}"]).verdict("a.py", folder=False) is True


def test_too_many_globs_and_a_path_too_long_match_everything() -> None:
    many = [f"x{number}" for number in range(globs.MAX_RULES + 1)]
    assert IgnoreFile([*many, "!*"]).verdict("a.py", folder=False) is True
    assert IgnoreFile(many[:-1]).verdict("a.py", folder=False) is None
    assert IgnoreFile(["x"]).verdict("a/" * 20_000 + "a", folder=False) is True
    wild = ["[ab]?" * 500] * 1_000  # each character of a path costs a million states
    assert IgnoreFile(wild).verdict("a" * 1_000, folder=False) is True
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
    """Steps of the interpreter, to compile and to ask, for pattern and path of 1, 4 and 16 times the size."""

    def ask(pattern: str, path: str) -> None:
        found = rules([(0, pattern)], comments=not lenient)
        assert found is not None
        compiled = Globs(found, fold=str.casefold if lenient else None)
        assert compiled.fits(path)
        compiled.last(path, folder=False)
        compiled.levels(path, folder=False)

    counted = [steps(lambda size=size: ask(*ADVERSARIAL[kind](size))) for size in (1, 4, 16)]  # type: ignore[misc]
    assert counted[1] < 4.5 * counted[0]
    assert counted[2] < 4.5 * counted[1]


def test_the_pattern_that_froze_us_is_asked_in_some_thousand_steps() -> None:
    pattern, path = "**/a/" * 7 + "b", "a/" * 60 + "c"
    for asked in (IgnoreFile([pattern]), IgnoreFile([pattern] * 500)):
        assert steps(lambda asked=asked: asked.verdict(path, folder=False)) < 5_000  # type: ignore[misc]


def test_a_thousand_globs_cost_what_one_does() -> None:
    names = [f"src/part{number}/module.py" for number in range(50)]
    usual = ["node_modules/", "*.pyc", "/build/", "dist", ".venv/", "*.egg-info/", "docs/_build/", "*.log", "!keep.log"]
    counted = []
    for lines in (
        usual,
        [*usual, *(f"other{number}" for number in range(500)), *(f"*.x{number:03}" for number in range(500))],
    ):
        ignore_file = IgnoreFile(lines)
        counted.append(steps(lambda asked=ignore_file: [asked.verdict(name, folder=False) for name in names]))  # type: ignore[misc]
    assert counted[1] < 1.5 * counted[0]


def test_the_safe_list_lets_through_what_it_says() -> None:
    assert FilePolicy([Path("/w")], DEFAULT_EXCLUDES).is_excluded(Path("/w/.env.local"))
    assert not FilePolicy([Path("/w")], DEFAULT_EXCLUDES).is_excluded(Path("/w/.env.example"))
