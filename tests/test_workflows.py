"""The workflows run what they should, with no more rights than they need, and nothing that can change under them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[str, Any]] = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in FILES}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in JOBS:
        for number, step in enumerate(WORKFLOWS[name]["jobs"][job]["steps"], 1):
            yield f"{name}.yml: {job}, step {number}", step


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_and_images_are_pinned_by_hash_and_say_which_version_that_is(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert lines
    for line in lines:
        assert re.fullmatch(r"\s*(- )?uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for image in re.findall(r"image: (.*)", path.read_text("utf-8")):
        assert re.search(r"@sha256:[0-9a-f]{64}$", image), image


def test_an_action_has_one_version() -> None:
    used = {step["uses"] for _, step in steps() if "uses" in step}
    assert len(used) == len({name.partition("@")[0] for name in used})


def test_no_step_leaves_the_token_in_the_folder_or_puts_foreign_text_into_a_script() -> None:
    for place, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, place
        assert "${{" not in step.get("run", ""), f"{place}: pass it as an environment variable"


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_has_the_rights_that_it_names_and_ends_by_itself(name: str, job: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {}
    assert True in workflow, "YAML reads the key `on` as true"
    assert "pull_request_target" not in workflow[True]
    details = workflow["jobs"][job]
    assert details["timeout-minutes"] <= 60
    rights = set(details["permissions"].items())
    assert rights <= {("contents", "read"), ("id-token", "write"), ("attestations", "write")}
    assert name == "release" or rights == {("contents", "read")}


def test_every_supported_python_is_tested_on_every_system() -> None:
    matrix = WORKFLOWS["ci"]["jobs"]["tests"]["strategy"]["matrix"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"].removeprefix(
        ">="
    )
    assert matrix["python"] == [f"3.{minor}" for minor in range(int(oldest.partition(".")[2]), 15)]
    assert [system.partition("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert any(step.get("run") == "bash .ci/run" for step in WORKFLOWS["ci"]["jobs"]["gate"]["steps"])


def test_nothing_is_published_before_it_is_switched_on() -> None:
    jobs = WORKFLOWS["release"]["jobs"]
    assert {name for name, job in jobs.items() if "id-token" in job["permissions"]} == {"attest", "publish"}
    for name in ("attest", "publish"):
        assert jobs[name]["if"] == "vars.PUBLISH == 'pypi'"
        assert all("run" not in step for step in jobs[name]["steps"]), "what may sign runs no code of the project"
    assert jobs["publish"]["environment"]["name"] == "pypi"
    assert "`PUBLISH`" in (ROOT / ".github/CONTRIBUTING.md").read_text("utf-8")


def test_the_modules_that_workflows_run_exist() -> None:
    for place, step in steps():
        for module in re.findall(r"python -m (tests\.\w+)", step.get("run", "")):
            assert (ROOT / f"{module.replace('.', '/')}.py").exists(), f"{place} runs {module}"
