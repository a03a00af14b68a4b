"""The rule that excludes a file is named, with the place where it is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.workspace.exclusion import Exclusion
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES

FILES = {
    ".gitignore": "# made by the build\nbuild/\n*.log\n/src/gen/*\n!/src/gen/keep.py\n",
    ".fimignore": "notes.txt\n",
    "src/.gitignore": "\n!e.log\ntmp.py\n",
    "lib/.gitignore": b"\xff\xfe",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "w"
    (root / ".git" / "info").mkdir(parents=True)
    (root / ".git" / "info" / "exclude").write_text("mine.py\n")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("build/a.py", 'the rule "build/" in line 2 of {w}/.gitignore'),
        ("docs/build/x/a.py", 'the rule "build/" in line 2 of {w}/.gitignore'),
        ("a.log", 'the rule "*.log" in line 3 of {w}/.gitignore'),
        ("src/gen/a.py", 'the rule "/src/gen/*" in line 4 of {w}/.gitignore'),
        ("src/tmp.py", 'the rule "tmp.py" in line 3 of {w}/src/.gitignore'),
        ("mine.py", 'the rule "mine.py" in line 1 of {w}/.git/info/exclude'),
        ("notes.txt", 'the rule "notes.txt" in line 1 of {w}/.fimignore'),
        ("lib/a.py", "{w}/lib/.gitignore, which can't be read"),
        (".env", 'the rule ".env" in the built-in list'),
        (".git/config", 'the rule ".git/" in the built-in list'),
        ("deploy/KEYS.PEM", 'the rule "*.pem" in the built-in list'),
        ("private/x.py", 'the rule "/private/" in the setting exclude'),
        ("src/ok.py", None),
        ("src/e.log", None),
        ("src/gen/keep.py", None),
    ],
)
def test_a_file_is_excluded_by_this_rule(workspace: Path, name: str, expected: str | None) -> None:
    policy = FilePolicy([workspace], [*DEFAULT_EXCLUDES, "/private/"])
    found = policy.exclusion((workspace / name).as_uri(), workspace / name)
    assert (found and str(found)) == (expected and expected.format(w=workspace))


def test_a_link_is_excluded_by_the_rule_for_its_target(workspace: Path) -> None:
    (workspace / ".env").write_text("KEY=1")
    (workspace / "settings.txt").symlink_to(".env")
    found = FilePolicy([workspace], DEFAULT_EXCLUDES).exclusion("", workspace / "settings.txt")
    expected = f'the rule ".env" in the built-in list, for {workspace / ".env"}, to which it is a link'
    assert str(found) == expected


@pytest.mark.parametrize(
    ("uri", "exclude", "expected"),
    [
        ("", (), "the rule that what can't be judged stays here, because its name is unusual"),
        ("git:/w/.env?x", DEFAULT_EXCLUDES, 'the rule ".env" in the built-in list'),
        ("file:///w/a.py", ("~nobody-has-this-name/x",), 'the rule "~nobody-has-this-name/x" in the setting exclude, because '
         "there is no such home folder"),
        ("file:///w/a.py", ("x" * 5000,), "the setting exclude, which is too long to be matched"),
        ("file:///w/a%00.py", (), "the rule that what can't be judged stays here, because its name is unusual"),
    ],
)  # fmt: skip
def test_what_fails_closed_is_explained_too(uri: str, exclude: tuple[str, ...], expected: str) -> None:
    assert str(FilePolicy([Path("/w")], exclude).exclusion(uri, None)) == expected


def test_a_workspace_inside_an_excluded_folder_is_explained() -> None:
    policy = FilePolicy([Path("/home/user/.ssh")], DEFAULT_EXCLUDES)
    found = policy.exclusion("file:///home/user/.ssh/a.py", None)
    assert found == Exclusion(source="the built-in list", rule=".ssh/")


def test_a_rule_is_shown_without_control_characters() -> None:
    shown = str(Exclusion(source="/w/.gitignore", line=1, rule="\x1b[31mbuild" + "x" * 200))
    assert shown.isprintable()
    assert len(shown) < 150


GLOBS = st.text(alphabet="ab./*!~?[", min_size=1, max_size=8)
NAMES = st.lists(st.sampled_from(["a", "b", "a.b", "build", ".env", "ab"]), min_size=1, max_size=4)


@given(exclude=st.lists(GLOBS, max_size=4), ignore=st.lists(GLOBS, max_size=4), names=NAMES)
def test_there_is_a_reason_exactly_if_a_file_is_not_sent(
    tmp_path_factory: pytest.TempPathFactory, exclude: list[str], ignore: list[str], names: list[str]
) -> None:
    root = tmp_path_factory.mktemp("w", numbered=True)
    (root / ".gitignore").write_text("\n".join(ignore))
    policy = FilePolicy([root], exclude, exclude)
    path = root.joinpath(*names)
    found = policy.exclusion(path.as_uri(), path)
    assert (found is None) == policy.may_send(path.as_uri(), path)
    assert found is None or found.rule in {*exclude, *ignore}
    local = policy.local_only_rule(path.as_uri(), path)
    assert (local is not None) == policy.local_only(path.as_uri(), path)


def test_the_index_names_the_rule_of_a_folder(workspace: Path) -> None:
    (workspace / "build").mkdir()
    policy = FilePolicy([workspace], DEFAULT_EXCLUDES)
    found = policy.index_exclusion(workspace / "build")
    assert str(found) == f'the rule "build/" in line 2 of {workspace}/.gitignore'
    assert policy.index_exclusion(workspace / "src") is None


def test_git_names_the_same_line(workspace: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
    (workspace / ".git" / "info" / "exclude").write_text("mine.py\n")
    policy = FilePolicy([workspace], [])
    names = ["build/a.py", "a.log", "src/gen/a.py", "src/tmp.py", "mine.py", "docs/build/x/a.py"]
    done = subprocess.run(
        ["git", "check-ignore", "-v", *names], cwd=workspace, capture_output=True, text=True, check=True
    )
    lines = [line.split("\t")[0].split(":", 2) for line in done.stdout.splitlines()]
    found = [policy.exclusion((workspace / name).as_uri(), workspace / name) for name in names]
    ours = [[str(Path(one.source).relative_to(workspace)), str(one.line), one.rule] for one in found if one]
    assert ours == lines
