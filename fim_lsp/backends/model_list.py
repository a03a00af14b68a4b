"""What ``/v1/models`` says: OpenAI's list, with what Mistral, vLLM, OpenRouter and llama.cpp add to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fim_lsp.backends.error_body import parse_json
from fim_lsp.backends.profile import Flow
from fim_lsp.backends.response_reader import count_of
from fim_lsp.errors import BackendError, UnknownModel
from fim_lsp.http.request import HttpResponse, get
from fim_lsp.http.urls import host_of

PATH: Final = "/v1/models"
_LEAST_WINDOW: Final = 256  # tokens; less is no context, but a mistake
_VALUES: Final = 64_000  # a gateway's list has some hundred models with up to a hundred values each
_SHOWN: Final = 4  # models that a sentence names
_OTHER: Final = re.compile("embed|mamba", re.IGNORECASE)  # what else goes by the name of Codestral


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of a list; what is None the list does not say. ``temperature`` is its default."""

    name: str
    aliases: tuple[str, ...] = ()
    can_fill: bool | None = None
    temperature: float | None = None
    context_tokens: int | None = None

    def is_called(self, name: str) -> bool:
        """Whether ``name`` means this model; a tag ``:latest`` may be left out, as with Ollama."""
        return name in (self.name, *self.aliases) or f"{name}:latest" == self.name


def ask_for(name: str, base_url: str, *, refuse: Callable[[HttpResponse], BackendError]) -> Flow[Model | None]:
    """Look for the model ``name`` in the list under ``base_url``; None where there is no list (codestral.mistral.ai has none).

    Raises what ``refuse`` makes of a key that is not taken, and what :func:`find_model` raises.
    """
    url = base_url.rstrip("/") + PATH
    answer: HttpResponse = yield get(url)
    if answer.status == 401:
        raise refuse(answer)
    return find_model(read_models(answer.body), name, host=host_of(url)) if answer.is_success else None


def read_models(body: bytes) -> tuple[Model, ...]:
    """The models in the body of an answer; none if it is not such a list."""
    parsed = parse_json(body, values=_VALUES)
    listed = parsed.get("data") if isinstance(parsed, dict) else parsed  # some send the bare list
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return tuple(_model(row) for row in rows if isinstance(row.get("id"), str))


def find_model(models: tuple[Model, ...], name: str, *, host: str) -> Model | None:
    """The model that ``name`` means, or the only one if ``name`` is empty; None if there are none to look in.

    Raises :class:`~fim_lsp.errors.UnknownModel` if it is not there, or can't fill in the middle.
    """
    if not models:
        return None
    if not name:
        return models[0] if len(models) == 1 else None
    found = next((model for model in models if model.is_called(name)), None)
    if found is None:
        usable = [model for model in models if model.can_fill is not False] or list(models)
        listed = sorted(usable, key=lambda model: model.can_fill is not True)  # those that say so come first
        raise UnknownModel(f"{host} has no model {name}; it has {_some(listed)}: set the setting `model`", host=host)
    if found.can_fill is False:
        able = tuple(model for model in models if model.can_fill)
        hint = f"; {_some(able)} can" if able else ""
        raise UnknownModel(f"{name} on {host} can't fill in the middle{hint}: set the setting `model`", host=host)
    return found


def _model(row: dict[str, object]) -> Model:
    meta, abilities, aliases = row.get("meta"), row.get("capabilities"), row.get("aliases")
    fill = abilities.get("completion_fim") if isinstance(abilities, dict) else None
    temperature = row.get("default_model_temperature")
    windows = [row.get("max_context_length"), row.get("max_model_len"), row.get("context_length")]
    windows.append(meta.get("n_ctx") if isinstance(meta, dict) else None)
    return Model(
        name=str(row["id"]),
        aliases=tuple(name for name in aliases if isinstance(name, str)) if isinstance(aliases, list) else (),
        can_fill=fill if isinstance(fill, bool) else None,
        temperature=float(temperature) if isinstance(temperature, int | float) else None,
        context_tokens=next((size for size in map(count_of, windows) if size >= _LEAST_WINDOW), None),
    )


def some(models: Sequence[str]) -> str:
    """The first few of the names, for a sentence."""
    short = (name.rsplit("/models/", 1)[-1] for name in models)
    names = [name for name in short if name.isprintable() and len(name) < 80]
    rest = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest if names else "none"


def _some(models: Sequence[Model]) -> str:
    return some([model.name for model in models])


def newest_codestral(models: Sequence[Model], gone: str) -> str:
    """The name of the Codestral that fills in the middle, in place of one that is ``gone``; ``""`` if there is none.

    Names that end with ``latest`` come first, then those with the latest date (``codestral-2508``). What a list says of
    abilities counts; where it says nothing of any, all but the models for other things do.
    """
    told = any(model.can_fill is not None for model in models)
    able = [model for model in models if (model.can_fill if told else not _OTHER.search(model.name))]
    names = [
        (name.endswith("latest"), max(map(_date, (model.name, *model.aliases))), name)
        for model in able
        for name in (model.name, *model.aliases)
        if "codestral" in name.lower() and name != gone and name.isprintable()
    ]
    return max(names)[2] if names else ""


def _date(name: str) -> int:
    found = re.search(r"-(\d{4})\b", name)
    return int(found[1]) if found else 0
