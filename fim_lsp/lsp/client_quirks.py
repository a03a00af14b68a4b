"""Normalizes parameters that clients send in forms other than those that LSP specifies.

A notification that is rejected for one wrong detail would leave its document wrong from then on, so anything that does
not affect the text is tolerated: versions, language ids, null for an absent member.
"""

from __future__ import annotations

import enum
from typing import Any

from lsprotocol import types

INVOKED, AUTOMATIC = 1, 2  # InlineCompletionTriggerKind of LSP 3.18
_VS_CODE_INVOKED = 0  # of VS Code's API, where 1 is automatic
_INTEGER_LIMIT = 1 << 31  # LSP's integers are below, and its unsigned ones not negative
_MENU_KINDS = tuple(kind.value for kind in types.CompletionTriggerKind)
_CELL_KINDS = tuple(kind.value for kind in types.NotebookCellKind)
_VS_CODE_NAMES = ("visual studio code", "code-server", "vscodium", "cursor", "windsurf", "code - oss", "codium")


class _TriggerKinds(enum.Enum):
    """Which numbers a client sends as trigger kinds."""

    UNKNOWN = enum.auto()
    LSP = enum.auto()
    VS_CODE = enum.auto()


class ClientQuirks:
    """Normalizes what one client sends, and learns which trigger kinds it uses.

    vscode-languageclient 9.0 sends the trigger kinds of VS Code's API, 0 and 1, where LSP has 1 and 2. A client that has
    sent a 0 uses VS Code's, one that has sent a 2 uses LSP's. Before either, a 1 means what it means in LSP, except from
    VS Code: its requests are rarely triggered manually, and as such would skip the debounce at every character.
    """

    def __init__(self) -> None:
        self._trigger_kinds = _TriggerKinds.UNKNOWN
        self._is_vs_code = False

    def identify_client(self, params: Any) -> None:
        """Take the client's name from the parameters of ``initialize``."""
        info = params.get("clientInfo") if isinstance(params, dict) else None
        name = info.get("name") if isinstance(info, dict) else None
        self._is_vs_code = isinstance(name, str) and name.lower().startswith(_VS_CODE_NAMES)

    def normalize(self, method: object, params: Any) -> Any:
        """The parameters of a message as LSP specifies them, where clients are known to differ."""
        if not isinstance(params, dict):
            return {"settings": None} if method == types.WORKSPACE_DID_CHANGE_CONFIGURATION else params
        match method:
            case types.TEXT_DOCUMENT_INLINE_COMPLETION:
                return self._inline_completion(params)
            case types.TEXT_DOCUMENT_COMPLETION:
                context = _menu_context(params.get("context"))
                return {**params, "context": context, "position": _position(params.get("position"))}
            case types.TEXT_DOCUMENT_DID_OPEN:
                return {**params, "textDocument": _opened(params.get("textDocument"))}
            case types.TEXT_DOCUMENT_DID_CHANGE:
                changes = _changes(params.get("contentChanges"))
                return {**params, "textDocument": _versioned(params.get("textDocument")), "contentChanges": changes}
            case types.NOTEBOOK_DOCUMENT_DID_OPEN:
                return _notebook_opened(params)
            case types.NOTEBOOK_DOCUMENT_DID_CHANGE:
                return _notebook_changed(params)
            case types.WORKSPACE_DID_CHANGE_CONFIGURATION:
                return {"settings": None, **params}
        return params

    def _inline_completion(self, params: dict[str, Any]) -> dict[str, Any]:
        """Tolerates a missing ``context``, other trigger kinds, and a selection whose range is a list."""
        context = params.get("context")
        context = dict(context) if isinstance(context, dict) else {}
        context["triggerKind"] = self._trigger_kind(context.get("triggerKind"))
        selected = context.get("selectedCompletionInfo")
        if selected is not None:
            context["selectedCompletionInfo"] = _selected(selected)
        return {**params, "context": context, "position": _position(params.get("position"))}

    def _trigger_kind(self, kind: object) -> int:
        if isinstance(kind, bool) or not isinstance(kind, int):
            return AUTOMATIC
        if kind == _VS_CODE_INVOKED:
            self._trigger_kinds = _TriggerKinds.VS_CODE
            return INVOKED
        if kind == AUTOMATIC:
            self._trigger_kinds = _TriggerKinds.LSP
            return AUTOMATIC
        if kind != INVOKED or self._trigger_kinds is _TriggerKinds.VS_CODE:
            return AUTOMATIC
        return AUTOMATIC if self._is_vs_code and self._trigger_kinds is _TriggerKinds.UNKNOWN else INVOKED


