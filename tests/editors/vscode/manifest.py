"""The settings in the extension's manifest, written from ``fim_lsp.settings.schema``'s table.

``python -m tests.editors.vscode.manifest`` brings ``package.json`` and ``src/rules.json`` up to date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fim_lsp
from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.http.urls import host_of
from fim_lsp.settings.project_rules import ANYTHING
from fim_lsp.settings.reference import schema
from fim_lsp.settings.schema import SPECS, SettingSpec

EXTENSION = Path(__file__).parents[3] / "editors" / "vscode"
PACKAGE = EXTENSION / "package.json"
RULES_FILE = EXTENSION / "src" / "rules.json"
_WITHOUT_KEY = {"auto", "ngram"}

_OWN = {
    "command": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "scope": "machine",
        "title": "Server command",
        "markdownDescription": "The server's program and its arguments; empty: `fim-lsp` on PATH, otherwise the one that "
        "*fim-lsp: Install Server* has installed.",
    },
    "status_bar": {
        "type": "string",
        "enum": ["state", "usage"],
        "enumDescriptions": [
            "The state, and until when suggestions are limited or snoozed.",
            "Also the median time to an answer and the tokens of today.",
        ],
        "default": "state",
        "scope": "window",
        "title": "Status bar",
        "markdownDescription": "What the status bar item shows.",
    },
}
"""The settings of the extension itself."""


def package() -> dict[str, Any]:
    """``package.json`` as it should be: version, settings, and which of them an untrusted workspace can't make."""
    manifest: dict[str, Any] = json.loads(PACKAGE.read_text("utf-8"))
    manifest["version"] = fim_lsp.__version__
    rows = {**_OWN, **{name: _setting(SPECS[name]) for name in _names()}}
    settings: dict[str, dict[str, Any]] = {f"fim-lsp.{name}": row for name, row in rows.items()}
    for order, setting in enumerate(settings):
        settings[setting] = {"order": order, **settings[setting]}
    manifest["contributes"]["configuration"] = {"title": "fim-lsp", "properties": settings}
    refused = [name for name, setting in settings.items() if setting["scope"] == "machine"]
    manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] = refused
    return manifest


def rules() -> dict[str, Any]:
    """What the extension must know of the table. ``trusted`` values go to the server as the user's own, which a project
    can't set or may only restrict; ``workspace`` ones may come from a project. ``unset_if_empty`` are empty where the server has
    null. ``backends`` are those with a key.
    """
    kept = [SPECS[name] for name in _names()]
    hosts = {name: host_of(site.base_url) for name, site in API_HOSTS.items()}
    backends = [name for name in SPECS["backend"].validator.schema["enum"] if name not in _WITHOUT_KEY]
    return {
        "trusted": [spec.name for spec in kept if spec.project_rule is not ANYTHING or spec.name == "exclude"],
        "workspace": [spec.name for spec in kept if not spec.user_only],
        "unset_if_empty": [spec.name for spec in kept if _emptied(spec)],
        "backends": [{"name": name, "host": hosts.get(name, "")} for name in backends],
    }


def written(content: Mapping[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _names() -> list[str]:
    return [name for name in SPECS if name != "api_key"]  # which is kept as a secret, and is no setting


def _setting(spec: SettingSpec) -> dict[str, Any]:
    described = schema()["properties"][spec.name]
    plain = {name: value for name, value in described.items() if name not in {"default", "description", "examples"}}
    shape, default, words = _flat(plain), described["default"], spec.sentence
    if spec.validator.accept_items is not None:  # a list, which the settings page can edit, or a single string
        shape = dict(described["anyOf"][0])
    if emptied := _emptied(spec):
        shape, default = emptied
    if default in ("", []) or shape["type"] in (["integer", "null"], ["number", "null"]):
        words = words.replace("; null: ", "; empty: ")
    texts = {"title": spec.label, "markdownDescription": words}
    return {**shape, "default": default, "scope": "machine" if spec.user_only else "window", **texts}


def _emptied(spec: SettingSpec) -> tuple[dict[str, Any], Any] | None:
    """The shape and default of a setting that may be null where the settings page can only edit a string or a list: it is
    empty there instead. None for all others.
    """
    members = [_flat(member) for member in _members(schema()["properties"][spec.name])]
    solid = [member for member in members if member["type"] != "null"]
    if len(solid) == len(members):
        return None
    texts = next((member for member in solid if member["type"] == "array"), None)
    if texts is not None:
        return {name: value for name, value in texts.items() if name != "minItems"}, []
    if [member["type"] for member in solid] != ["string"]:
        return None
    word = {name: value for name, value in solid[0].items() if name not in {"minLength", "description"}}
    return {**word, **({"pattern": f"^$|{word['pattern']}"} if "pattern" in word else {})}, ""


def _members(shape: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a JSON Schema that is ``anyOf``, however deep."""
    return [inner for member in shape.get("anyOf", []) for inner in (_members(member) or [member])]


def _flat(shape: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema with its types at the top, where VS Code's settings page looks for them."""
    if "enum" in shape:
        return {"type": "string", **shape}
    if "anyOf" not in shape:
        return dict(shape)
    members = [_flat(member) for member in shape["anyOf"]]
    types = [name for member in members for name in _listed(member["type"])]
    solid = [member for member in members if member["type"] != "null"]
    if len(solid) != 1:
        return {"type": types, "anyOf": members}
    nullable = {"enum": [*solid[0]["enum"], None]} if "enum" in solid[0] else {}
    return {**solid[0], **nullable, "type": types}


def _listed(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


if __name__ == "__main__":
    PACKAGE.write_text(written(package()), "utf-8")
    RULES_FILE.write_text(written(rules()), "utf-8")
