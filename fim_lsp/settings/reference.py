"""The settings as a JSON Schema and as the table of the README; ``python -m fim_lsp.settings.reference`` prints them."""

from __future__ import annotations

import json
from typing import Any

from fim_lsp.secret import Secret
from fim_lsp.settings import project_rules as project
from fim_lsp.settings.schema import RULES


def schema() -> dict[str, Any]:
    """The JSON Schema of ``config.toml``, ``initializationOptions`` and the editors' settings pages."""
    properties = {
        rule.name: {**rule.check.schema, "default": _plain(rule.default), "description": rule.doc}
        for rule in RULES.values()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fim-lsp",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| setting | default | allowed | |", "|---|---|---|---|"]
    for rule in RULES.values():
        shown = "a safe list" if rule.name == "exclude" else f"`{json.dumps(_plain(rule.default))}`"
        mark = " ¹" if rule.user_only else " ²" if rule.from_project is not project.ANYTHING else ""
        allowed = rule.check.allowed.replace("|", "\\|")
        rows.append(f"| `{rule.name}`{mark} | {shown} | {allowed} | {rule.doc} |")
    return "\n".join(rows)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()  # a default, which is no secret
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    import sys

    sys.stdout.write(table() + "\n")
