"""Which of an Ollama's models fills in the middle, where none is set: asked of the server. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fim_lsp.backends.error_body import parse_json
from fim_lsp.backends.profile import Flow
from fim_lsp.http.request import HttpResponse, get, post
from fim_lsp.http.urls import endpoint
from fim_lsp.prompt.fim_templates import template_for
from fim_lsp.text.unicode import encodable

_ASKED: Final = 12  # models that the server is asked about


def find_models(base_url: str) -> Flow[tuple[str, tuple[str, ...]]]:
    """The model to use, ``""`` if there is none, and the names of all.

    It can insert by the server's template, or its family's is known here; first those that are loaded, then the newest.
    """
    names: list[str] = []
    for path in ("/api/ps", "/api/tags"):
        answer: HttpResponse = yield get(endpoint(base_url, path))
        names += _names(parse_json(answer.body) if answer.is_success else None)
    names, known = list(dict.fromkeys(names)), ""
    for name in names[:_ASKED]:
        answer = yield post(endpoint(base_url, "/api/show"), {"model": name}, accept="application/json")
        if answer.is_success and inserts(parse_json(answer.body)):
            return name, tuple(names)
        if not known and template_for(name) is not None:
            known = name
    return known, tuple(names)


def inserts(shown: object) -> bool | None:
    """Whether a model can fill in the middle by the server's template, from what ``/api/show`` says; None: it does not say."""
    told = shown.get("capabilities") if isinstance(shown, dict) else None
    return "insert" in told if isinstance(told, list) else None


def _names(listed: object) -> Iterator[str]:
    models = listed.get("models") if isinstance(listed, dict) else None
    for model in models if isinstance(models, list) else ():
        name = model.get("name") if isinstance(model, dict) else None
        if isinstance(name, str) and name:
            yield encodable(name)
