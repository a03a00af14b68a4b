"""Parameters of ``textDocument/inlineCompletion`` as clients really send them."""

from __future__ import annotations

from typing import Any

INVOKED, AUTOMATIC = 1, 2  # LSP 3.18, InlineCompletionTriggerKind
_VS_CODE = ("visual studio code", "code-server", "vscodium", "cursor", "windsurf", "code - oss", "codium")


class Lenient:
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
        return {**params, "context": context}

    def _kind(self, kind: object) -> int:
        if isinstance(kind, bool) or not isinstance(kind, int) or kind not in (0, INVOKED, AUTOMATIC):
            return AUTOMATIC
        if kind != INVOKED:
            self._old = kind == 0
            return INVOKED if kind == 0 else AUTOMATIC
        old = self._vs_code if self._old is None else self._old
        return AUTOMATIC if old else INVOKED
