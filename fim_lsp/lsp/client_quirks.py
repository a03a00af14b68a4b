"""Parameters as clients really send them, made into what LSP says.

A message about a document that is left out for a detail would leave the document wrong from then on: so whatever says
nothing about its text (a version, a language id, a null for "not there") is forgiven.
"""

from __future__ import annotations

from typing import Any

from lsprotocol import types

INVOKED, AUTOMATIC = 1, 2  # LSP 3.18, InlineCompletionTriggerKind
_INTEGER = 1 << 31  # LSP's integers are below, and its whole numbers not negative
_VS_CODE = ("visual studio code", "code-server", "vscodium", "cursor", "windsurf", "code - oss", "codium")


class ClientQuirks:
    """One client's. It learns which trigger kinds the client means.

    vscode-languageclient 9.0 sends VS Code's own kinds (0 invoked, 1 automatic), where LSP has 1 and 2. A client that has
    sent a 0 means those, one that has sent a 2 doesn't. Until then a 1 is taken as LSP has it, but for VS Code, whose
    first request is hardly ever made by a key: as such it would wait for nothing at every character.
    """

    def __init__(self) -> None:
        self._old: bool | None = None
        self._vs_code = False

    def introduce(self, params: Any) -> None:
        """Hear what the client calls itself in ``initialize``."""
        info = params.get("clientInfo") if isinstance(params, dict) else None
        name = info.get("name") if isinstance(info, dict) else None
        self._vs_code = isinstance(name, str) and name.lower().startswith(_VS_CODE)

    def mend(self, method: object, params: Any) -> Any:
        """The parameters of a message in a form that can be read, as far as that is known to matter."""
        if not isinstance(params, dict):
            return {"settings": None} if method == types.WORKSPACE_DID_CHANGE_CONFIGURATION else params
        match method:
            case types.TEXT_DOCUMENT_INLINE_COMPLETION:
                return self.readable(params)
            case types.TEXT_DOCUMENT_COMPLETION:  # nothing asks what its context is
                return {**params, "context": None, "position": _place(params.get("position"))}
            case types.TEXT_DOCUMENT_DID_OPEN:
                return {**params, "textDocument": opened(params.get("textDocument"))}
            case types.TEXT_DOCUMENT_DID_CHANGE:
                changes = changed(params.get("contentChanges"))
                return {**params, "textDocument": versioned(params.get("textDocument")), "contentChanges": changes}
            case types.NOTEBOOK_DOCUMENT_DID_OPEN:
                return _notebook_opened(params)
            case types.NOTEBOOK_DOCUMENT_DID_CHANGE:
                return _notebook_changed(params)
            case types.WORKSPACE_DID_CHANGE_CONFIGURATION:
                return {"settings": None, **params}
        return params

    def readable(self, params: Any) -> Any:
        """The parameters mended: a missing ``context``, odd kinds, a selection whose range is a list."""
        if not isinstance(params, dict):
            return params
        context = params.get("context")
        context = dict(context) if isinstance(context, dict) else {}
        context["triggerKind"] = self._kind(context.get("triggerKind"))
        selected = context.get("selectedCompletionInfo")
        if selected is not None and not (isinstance(selected, dict) and isinstance(selected.get("range"), dict)):
            del context["selectedCompletionInfo"]
        return {**params, "context": context, "position": _place(params.get("position"))}

    def _kind(self, kind: object) -> int:
        if isinstance(kind, bool) or not isinstance(kind, int) or kind not in (0, INVOKED, AUTOMATIC):
            return AUTOMATIC
        if kind != INVOKED:
            self._old = kind == 0
            return INVOKED if kind == 0 else AUTOMATIC
        old = self._vs_code if self._old is None else self._old
        return AUTOMATIC if old else INVOKED


def versioned(document: Any) -> Any:
    """A document's identifier: without a usable version it has 0, which nobody asks for."""
    if not isinstance(document, dict):
        return document
    version = document.get("version")
    known = isinstance(version, int) and -_INTEGER <= version < _INTEGER
    return {**document, "version": version if known else 0}


def opened(document: Any) -> Any:
    """A document as ``didOpen`` has it; a missing language id is ``""``, to be told by the file's name."""
    if not isinstance(document, dict):
        return document
    texts = {name: it if isinstance(it := document.get(name), str) else "" for name in ("languageId", "text")}
    return {**versioned(document), **texts}


def changed(changes: Any) -> Any:
    """The changes of ``didChange``: a single one need not be in a list, and a null range is the whole document."""
    if changes is None:
        return []
    if isinstance(changes, list):
        return [_change(it) for it in changes]
    return [_change(changes)] if isinstance(changes, dict) else changes


def _change(change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    text, span = change.get("text"), change.get("range")
    if span is None and not isinstance(text, str):
        return change  # nothing is said at all
    mended: dict[str, Any] = {"text": text if isinstance(text, str) else ""}  # the length of the range is not used
    if isinstance(span, dict):
        mended["range"] = {end: _place(span.get(end)) for end in ("start", "end")}
    elif span is not None:
        mended["range"] = span
    return mended


def _place(position: Any) -> Any:
    if not isinstance(position, dict):
        return position
    return {name: _count(position.get(name)) for name in ("line", "character")}


def _count(value: Any) -> Any:
    """A line or a column: whatever is outside of what LSP allows is outside of any document as well."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return min(max(int(value), 0), _INTEGER - 1) if whole else value


def _notebook_opened(params: dict[str, Any]) -> dict[str, Any]:
    notebook = versioned(params.get("notebookDocument"))
    if isinstance(notebook, dict):
        notebook = {
            "notebookType": "",
            **_present(notebook),
            "cells": [_cell(it) for it in _list(notebook.get("cells"))],
        }
    cells = [opened(it) for it in _list(params.get("cellTextDocuments"))]
    return {**params, "notebookDocument": notebook, "cellTextDocuments": cells}


def _notebook_changed(params: dict[str, Any]) -> dict[str, Any]:
    change = params.get("change")
    cells = change.get("cells") if isinstance(change, dict) else None
    if not isinstance(cells, dict):
        return {**params, "notebookDocument": versioned(params.get("notebookDocument")), "change": {}}
    mended = _present(cells)
    if isinstance(structure := mended.get("structure"), dict):
        array = structure.get("array")
        if isinstance(array, dict):
            array = {**array, "cells": [_cell(it) for it in _list(array.get("cells"))]}
        mended["structure"] = {
            "array": array,
            "didOpen": [opened(it) for it in _list(structure.get("didOpen"))],
            "didClose": _list(structure.get("didClose")),
        }
    mended["data"] = [_cell(it) for it in _list(mended.get("data"))]
    mended["textContent"] = [
        {"document": versioned(it.get("document")), "changes": changed(it.get("changes"))}
        for it in _list(mended.get("textContent"))
        if isinstance(it, dict)
    ]
    return {**params, "notebookDocument": versioned(params.get("notebookDocument")), "change": {"cells": mended}}


def _cell(cell: Any) -> Any:
    """A cell by its kind and document alone: nothing else of it matters here."""
    if not isinstance(cell, dict):
        return cell
    kind = cell.get("kind")
    return {"document": cell.get("document"), "kind": kind if kind in (1, 2) else 2}


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
