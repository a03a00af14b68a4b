"""The entry that is highlighted in the editor's menu: what is shown beside it begins with it."""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot


def fitting(snapshot: Snapshot, result: CompletionResult) -> CompletionResult:
    """The result, or none if it does not continue the highlighted entry: the editor would not show it.

    A back end is not asked again, and the suggestion stays in the cache: the menu may be closed, or another entry chosen.
    """
    entry = snapshot.selected
    if entry is None or result.suggestion is None:
        return result
    fits = [each for each in (result, *result.others) if each.suggestion and each.suggestion.text.startswith(entry)]
    if not fits:
        return replace(result, outcome=Outcome.MENU, suggestion=None, others=())
    return replace(fits[0], others=tuple(fits[1:]), others_failed=result.others_failed)
