"""The reference of all settings: a JSON Schema, and the README's table, which ``python -m fim_lsp.settings.reference`` prints."""

from __future__ import annotations

import json
from typing import Any

from fim_lsp.settings import project_rules
from fim_lsp.settings.effective import plain
from fim_lsp.settings.schema import SPECS, SettingSpec


def schema() -> dict[str, Any]:
    """The JSON Schema of ``config.toml`` and ``initializationOptions``, from which editors build their settings pages."""
    properties = {
        spec.name: {**spec.validator.schema, "default": plain(spec.default), "description": spec.description}
        for spec in SPECS.values()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fim-lsp",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


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
