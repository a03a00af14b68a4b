"""``/v1/models``: OpenAI's list of models, with what Mistral, vLLM, OpenRouter and llama.cpp add to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fim_lsp.backends.profile import Flow
from fim_lsp.backends.response_reader import count_of
from fim_lsp.errors import BackendError, UnknownModel
from fim_lsp.http.request import HttpResponse, get, parse_json
from fim_lsp.http.urls import host_of

MODELS_PATH: Final = "/v1/models"
_MIN_CONTEXT_TOKENS: Final = 256  # less is a mistake
_MAX_VALUES: Final = 64_000  # a gateway's list has some hundred models with up to a hundred values each
_MAX_TEMPERATURE: Final = 2.0  # of any API of this kind
_MAX_NAMED: Final = 4  # models in one sentence
_MAX_NAME: Final = 200  # characters of an id, as in the setting `model`
_OTHER_PURPOSE: Final = re.compile("embed|mamba", re.IGNORECASE)  # in names of Codestral models that can't fill in


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of a list. None means that the list does not report the value.

    ``default_temperature`` applies to requests that set none.
    """

    name: str
    aliases: tuple[str, ...] = ()
    can_fill: bool | None = None
    context_tokens: int | None = None
    default_temperature: float | None = None

    def is_called(self, name: str) -> bool:
        """Whether ``name`` means this model. A tag ``:latest`` may be left out, as with Ollama."""
        return name in (self.name, *self.aliases) or f"{name}:latest" == self.name


def model_flow(name: str, base_url: str, *, to_error: Callable[[HttpResponse], BackendError]) -> Flow[Model | None]:
    """Look for the model ``name`` in the list of the server at ``base_url``.

    None if there is no list (codestral.mistral.ai has none). Raises ``to_error`` of a 401, and what :func:`find_model`
    raises.
    """
    url = base_url.rstrip("/") + MODELS_PATH
    response: HttpResponse = yield get(url)
    if response.status == 401:
        raise to_error(response)
    return find_model(read_models(response.body), name, host=host_of(url)) if response.is_success else None


def fillable_flow(
    base_url: str, *, to_error: Callable[[HttpResponse], BackendError], fits: Callable[[str], bool] = lambda _name: True
) -> Flow[tuple[str, ...]]:
    """The :func:`fillable` models of the server at ``base_url``; none if it has no list. Raises ``to_error`` of a 401."""
    response: HttpResponse = yield get(base_url.rstrip("/") + MODELS_PATH)
    if response.status == 401:
        raise to_error(response)
    return fillable(read_models(response.body), fits) if response.is_success else ()


def fillable(models: Sequence[Model], fits: Callable[[str], bool] = lambda _name: True) -> tuple[str, ...]:
    """The ids of those that can fill in the middle by the list, or may, if it does not say so of any, and that ``fits``."""
    certain = [model for model in models if model.can_fill]
    able = certain or [model for model in models if model.can_fill is None and not _OTHER_PURPOSE.search(model.name)]
    names = dict.fromkeys(name for model in able for name in (model.name, *model.aliases))
    return tuple(name for name in names if name.isprintable() and len(name) <= _MAX_NAME and fits(name))


def read_models(body: bytes) -> tuple[Model, ...]:
    """The models in the body of a response; none if it is not such a list."""
    parsed = parse_json(body, max_values=_MAX_VALUES)
    listed = parsed.get("data") if isinstance(parsed, dict) else parsed  # some servers send the bare list
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return tuple(_model(row) for row in rows if isinstance(row.get("id"), str))


def _model(row: dict[str, object]) -> Model:
    meta, capabilities, aliases = row.get("meta"), row.get("capabilities"), row.get("aliases")
    can_fill = capabilities.get("completion_fim") if isinstance(capabilities, dict) else None
    sizes = [row.get("max_context_length"), row.get("max_model_len"), row.get("context_length")]
    sizes.append(meta.get("n_ctx") if isinstance(meta, dict) else None)
    return Model(
        name=str(row["id"]),
        aliases=tuple(name for name in aliases if isinstance(name, str)) if isinstance(aliases, list) else (),
        can_fill=can_fill if isinstance(can_fill, bool) else None,
        context_tokens=next((size for size in map(count_of, sizes) if size >= _MIN_CONTEXT_TOKENS), None),
        default_temperature=_temperature(row.get("default_model_temperature")),
    )


def _temperature(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= _MAX_TEMPERATURE else None


def find_model(models: tuple[Model, ...], name: str, *, host: str) -> Model | None:
    """The model that ``name`` means, or the only one if ``name`` is empty; None if the list is empty.

    Raises :class:`~fim_lsp.errors.UnknownModel` if it is missing or can't fill in the middle.
    """
    if not models:
        return None
    if not name:
        return models[0] if len(models) == 1 else None
    found = next((model for model in models if model.is_called(name)), None)
    if found is None:
        usable = [model for model in models if model.can_fill is not False] or list(models)
        listed = sorted(usable, key=lambda model: model.can_fill is not True)  # those that certainly can come first
        raise UnknownModel(f"{host} has no model {name}; it has {_names(listed)}: set the setting `model`", host=host)
    if found.can_fill is False:
        able = [model for model in models if model.can_fill]
        hint = f"; {_names(able)} can" if able else ""
        raise UnknownModel(f"{name} on {host} can't fill in the middle{hint}: set the setting `model`", host=host)
    return found


def _names(models: Sequence[Model]) -> str:
    return first_names([model.name for model in models])


def first_names(models: Sequence[str]) -> str:
    """The first few names, for a sentence."""
    short = (name.rsplit("/models/", 1)[-1] for name in models)
    names = [name for name in short if name.isprintable() and len(name) < 80]
    more = f" and {len(models) - _MAX_NAMED} more" if len(models) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more if names else "none"


def newest_codestral(models: Sequence[Model], retired: str) -> str:
    """The name of the Codestral that should replace ``retired``; ``""`` if there is none.

    According to the list, it can fill in the middle; if the list has no capabilities, its name shows no other purpose. Names
    that end with ``latest`` come first, then those with the latest date (``codestral-2508``).
    """
    has_capabilities = any(model.can_fill is not None for model in models)
    able = [
        model for model in models if (model.can_fill if has_capabilities else not _OTHER_PURPOSE.search(model.name))
    ]
    names = [
        (name.endswith("latest"), max(map(_date, (model.name, *model.aliases))), name)
        for model in able
        for name in (model.name, *model.aliases)
        if "codestral" in name.lower() and name != retired and name.isprintable()
    ]
    return max(names)[2] if names else ""


def _date(name: str) -> int:
    match = re.search(r"-(\d{4})\b", name)
    return int(match[1]) if match else 0
