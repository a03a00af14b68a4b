"""Each case runs in a process of its own: a module is imported once, and pytest-lsp has imported all of lsprotocol here."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_PREPARE = """
import json, sys, attrs
define = attrs.define
{before}
import fim_lsp.lsp
from lsprotocol import converters, types
classes = [cls for cls in types.ALL_TYPES_MAP.values() if isinstance(cls, type) and attrs.has(cls)]
print(json.dumps({result}))
"""

WITH_METHODS = "sorted(cls.__name__ for cls in classes if {'__eq__', '__repr__'} & set(vars(cls)))"

ROUND_TRIP = """[
    converter.unstructure(converter.structure(json.loads(text), getattr(types, name)))
    for converter in [converters.get_converter()]
    for name, text in json.loads(sys.argv[1])
]"""

MESSAGES: list[tuple[str, Any]] = [
    (
        "InlineCompletionParams",
        {
            "textDocument": {"uri": "file:///a.py"},
            "position": {"line": 1, "character": 2},
            "context": {"triggerKind": 2, "selectedCompletionInfo": {"range": {
                "start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 2}}, "text": "print"}},
            "workDoneToken": "one",
        },
    ),
    (
        "DidChangeTextDocumentParams",
        {
            "textDocument": {"uri": "file:///a.py", "version": 2},
            "contentChanges": [{"text": "x", "range": {
                "start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}}, {"text": "all"}],
        },
    ),
    ("InlineCompletionList", {"items": [{"insertText": "x", "filterText": "y"}]}),
    ("CompletionList", {"isIncomplete": False, "items": [{"label": "x", "textEdit": {"newText": "x", "range": {
        "start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}}}]}),
    ("ServerCapabilities", {"inlineCompletionProvider": {}, "textDocumentSync": {"openClose": True, "change": 2}}),
]  # fmt: skip


def evaluate(result: str, *arguments: str, before: str = "") -> Any:
    """The value of an expression in a new process that has imported the types."""
    code = _PREPARE.format(before=before, result=result)
    printed = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return json.loads(printed.stdout)


def test_only_what_lsprotocol_wrote_itself_is_compared_and_printed() -> None:
    """If this fails after an update of lsprotocol, it makes its classes in another way, and the start is slow again."""
    result = (
        f"[{WITH_METHODS}, len(classes) > 500, attrs.define is define, types.Position(1, 2) < types.Position(1, 3)]"
    )
    assert evaluate(result) == [["Location", "Position", "Range"], True, True, True]


def test_what_has_been_imported_before_stays_complete() -> None:
    result = "[types.WorkspaceFolder('a', 'b') == types.WorkspaceFolder('a', 'b'), attrs.define is define]"
    assert evaluate(result, before="import lsprotocol.types") == [True, True]


def test_messages_are_read_and_written_as_with_the_complete_types() -> None:
    messages = json.dumps([(name, json.dumps(value)) for name, value in MESSAGES])
    lean = evaluate(ROUND_TRIP, messages)
    assert lean == evaluate(ROUND_TRIP, messages, before="import lsprotocol.types")
    assert lean == [value for _, value in MESSAGES]
