"""Mistral's fill-in-the-middle API, on its three hosts and on compatible servers.

The API: https://docs.mistral.ai/api/endpoint/fim. Its request body is closed (``additionalProperties: false``): an unknown
field is rejected with 422 ``extra_forbidden``, so only documented parameters are ever sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from fim_lsp.backends.backend import Capacity
from fim_lsp.backends.error_response import ErrorContext, error_from_response, error_in_stream
from fim_lsp.backends.key_store import key_set_command
from fim_lsp.backends.model_list import MODELS_PATH, fillable_flow, model_flow, newest_codestral, read_models
from fim_lsp.backends.profile import (
    Capabilities,
    DefaultProfile,
    Flow,
    Generation,
    ProfileChange,
    smallest,
    stop_strings,
)
from fim_lsp.backends.response_reader import ResponseReader
from fim_lsp.errors import BackendError
from fim_lsp.http.rate_limit_headers import Quota, read_quota
from fim_lsp.http.request import EVENT_STREAM, JSON, HttpRequest, HttpResponse, get, post
from fim_lsp.http.urls import endpoint, host_of
from fim_lsp.prompt.prompt import HEADING, Prompt, has_heading, prefix_with_context
from fim_lsp.text.unicode import encodable

PATH: Final = "/v1/fim/completions"

CONTEXT_STOP: Final = f"\n{HEADING}"
"""With context in the prompt, the model may continue with another file; the completion ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHost:
    """A host of the API. ``base_url`` may contain ``{region}``; ``key_hint``: the key that "it requires", and what to do."""

    base_url: str
    model: str
    key_hint: str


API_HOSTS: Final[Mapping[str, ApiHost]] = MappingProxyType(
    {
        "codestral": ApiHost(
            base_url="https://codestral.mistral.ai",
            model="codestral-latest",
            key_hint="it requires a Codestral key; run `fim-lsp key set codestral.mistral.ai`, or set CODESTRAL_API_KEY or "
            "api_key (a key for api.mistral.ai does not work there)",
        ),
        "mistral": ApiHost(
            base_url="https://api.mistral.ai",
            model="codestral-latest",
            key_hint="it requires a Mistral key; run `fim-lsp key set api.mistral.ai`, or set MISTRAL_API_KEY or api_key "
            "(a key for codestral.mistral.ai does not work there)",
        ),
        "langdock": ApiHost(
            base_url="https://api.langdock.com/mistral/{region}",
            model="codestral-2501",  # the model in Langdock's documentation, despite RETIRED
            key_hint='it requires a Langdock key with the scope "Completion API"; run `fim-lsp key set api.langdock.com`, '
            "or set LANGDOCK_API_KEY or api_key",
        ),
    }
)
"""By the value of the setting ``backend``."""

RETIRED: Final[Mapping[str, str]] = MappingProxyType({"codestral-2405": "2025-06-16", "codestral-2501": "2025-11-30"})
"""Models that Mistral has retired, and when: https://docs.mistral.ai/getting-started/models."""


