"""The extension as a package: in step with the server's settings, checked, tested and complete."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from fim_lsp.settings.schema import SPECS
from tests.editors.vscode import manifest

_SOURCES = sorted((manifest.EXTENSION / "src").glob("*.ts"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        pytest.param(manifest.PACKAGE, manifest.package, id="package.json"),
        pytest.param(manifest.RULES_FILE, manifest.rules, id="rules.json"),
    ],
)
def test_the_manifest_is_in_step_with_the_settings(file: Path, content: object) -> None:
    assert callable(content)
    assert file.read_text("utf-8") == manifest.written(content()), "run python -m tests.editors.vscode.manifest"


def test_what_only_the_user_may_set_is_the_machines() -> None:
    package = manifest.package()
    settings = package["contributes"]["configuration"]["properties"]
    refused = package["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    for spec in SPECS.values():
        if spec.name == "api_key":
            assert "fim-lsp.api_key" not in settings
        else:
            assert (settings[f"fim-lsp.{spec.name}"]["scope"] == "machine") is spec.user_only
            assert (f"fim-lsp.{spec.name}" in refused) is spec.user_only
    assert settings["fim-lsp.command"]["scope"] == "machine"
    assert "fim-lsp.command" in refused
    assert not set(manifest.rules()["workspace"]) & {spec.name for spec in SPECS.values() if spec.user_only}


def test_every_command_is_registered() -> None:
    declared = {row["command"] for row in manifest.package()["contributes"]["commands"]}
    source = (manifest.EXTENSION / "src" / "commands.ts").read_text("utf-8")
    table = source[source.index("  return {") : source.index("  };\n}")]
    registered = {f"fim-lsp.{name}" for name in re.findall(r"^    (\w+)[:,]", table, flags=re.MULTILINE)}
    assert declared == registered


def test_the_lock_file_names_no_registry() -> None:
    locked = json.loads((manifest.EXTENSION / "package-lock.json").read_text("utf-8"))
    assert len(locked["packages"]) > 10
    assert not [name for name, entry in locked["packages"].items() if "resolved" in entry]
    assert not [name for name, entry in locked["packages"].items() if name and "integrity" not in entry]


def test_files_are_short() -> None:
    assert _SOURCES
    assert not [path.name for path in _SOURCES if len(path.read_text("utf-8").splitlines()) > 200]


def test_the_pure_parts(workshop: Path) -> None:
    done = subprocess.run(["npm", "test"], cwd=workshop, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\S+ fail 0$", done.stdout, flags=re.MULTILINE)


def test_the_package_holds_what_it_needs_and_nothing_else(vsix: Path) -> None:
    with zipfile.ZipFile(vsix) as package:
        names = {name for name in package.namelist() if name.startswith("extension/")}
        bundle = package.read("extension/dist/extension.js").decode()
    assert names == {f"extension/{name}" for name in ("LICENSE.txt", "package.json", "readme.md", "dist/extension.js")}
    assert 'require("vscode")' in bundle
    assert 'require("vscode-languageclient' not in bundle
