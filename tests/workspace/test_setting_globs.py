"""The globs of ``exclude`` and ``local_only``, and how the same lines read in an ignore file."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.globs import IgnoreRules, Match
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES

# The glob, the path, and whether it is matched by `exclude`, by `local_only`, and as a line of an ignore file in /w.
# The workspace is /w, home is /home/me; an ignore file of the workspace does not apply elsewhere (None).
TABLE = [
    # names and folders
    ("secret.py", "/w/secret.py", True, True, True),
    ("secret.py", "/w/deep/er/secret.py", True, True, True),
    ("secret", "/w/secret/deep/a.py", True, True, True),
    ("secret/", "/w/secret/deep/a.py", True, True, True),
    ("secret/", "/w/a/secret/a.py", True, True, True),
    ("secret/", "/w/secret", True, True, False),  # a document may be a folder
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
    ("?.py", "/w/é.py", True, True, False),  # two bytes in git
    # brackets and escapes
    ("[ab].py", "/w/b.py", True, True, True),
    ("[!ab].py", "/w/b.py", False, False, False),
    ("[^ab].py", "/w/c.py", True, True, True),
    ("[[:digit:]].py", "/w/7.py", True, True, True),
    ("[a-c][]-]x", "/w/b]x", True, True, True),
    ("a[b", "/w/a[b", True, True, False),  # matches nothing in git, and is literal in settings
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
    ("#a.py", "/w/#a.py", True, True, False),  # a comment in a file, a name in a setting
    ("\\#a.py", "/w/#a.py", True, True, True),
    ("\\!a.py", "/w/!a.py", True, True, True),
    # re-including, in the order of the lines
    ("*.py\n!a.py", "/w/a.py", False, False, False),
    ("!a.py\n*.py", "/w/a.py", True, True, True),
    ("*.py\n!a.py", "/w/deep/a.py", False, False, False),
    ("deep/\n!deep/a.py", "/w/deep/a.py", True, True, True),
    ("deep/*\n!deep/a.py", "/w/deep/a.py", False, False, False),
    ("*.py\n![a.py", "/w/[a.py", True, True, True),  # an invalid line re-includes nothing
    ("/*\n!/src/", "/w/src/a.py", True, True, False),  # in a setting, /* also is the whole file system
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
    ("~nobody-has-this-name/", "/w/a.py", True, True, False),  # an unknown directory
    ("\\~nobody-has-this-name/", "/w/a.py", False, False, False),
]  # fmt: skip


@pytest.mark.parametrize(("glob", "name", "excluded", "local", "ignored"), TABLE)
def test_a_glob_in_settings_and_in_an_ignore_file(
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
        ignore_file = IgnoreRules(lines)
        levels = [place.relative_to(w).as_posix() for place in (*reversed(path.parents), path) if w in place.parents]
        found = [ignore_file.match(level, folder=level != levels[-1]) for level in levels]
        assert (Match.IGNORED in found) is ignored


@pytest.mark.parametrize(
    "uri", ["untitled:secret.py", "inmemory://model/secret.py", "secret.py", "untitled:a/secret.py"]
)
def test_a_name_matches_documents_without_a_file(uri: str) -> None:
    assert not FilePolicy([Path("/w")], ["secret.py"]).may_send(uri, None)
    assert FilePolicy([], [], ["SECRET.*"]).local_only(uri, None)
    assert FilePolicy([Path("/w")], ["/w/", "~/"]).may_send(uri, None)


@pytest.mark.parametrize("glob", ["~", "~/work/", "~/w*/", "~/**", "~nobody-has-this-name/x"])
@pytest.mark.parametrize("home", ["", "not/absolute"])
def test_globs_of_an_unknown_home_match_everything(glob: str, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    for globs_ in ([glob], [glob, "!*"]):
        assert not FilePolicy([Path("/w")], globs_).may_send("file:///w/a.py", Path("/w/a.py"))
        assert not FilePolicy([Path("/w")], globs_).may_index(Path("/w/a.py"))
        assert FilePolicy([Path("/w")], [], globs_).local_only("file:///w/a.py", Path("/w/a.py"))
    kept = FilePolicy([Path("/w")], ["*.py", f"!{glob}"])
    assert not kept.may_send("file:///w/a.py", Path("/w/a.py"))


@pytest.mark.parametrize("glob", ["~/work/", "~/work", "~/work/**", "~/wo*/", "{home}/work/*", "{home}/work/"])
def test_absolute_globs_match_through_symbolic_links(
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
def test_a_workspace_inside_a_matched_folder_is_matched(root: str, scheme: str) -> None:
    path = Path("/home/me/.ssh/deep/config")
    assert not FilePolicy([Path(root)], DEFAULT_EXCLUDES).may_send(
        f"{scheme}{path}", path if scheme == "file://" else None
    )
    assert FilePolicy([Path(root)], [], [".ssh/"]).local_only(f"{scheme}{path}", path if scheme == "file://" else None)


def test_a_file_in_two_workspace_folders_is_matched_relative_to_both() -> None:
    path = Path("/w/inner/private/a.py")
    for roots in (["/w", "/w/inner"], ["/w/inner", "/w"]):
        assert not FilePolicy(list(map(Path, roots)), ["/private/"]).may_send(path.as_uri(), path)


def test_the_default_excludes_re_include_example_files() -> None:
    assert FilePolicy([Path("/w")], DEFAULT_EXCLUDES).is_excluded(Path("/w/.env.local"))
    assert not FilePolicy([Path("/w")], DEFAULT_EXCLUDES).is_excluded(Path("/w/.env.example"))
