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

_MEDIA = manifest.EXTENSION / "media"
_ROOT = manifest.EXTENSION.parents[1]
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


def test_commands_that_keys_and_the_walkthrough_name_exist() -> None:
    contributes = manifest.package()["contributes"]
    declared = {row["command"] for row in contributes["commands"]}
    bound = {row["command"] for row in contributes["keybindings"]}
    steps = json.dumps(contributes["walkthroughs"])
    named = {*bound, *re.findall(r"command:([\w.-]+)", steps), *re.findall(r"onCommand:([\w.-]+)", steps)}
    assert {name for name in named if name.startswith("fim-lsp.")} <= declared
    assert all((manifest.EXTENSION / file).exists() for file in re.findall(r"media/walkthrough/\w+\.md", steps))


def test_each_key_and_command_of_the_page_is_pressed_by_a_test() -> None:
    page = (manifest.EXTENSION / "README.md").read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")).replace("\\\\", "\\")
    titles = {row["title"] for row in manifest.package()["contributes"]["commands"]}
    assert titles == titles & set(re.findall(r"\*(?:fim-lsp: )?([^*\n]+)\*", page))
    assert [title for title in titles if f'command("fim-lsp: {title}")' not in tests] == []
    rows = page.partition("| key |")[2].partition("\n\n")[0].splitlines()[2:]
    named = [key for row in rows for key in row.strip("| ").partition(" |")[0].partition(" (macOS")[0].split(" and ")]
    assert len(named) == 7
    names = {"Ctrl": "Control", "Right": "ArrowRight", "Esc": "Escape"}
    keys = ["+".join(names.get(part, part) for part in key.split("+")) for key in named]
    assert [key for key in keys if f'"{key}"' not in tests] == []


def test_the_settings_page_reads_as_sentences() -> None:
    for name, setting in manifest.package()["contributes"]["configuration"]["properties"].items():
        assert re.match(r"[A-Z][A-Za-z]", setting["title"]), name
        assert "_" not in setting["title"], name
        assert re.fullmatch(r"[A-Z`].*[.]", setting["markdownDescription"]), name
        assert "null" not in setting["markdownDescription"], name


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
    server = {name.removeprefix("extension/server/") for name in names if name.startswith("extension/server/")}
    media = {f"media/{path.relative_to(_MEDIA)}" for path in (_MEDIA / "icon.png", *_MEDIA.glob("walkthrough/*.md"))}
    ours = {"LICENSE.txt", "package.json", "readme.md", "dist/extension.js", *media}
    assert names == {f"extension/{name}" for name in ours | {f"server/{name}" for name in server}}
    modules = {path.relative_to(_ROOT).as_posix() for path in (_ROOT / "fim_lsp").rglob("*.py")}
    assert modules <= server
    assert {name for name in server if not name.startswith("fim_lsp/")} == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "version",
    }
    assert not [name for name in server if "__pycache__" in name]
    assert 'require("vscode")' in bundle
    assert 'require("vscode-languageclient' not in bundle
