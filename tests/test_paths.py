"""Which files may be sent, and which may be indexed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.config import EXCLUDED
from fim_lsp.paths import Paths


@pytest.mark.parametrize(
    "name",
    [
        ".env", ".env.production", "deploy/.env", "key.pem", "certs/server.key", "id_rsa", "id_ed25519.old",
        ".ssh/config", ".aws/credentials", ".netrc", ".npmrc", "config/secrets.yml", "credentials.json",
        "prod.tfvars", "terraform.tfstate", ".git/config", "service-account-1.json", ".kube/config",
    ],
)  # fmt: skip
def test_what_is_never_sent_by_default(name: str) -> None:
    assert Paths([Path("/w")], EXCLUDED).excluded(Path("/w") / name)
    assert Paths([], EXCLUDED).excluded(Path("/home/user") / name)


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
def test_what_is_not_a_secret(name: str) -> None:
    assert not Paths([Path("/w")], EXCLUDED).excluded(Path("/w") / name)


def test_paths_are_relative_to_the_workspace() -> None:
    paths = Paths([Path("/w/a"), Path("/w/b")], [])
    assert paths.relative(Path("/w/b/src/x.py")) == "src/x.py"
    assert paths.relative(Path("/elsewhere/x.py")) == ""


def test_a_glob_that_is_not_valid_is_a_name() -> None:
    assert Paths([Path("/w")], ["a[b", "*.py"]).excluded(Path("/w/x.py"))


def test_what_git_ignores_is_not_indexed(tmp_path: Path) -> None:
    for name in ("src/a.py", "build/b.py", "src/gen/c.py", "src/gen/keep.py", ".env", "src/.hidden.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "src" / ".gitignore").write_text("gen/*\n!gen/keep.py\n")
    (tmp_path / ".git").mkdir()
    paths = Paths([tmp_path], EXCLUDED)
    verdicts = {name: paths.indexable(tmp_path / name) for name in (
        "src", "src/a.py", "build", "src/gen", "src/gen/c.py", "src/gen/keep.py", ".env", ".git", "src/.hidden.py")}  # fmt: skip
    assert verdicts == {
        "src": True, "src/a.py": True, "build": False, "src/gen": True, "src/gen/c.py": False, "src/gen/keep.py": True,
        ".env": False, ".git": False, "src/.hidden.py": True,
    }  # fmt: skip
    assert not paths.indexable(tmp_path.parent / "other.py")


def test_an_ignore_file_that_cannot_be_read_ignores_everything(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe")
    (tmp_path / "a.py").write_text("x")
    assert not Paths([tmp_path], []).indexable(tmp_path / "a.py")