def _selected(info: Any) -> dict[str, Any] | None:
    """The entry that is highlighted in the menu, with a range of either form; None if it is none."""
    place = info.get("range") if isinstance(info, dict) else None
    start, end = (place.get("start"), place.get("end")) if isinstance(place, dict) else _both(place)
    text = info.get("text") if isinstance(info, dict) else None
    if not isinstance(text, str) or not isinstance(start, dict) or not isinstance(end, dict):
        return None
    return {"range": {"start": _position(start), "end": _position(end)}, "text": text}


def _both(place: Any) -> tuple[Any, Any]:
    return (place[0], place[1]) if isinstance(place, list) and len(place) == 2 else (None, None)


def _menu_context(context: Any) -> Any:
    """The trigger kind, which is all that is used of the context; None if it is none of LSP's."""
    kind = context.get("triggerKind") if isinstance(context, dict) else None
    return {"triggerKind": kind} if type(kind) is int and kind in _MENU_KINDS else None


def _versioned(document: Any) -> Any:
    """The identifier of a document. A missing or invalid version becomes 0."""
    if not isinstance(document, dict):
        return document
    version = document.get("version")
    is_valid = isinstance(version, int) and -_INTEGER_LIMIT <= version < _INTEGER_LIMIT
    return {**document, "version": version if is_valid else 0}


def _opened(document: Any) -> Any:
    """The document of ``didOpen``. A missing language id becomes ``""``, and the file name decides."""
    if not isinstance(document, dict):
        return document
    strings = {name: it if isinstance(it := document.get(name), str) else "" for name in ("languageId", "text")}
    return {**_versioned(document), **strings}


def _changes(changes: Any) -> Any:
    """The changes of ``didChange``. A single change need not be in a list; a null range means the whole document."""
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
        return change  # it changes nothing
    normalized: dict[str, Any] = {"text": text if isinstance(text, str) else ""}  # rangeLength is not used
    if isinstance(span, dict):
        normalized["range"] = {end: _position(span.get(end)) for end in ("start", "end")}
    elif span is not None:
        normalized["range"] = span
    return normalized


def _position(position: Any) -> Any:
    if not isinstance(position, dict):
        return position
    return {name: _number(position.get(name)) for name in ("line", "character")}


def _number(value: Any) -> Any:
    """A line or a column, limited to what LSP allows: no document reaches beyond."""
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return min(max(int(value), 0), _INTEGER_LIMIT - 1) if is_whole else value


def _notebook_opened(params: dict[str, Any]) -> dict[str, Any]:
    notebook = _versioned(params.get("notebookDocument"))
    if isinstance(notebook, dict):
        notebook = {
            "notebookType": "",
            **_present(notebook),
            "cells": [_cell(it) for it in _list(notebook.get("cells"))],
        }
    cells = [_opened(it) for it in _list(params.get("cellTextDocuments"))]
    return {**params, "notebookDocument": notebook, "cellTextDocuments": cells}


def _notebook_changed(params: dict[str, Any]) -> dict[str, Any]:
    change = params.get("change")
    cells = change.get("cells") if isinstance(change, dict) else None
    if not isinstance(cells, dict):
        return {**params, "notebookDocument": _versioned(params.get("notebookDocument")), "change": {}}
    normalized = _present(cells)
    if isinstance(structure := normalized.get("structure"), dict):
        array = structure.get("array")
        if isinstance(array, dict):
            array = {**array, "cells": [_cell(it) for it in _list(array.get("cells"))]}
        normalized["structure"] = {
            "array": array,
            "didOpen": [_opened(it) for it in _list(structure.get("didOpen"))],
            "didClose": _list(structure.get("didClose")),
        }
    normalized["data"] = [_cell(it) for it in _list(normalized.get("data"))]
    normalized["textContent"] = [
        {"document": _versioned(it.get("document")), "changes": _changes(it.get("changes"))}
        for it in _list(normalized.get("textContent"))
        if isinstance(it, dict)
    ]
    return {**params, "notebookDocument": _versioned(params.get("notebookDocument")), "change": {"cells": normalized}}


def _cell(cell: Any) -> Any:
    """A cell: its kind and document. Nothing else is used."""
    if not isinstance(cell, dict):
        return cell
    kind = cell.get("kind")
    return {
        "document": cell.get("document"),
        "kind": kind if kind in _CELL_KINDS else types.NotebookCellKind.Code.value,
    }


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
