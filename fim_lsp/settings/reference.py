"""The reference of all settings: a JSON Schema, a commented ``config.toml``, and the README's table.

``python -m fim_lsp.settings.reference`` prints the table.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from fim_lsp.settings import project_rules
from fim_lsp.settings.effective import plain
from fim_lsp.settings.schema import SPECS, SettingSpec
from fim_lsp.settings.toml_text import write_value


def schema() -> dict[str, Any]:
    """The JSON Schema of ``config.toml`` and ``initializationOptions``, from which editors build their settings pages."""
    properties = {spec.name: _property(spec) for spec in SPECS.values()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fim-lsp",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _property(spec: SettingSpec) -> dict[str, Any]:
    examples = {} if spec.example is None else {"examples": [plain(spec.example)]}
    described = {"default": plain(spec.default), "description": spec.description}
    return {**spec.validator.schema, **described, **examples}


def config_file(chosen: Mapping[str, Any]) -> str:
    """A ``config.toml`` with every setting: those that are ``chosen`` apply, all others are commented out."""
    parts = [_HEADER, *(_described(spec, chosen) for spec in SPECS.values())]
    return "\n".join(parts)


_HEADER = """\
# Settings of fim-lsp, each with its default or an example: remove the # in front of a name to set it.
# What you leave out keeps its default, also where that is null, which TOML can't express.
# `fim-lsp config` prints what applies and where it was set, `fim-lsp config --check FILE` finds mistakes.
"""


def _described(spec: SettingSpec, chosen: Mapping[str, Any]) -> str:
    default = plain(spec.default)
    has_example = spec.example is not None
    known = "a built-in list, to which yours is added" if spec.name == "exclude" else json.dumps(default)
    facts = [
        f"Allowed: {spec.validator.allowed.removesuffix(', or null')}.",
        *([] if spec.project_rule is project_rules.ANYTHING else [f"A project may {spec.project_rule.may}."]),
        *(["Not set by default; an example:"] if has_example and default is None else []),
        *([f"Default: {known}; an example:"] if has_example and default is not None else []),
    ]
    sentences = spec.sentence, " ".join(facts)
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, 98, break_on_hyphens=False)]
    value = chosen.get(spec.name, plain(spec.example) if has_example else default)
    mark = "" if spec.name in chosen else "#"
    return "".join(f"# {line}\n" for line in lines) + f"{mark}{spec.name} = {write_value(value)}\n"


def table() -> str:
    """A Markdown table with one row for each setting."""
    return "\n".join(["| setting | default | allowed | |", "|---|---|---|---|", *map(_row, SPECS.values())])


def _row(spec: SettingSpec) -> str:
    default = "a built-in list" if spec.name == "exclude" else f"`{json.dumps(plain(spec.default))}`"
    mark = " ¹" if spec.user_only else " ²" if spec.project_rule is not project_rules.ANYTHING else ""
    allowed = spec.validator.allowed.replace("|", "\\|")
    return f"| `{spec.name}`{mark} | {default} | {allowed} | {spec.description} |"


if __name__ == "__main__":
    import sys

    sys.stdout.write(table() + "\n")
