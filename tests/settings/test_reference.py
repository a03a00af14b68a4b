"""The JSON Schema and the README's table."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema

from fim_lsp.settings.reference import schema, table

README = Path(__file__).parents[2] / "README.md"


def test_the_schema_accepts_what_the_validators_accept() -> None:
    judge = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    judge.validate({"temperature": 1.5, "top_p": 1, "stop": "x", "debounce": 75, "api_key_command": ["a"]})
    for bad in ({"temperature": 2}, {"top_p": 0}, {"stop": [""]}, {"nonsense": 1}, {"debounce": "x"}):
        assert not judge.is_valid(bad)


def test_the_readme_has_the_settings_table() -> None:
    """``python -m fim_lsp.settings.schema`` prints it."""
    marked = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", README.read_text("utf-8"), re.DOTALL)
    assert marked
    assert marked[1] == table()
