"""Which files may be sent, indexed or imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.lsp.documents import local_path
from fim_lsp.workspace.file_policy import FilePolicy
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES
from tests.needs import link_to_endless_device, make_fifo


@pytest.mark.parametrize(
    "name",
    [
        ".env", ".env.production", "deploy/.env", "key.pem", "certs/server.key", "id_rsa", "id_ed25519.old",
        ".ssh/config", ".aws/credentials", ".netrc", ".npmrc", "config/secrets.yml", "credentials.json",
        "prod.tfvars", "terraform.tfstate", ".git/config", "service-account-1.json", ".kube/config",
    ],
)  # fmt: skip
def test_files_with_credentials_are_excluded_by_default(name: str) -> None:
    assert FilePolicy([Path("/w")], DEFAULT_EXCLUDES).is_excluded(Path("/w") / name)
    assert FilePolicy([], DEFAULT_EXCLUDES).is_excluded(Path("/home/user") / name)


@pytest.mark.parametrize("name", [".ENV", "Server.KEY", "ID_RSA", ".Git/config", "CREDENTIALS.json", ".ſsh/config"])
def test_excludes_ignore_case(name: str) -> None:
    assert FilePolicy([Path("/w")], DEFAULT_EXCLUDES).is_excluded(Path("/w") / name)
    assert not FilePolicy([Path("/w")], DEFAULT_EXCLUDES).may_index(Path("/w") / name)
    assert FilePolicy([Path("/w")], ["*.PRIVATE"]).is_excluded(Path("/w/a.private"))


@pytest.mark.parametrize(
    "uri",
    [
        "git:/w/.env?%7B%22path%22%3A%22%2Fw%2F.env%22%7D", "vscode-remote://ssh-remote%2Bhost/w/.env",
        "fugitive:///w/.git//0/.env", "gitsigns:///w/.git//:0:.env", "untitled:.env", "untitled://.env", "FILE:///w/.env",
        "File:///w/.ENV", "file:///w/%2Eenv", "file://localhost/w/.env", "file:///w/x%0Ay/.env", ".env", "/w/.env",
        "C:\\w\\.env", "file:///C:/w/.env", "file:///w/.env#L3", "git:/w/private/x", "file:/w/private/x",
        "file://localhost/w/private/x", "file:///w/a/../private/x", "jar:file:///w/a.jar!/id_rsa", "file:///w/#a/.env",
        "zipfile:///w/a.zip::.env", "vscode-notebook-cell:/w/.env#W0", "x://[/w/.env?b", "", "untitled:", "file:///w/a%00.py",
        "diff:view?path=/w/.env", "diff:view#/w/.env", "diff:a.py?%7B%22path%22%3A%22%2Fw%2F.env%22%7D", "view:y?f=%2Fw%2F.env&b",
        "view:x?file:///w/.env", "view:?a=1;b=.env", "view:v?C%3A%5Cw%5C.env", "gitlens://7b7d/w/.env?%7B%22ref%22%3A%22a1%22%7D",
        "oil-ssh://user@host//w/.env", "scp://host//w/.env", "vscode-local-history:/w/.env?%7B%22a%22%3A1%7D", "file://h/w/.env/",
        "jdt://contents/a.jar/.env?=x/y", "svn:/w/private/x?r=3", "view:a?p=/w/private/x",
    ],
)  # fmt: skip
def test_an_excluded_file_is_excluded_under_any_uri(uri: str) -> None:
    assert not FilePolicy([Path("/w")], [*DEFAULT_EXCLUDES, "/private/"]).may_send(uri, None)


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1", "git:/w/main.py?%7B%22ref%22%3A%22~%22%7D", "vscode-remote://ssh-remote%2Bhost/w/src/a.py",
        "inmemory://model/1", "file:///w/a%20b.py", "vscode-notebook-cell:/w/a.ipynb#W0sZmlsZQ", "C:\\w\\a.py",
        "file:///w/src/private/x.py", "file:///w/.env.example", "git:/w/main.py?%7B%22path%22%3A%22%2Fw%2Fmain.py%22%7D",
        "view:a.py?r=1.2",
    ],
)  # fmt: skip
def test_other_files_may_be_sent_under_any_uri(uri: str) -> None:
    assert FilePolicy([Path("/w")], [*DEFAULT_EXCLUDES, "/private/"]).may_send(uri, None)


def test_a_symbolic_link_is_judged_by_its_target_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=1")
    (tmp_path / "settings.txt").symlink_to(".env")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "ws").mkdir()
    (tmp_path / "ws").symlink_to("build/ws")
    (tmp_path / "loop").symlink_to("loop")
    paths = FilePolicy([tmp_path], DEFAULT_EXCLUDES)
    for name in ("settings.txt", "../" + tmp_path.name + "/settings.txt"):
        assert not paths.may_send((tmp_path / name).as_uri(), tmp_path / name)
    assert not paths.may_send("git:" + str(tmp_path / "settings.txt"), None)
    assert paths.may_send((tmp_path / "a.py").as_uri(), tmp_path / "a.py")
    inside = FilePolicy([tmp_path / "ws"], ["build/"])
    assert inside.may_send((tmp_path / "ws" / "a.py").as_uri(), tmp_path / "ws" / "a.py")


@pytest.mark.parametrize("kind", ["zero", "fifo"])
def test_an_endless_ignore_file_ignores_everything(tmp_path: Path, kind: str) -> None:
    if kind == "zero":
        link_to_endless_device(tmp_path / ".gitignore")
    else:
        make_fifo(tmp_path / ".gitignore")
    (tmp_path / "a.py").write_text("x")
    assert not FilePolicy([tmp_path], []).may_index(tmp_path / "a.py")


@pytest.mark.parametrize(
    "name",
    [
        "main.py",
        ".env.example",
        "environment.py",
        "secrets.py",
        "src/credentials.rs",
        "keys.go",
        "credentials/store.py",
    ],
)
def test_other_files_are_not_excluded_by_default(name: str) -> None:
    assert not FilePolicy([Path("/w")], DEFAULT_EXCLUDES).is_excluded(Path("/w") / name)


def test_paths_are_relative_to_the_workspace() -> None:
    paths = FilePolicy([Path("/w/a"), Path("/w/b")], [])
    assert paths.relative_path(Path("/w/b/src/x.py")) == "src/x.py"
    assert paths.relative_path(Path("/elsewhere/x.py")) == ""


def test_an_invalid_glob_does_not_disable_the_others() -> None:
    assert FilePolicy([Path("/w")], ["a[b", "*.py"]).is_excluded(Path("/w/x.py"))


def test_files_ignored_by_git_are_not_indexed(tmp_path: Path) -> None:
    for name in ("src/a.py", "build/b.py", "src/gen/c.py", "src/gen/keep.py", ".env", "src/.hidden.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "src" / ".gitignore").write_text("gen/*\n!gen/keep.py\n")
    (tmp_path / ".git").mkdir()
    paths = FilePolicy([tmp_path], DEFAULT_EXCLUDES)
    verdicts = {name: paths.may_index(tmp_path / name) for name in (
        "src", "src/a.py", "build", "src/gen", "src/gen/c.py", "src/gen/keep.py", ".env", ".git", "src/.hidden.py")}  # fmt: skip
    assert verdicts == {
        "src": True, "src/a.py": True, "build": False, "src/gen": True, "src/gen/c.py": False, "src/gen/keep.py": True,
        ".env": False, ".git": False, "src/.hidden.py": True,
    }  # fmt: skip
    assert not paths.may_index(tmp_path.parent / "other.py")


def test_an_ignore_file_that_cannot_be_read_ignores_everything(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe")
    (tmp_path / "a.py").write_text("x")
    assert not FilePolicy([tmp_path], []).may_index(tmp_path / "a.py")


def test_globs_with_many_stars_are_matched_exactly() -> None:
    name = "a" * 200
    paths = FilePolicy([Path("/w")], ["x/*a*a*a*a*a*a*a*a*a*a*a*b", "**/gen/**/*.py"])
    assert paths.may_send(f"file:///w/x/{name}", Path(f"/w/x/{name}"))
    assert not paths.may_send(f"file:///w/x/{name}b", Path(f"/w/x/{name}b"))
    assert not paths.may_send("file:///w/a/gen/b/c.py", Path("/w/a/gen/b/c.py"))


@pytest.mark.parametrize("glob", ["[z-a].env", "a[", "[!]", "(?P<x>", "x\\", "!", "/", "[]", "**/[", "[[:alpha:]"])
def test_no_glob_is_an_error(glob: str) -> None:
    paths = FilePolicy([Path("/w")], [glob, "*.env"], [glob, "*.here"])
    assert paths.is_excluded(Path("/w/x.env"))
    assert paths.local_only("file:///w/x.here", None)
    assert not paths.is_excluded(Path("/w/x.py"))


def test_an_invalid_glob_is_literal() -> None:
    assert FilePolicy([Path("/w")], ["[z-a].env"]).is_excluded(Path("/w/[z-a].env"))


def test_stars_in_brackets_are_literal() -> None:
    paths = FilePolicy([Path("/w")], ["[*****]env.py"])
    assert paths.is_excluded(Path("/w/*env.py"))
    assert not paths.is_excluded(Path("/w/xenv.py"))


def test_a_path_that_leads_out_of_the_workspace_is_outside(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "ws/link").symlink_to(tmp_path / "outside")
    (tmp_path / "entry").symlink_to("ws")
    paths = FilePolicy([tmp_path / "ws"], [])
    for name in ("../outside/cart.py", "link/cart.py"):
        assert not paths.contains(tmp_path / "ws" / name)
    assert paths.relative_path(tmp_path / "ws/../outside/cart.py") == ""
    assert not paths.may_import(tmp_path / "ws/../outside/cart.py")
    assert paths.contains(tmp_path / "ws/cart.py")
    assert FilePolicy([tmp_path / "entry"], []).contains(tmp_path / "entry/cart.py")


@pytest.mark.parametrize(
    "uri", ["file:///ws/../outside/cart.py", "file:///ws/%2e%2e/outside/cart.py", "file:///outside/./cart.py"]
)
def test_a_uri_has_one_normalized_path(uri: str) -> None:
    assert local_path(uri) == Path("/outside/cart.py")


def test_a_name_that_is_too_long_for_a_file_system_is_not_read(tmp_path: Path) -> None:
    assert not FilePolicy([tmp_path], ["a*"]).may_import(tmp_path / ("a" * 300))


@pytest.mark.parametrize(
    ("globs", "uri", "local"),
    [
        (["secret/"], "file:///w/secret/a.py", True),
        (["secret/"], "file:///w/open/a.py", False),
        (["/w/"], "file:///w/open/a.py", True),
        (["/w/open"], "file:///w/open/a.py", True),
        (["/elsewhere/"], "file:///elsewhere/deep/a.py", True),
        (["*.sql"], "file:///w/db/a.SQL", True),
        (["*"], "untitled:Untitled-1", True),
        (["/w/"], "untitled:Untitled-1", True),  # it belongs to the folder that is open
        (["secret/"], "untitled:Untitled-1", False),
        (["secret/"], "git:/w/secret/a.py?ref", True),
        (["secret/"], "gitsigns:///w/.git//:0:secret/a.py", True),
        (["[z-a]", "secret/"], "file:///w/secret/a.py", True),
        ([], "file:///w/secret/a.py", False),
    ],
)
def test_local_only_matches_files_folders_and_documents_without_a_file(globs: list[str], uri: str, local: bool) -> None:
    path = Path(uri.removeprefix("file://")) if uri.startswith("file:") else None
    assert FilePolicy([Path("/w")], [], globs).local_only(uri, path) is local


def test_a_local_only_glob_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    policy = FilePolicy([Path("/home/me/work/customer")], [], ["~/work/customer/"])
    assert policy.local_only("file:///home/me/work/customer/a.py", Path("/home/me/work/customer/a.py"))
    assert not policy.local_only("file:///home/me/other/a.py", Path("/home/me/other/a.py"))


def test_a_local_only_glob_through_a_link_matches_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neovim and Helix open files by their real names."""
    real = tmp_path / "data/me"
    (real / "work").mkdir(parents=True)
    home = tmp_path / "me"
    home.symlink_to(real)
    monkeypatch.setenv("HOME", str(home))
    for glob in ("~/work/", "~", f"{home}/work/*.py"):
        for root in (home / "work", real / "work"):
            path = root / "a.py"
            assert FilePolicy([root], [], [glob]).local_only(path.as_uri(), path), (glob, root)