def codestral(
    name: str = "codestral",
    *,
    base_url: str | None = None,
    region: str = "eu",
    model: str | None = None,
    generation: Generation | None = None,
) -> Codestral:
    """The profile of the back end ``name``, a key of :data:`API_HOSTS`; for None, that host's default is used.

    Raises :class:`~fim_lsp.errors.SettingError` if ``base_url`` is not a usable URL.
    """
    host = API_HOSTS[name]
    base = base_url or host.base_url.format(region=quote(region, safe=""))
    return Codestral(
        name=name,
        base_url=base,
        model=model or host.model,
        generation=generation or Generation(),
        url=endpoint(base, PATH),
        model_is_chosen=model is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestral(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for one of :data:`API_HOSTS`, or for a compatible server.

    ``model_is_chosen``: the user has set the model; otherwise another one may replace it when the server retires it.
    """

    name: str
    base_url: str
    model: str
    generation: Generation
    url: str
    model_is_chosen: bool = True

    @property
    def missing_key_message(self) -> str | None:
        if self._is_self_hosted:
            return None
        return f"{host_of(self.url)} {API_HOSTS[self.name].key_hint.removeprefix('it ')}"

    def request(self, prompt: Prompt) -> HttpRequest:
        body = request_body(self.model, prompt, self.generation)
        return post(self.url, body, accept=EVENT_STREAM if self.generation.stream else JSON)

    def reader(self, prompt: Prompt | None = None) -> ResponseReader:
        return ResponseReader(lambda message: error_in_stream(self._error_context, message))

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        return read_quota(headers, now=now)

    def error(self, response: HttpResponse, quota: Quota | None = None) -> BackendError:
        return error_from_response(self._error_context, response, quota=quota)

    def capabilities_flow(self) -> Flow[Capabilities]:
        model = yield from model_flow(self.model, self.url.removesuffix(PATH), to_error=self.error)
        return Capabilities(
            can_fill=model.can_fill if model else None,
            capacity=Capacity(total_tokens=model.context_tokens if model else None),
        )

    def models_flow(self) -> Flow[tuple[str, ...]]:
        return fillable_flow(self.url.removesuffix(PATH), to_error=self.error)

    def other_model_flow(self) -> Flow[ProfileChange | None]:
        """Switch to the newest Codestral in the server's list."""
        if self.model_is_chosen:
            return None
        response: HttpResponse = yield get(self.url.removesuffix(PATH) + MODELS_PATH)
        name = newest_codestral(read_models(response.body), self.model) if response.is_success else ""
        if not name:
            return None
        notice = (
            f"{host_of(self.url)} does not offer {self.model}; fim-lsp uses {name} for this session: "
            f'set model = "{name}" to keep it'
        )
        return ProfileChange(profile=replace(self, model=name), notice=notice)

    @property
    def _is_self_hosted(self) -> bool:
        return host_of(self.base_url) != host_of(API_HOSTS[self.name].base_url)

    @property
    def _error_context(self) -> ErrorContext:
        model_hint = "set the setting `model` to one that it offers, such as codestral-latest"
        if retired := RETIRED.get(self.model):
            model_hint = f"Mistral retired it on {retired}; set the setting `model`, for example to codestral-latest"
        return ErrorContext(
            url=self.url,
            model=self.model,
            key_hint=f"run `{key_set_command(self.url)}`, or set api_key or api_key_command"
            if self._is_self_hosted
            else API_HOSTS[self.name].key_hint,
            model_hint=model_hint,
        )


def request_body(model: str, prompt: Prompt, generation: Generation) -> dict[str, object]:
    """The JSON body: the API's parameters that have a value, and no others.

    An empty suffix is left out: absent, ``""`` and null are the same to the tokenizer. The prompt's ``max_tokens`` lowers
    the setting's and never raises it; its ``stop`` strings are added to the setting's.
    """
    generation = generation.varied(prompt.variation)
    min_tokens = generation.min_tokens
    if min_tokens is not None:
        min_tokens = smallest(min_tokens, prompt.max_tokens)  # the API rejects a minimum above the maximum
    # the API has no field for other files; a text that contains such headings, such as a diff, would be cut at them
    has_context = bool(prompt.context) and not any(map(has_heading, (prompt.prefix, prompt.suffix)))
    stop = stop_strings(generation.stop, prompt.stop, CONTEXT_STOP if has_context else None)
    body: dict[str, object] = {
        "model": encodable(model),
        "prompt": encodable(prefix_with_context(prompt) if has_context else prompt.prefix),
        "suffix": encodable(prompt.suffix) or None,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "max_tokens": smallest(generation.max_tokens, prompt.max_tokens),
        "min_tokens": min_tokens,
        "stop": stop[0] if len(stop) == 1 else stop or None,
        "random_seed": generation.random_seed,
        "stream": generation.stream,
    }
    return {name: value for name, value in body.items() if value is not None}
