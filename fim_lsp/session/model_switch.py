"""The command that changes the model in one session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.model_list import first_names
from fim_lsp.session.backend_manager import BackendManager
from fim_lsp.session.words import EMBEDDED
from fim_lsp.settings.schema import SPECS, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """``message`` is a sentence on the ``model`` that is asked for now, ``""`` if there is none.

    ``models`` are those that its server offers and that can fill in the middle; none if it does not say.
    """

    message: str
    model: str
    models: tuple[str, ...]


class ModelSwitch:
    """Changes the model of the back end that is tried first, until the session ends. One change at a time."""

    def __init__(self, backends: BackendManager, settings: Callable[[], Settings], apply: Callable[[], None]) -> None:
        """``settings`` are those that apply; ``apply`` is called after a choice, and has the back ends made again."""
        self._backends = backends
        self._settings = settings
        self._apply = apply
        self._lock = asyncio.Lock()

    async def describe(self) -> ModelReport:
        """Which model is used, and which ones the server offers."""
        async with self._lock:
            models = await self._backends.models()
            return self._report(f"{self._state()}{_offer(models)}", models)

    async def reset(self) -> ModelReport:
        """Use the model of the settings again."""
        async with self._lock:
            models = await self._backends.models()
            self._choose(None)
            return self._report(self._state(), models)

    async def choose(self, model: str) -> ModelReport:
        """Use a model in this session, unless its server says that it has none of that name that can fill in.

        Raises ValueError for what can't be a model's id.
        """
        name = SPECS["model"].validator.accept(model)
        async with self._lock:
            first = self._backends.first
            if first is None or not first.host:
                return self._report(self._state(), ())
            models = await self._backends.models()
            if models and name not in models and f"{name}:latest" not in models:
                refusal = f"{first.host} has no model {name} that can fill in, so {first.model} stays"
                return self._report(f"{refusal}.{_offer(models)}", models)
            self._choose(name)
            return self._report(self._state(), models)

    def _choose(self, model: str | None) -> None:
        self._backends.choose_model(self._settings(), model)
        self._apply()

    def _report(self, message: str, models: tuple[str, ...]) -> ModelReport:
        first = self._backends.first
        return ModelReport(message=message, model=first.model if first else "", models=models)

    def _state(self) -> str:
        first = self._backends.first
        if first is None:
            return "No back end can be used."
        if not first.host:
            return f"Suggestions are made inside fim-lsp ({EMBEDDED}), which has no other model."
        if self._backends.chosen_model(self._settings()):
            return f"{_named(first)} is used, until this session ends; then your settings apply again."
        return f"{_named(first)} is used{', as your settings say' if self._settings().model else ''}."


def _named(backend: Backend) -> str:
    return f"{backend.model or 'The model that is loaded'} on {backend.host}"


def _offer(models: tuple[str, ...]) -> str:
    return f" It offers {first_names(models)}." if models else ""
