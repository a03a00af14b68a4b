"""A project's settings can lower costs and tighten restrictions, but never the opposite."""

from __future__ import annotations

import pytest

from fim_lsp.secret import Secret
from fim_lsp.settings.merge import Layer, merge_layers
from fim_lsp.settings.schema import Settings
from tests.settings.helpers import (
    merge,
    merge_one,
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prices", {"codestral-latest": [0, 0]}),
        ("backend", "mistral"),
        ("base_url", "https://elsewhere.example"),
        ("api_key", "k"),
        ("api_key_command", ["sh", "-c", "x"]),
    ],
)
def test_a_project_cannot_redirect_a_key_or_run_a_command(name: str, value: object) -> None:
    settings, (sentence,) = merge_one({name: value, "max_tokens": 7}, trusted=False)
    assert settings == Settings(max_tokens=7)
    assert name in sentence
    assert "not taken from a project" in sentence


def test_a_project_may_repeat_the_users_own_value() -> None:
    """Helix sends its one configuration both as initializationOptions and as workspace settings."""
    values = {"api_key": "k", "backend": "mistral"}
    settings, problems = merge([Layer(origin="a", values=values), Layer(origin="b", values=values, trusted=False)])
    assert (settings.api_key, settings.backend, problems) == (Secret("k"), "mistral", ())


@pytest.mark.parametrize(
    ("below", "project", "above"),
    [
        (5, 4, 4), (5, 5, 5), (5, 6, 5), (5, 0, 5), (5, None, 5),
        (None, 400, 400), (None, 501, None), (None, 0, None), (None, None, None), (0, 9000, 9000), (0, 0, 0),
    ],
)  # fmt: skip
def test_a_project_may_only_lower_the_quota(below: int | None, project: int | None, above: int | None) -> None:
    layers = [
        Layer(origin="user", values={"requests_per_minute": below}),
        Layer(origin="project", values={"requests_per_minute": project}, trusted=False),
    ]
    settings, problems = merge(layers)
    assert settings.requests_per_minute == above
    assert [p.message for p in problems if "may only lower" in p.message] == [p.message for p in problems]
    assert bool(problems) == (project != above)


@pytest.mark.parametrize(
    ("name", "below", "project", "above"),
    [
        ("prompt_tokens", 1200, 100_000, 1200), ("prompt_tokens", 1200, 500, 500), ("max_tokens", 128, 100_000, 128),
        ("max_tokens", 128, None, 128), ("max_tokens", None, 64, 64), ("max_tokens", 128, 64, 64),
        ("min_tokens", None, 50, None), ("min_tokens", 50, 10, 10), ("min_tokens", 50, None, None),
        ("context_tokens", 400, 1000, 400), ("context_tokens", 400, 0, 0), ("debounce", "adaptive", 0, "adaptive"),
        ("debounce", "adaptive", 500, 500), ("debounce", 100, 50, 100), ("debounce", 100, 150, 150),
        ("debounce", 300, "adaptive", 300), ("stream", True, False, True), ("stream", False, True, True),
        ("timeout", 10, 600, 10), ("timeout", 10, 2, 2), ("stop", ["x"], None, ("x",)),
        ("stop", None, ["a"], ("a",)), ("stop", "x", ["y"], "x"), ("stop", "x", ["y", "x"], ("y", "x")),
        ("multiline", "never", "always", "never"), ("multiline", "auto", "never", "never"), ("region", "eu", "us", "eu"),
        ("trigger", "auto", "manual", "manual"), ("trigger", "manual", "auto", "manual"), ("stats", True, False, False),
        ("index_cache", True, False, False), ("index_cache", False, True, False),
        ("stats", False, True, False), ("prices", {"m": [1, 2]}, {"m": [0, 0]}, {"m": (1, 2)}),
        ("languages", {"go": False}, {"go": True}, {"go": False}), ("languages", {}, {"go": False}, {"go": False}),
    ],
)  # fmt: skip
def test_a_project_never_raises_what_costs_or_leaks(name: str, below: object, project: object, above: object) -> None:
    merged = merge_layers(
        [
            Layer(origin="config.toml", values={name: below}),
            Layer(origin="project", values={name: project}, trusted=False),
        ]
    )
    assert getattr(merged.settings, name) == above
    taken = tuple(project) if isinstance(project, list) else project
    assert [name in problem.message for problem in merged.problems] == [True] * (taken != above)
