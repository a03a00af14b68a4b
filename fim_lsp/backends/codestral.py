"""Mistral's fill-in-the-middle API on its three hosts: how it is asked, and what its answers mean. Pure.

The API: https://docs.mistral.ai/api/endpoint/fim. Its request body is closed (``additionalProperties: false``): a field
it does not know is answered with 422 ``extra_forbidden``, so nothing but its documented parameters is ever sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from fim_lsp.backends.backend import Capacity
from fim_lsp.backends.error_body import read_error_body
from fim_lsp.backends.error_rules import Asked, error_from_response, location_of
from fim_lsp.backends.model_list import PATH as MODELS
from fim_lsp.backends.model_list import ask_for, newest_codestral, read_models
from fim_lsp.backends.profile import Capabilities, DefaultProfile, Flow, Generation, ProfileChange, least, stops
from fim_lsp.backends.response_reader import ResponseReader
from fim_lsp.errors import BackendError
from fim_lsp.http.rate_limit_headers import Quota, read_quota
from fim_lsp.http.request import HttpRequest, HttpResponse, get, post
from fim_lsp.http.urls import endpoint, host_of, path_of
from fim_lsp.prompt.prompt import HEADING, Prompt, has_heading, prefix_with_context
from fim_lsp.text.unicode import encodable

PATH: Final = "/v1/fim/completions"

CONTEXT_STOP: Final = f"\n{HEADING}"
"""Where the model goes on to a next file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHost:
    """One host of the API. ``base_url`` may hold ``{region}``; ``key_hint`` says whose key it wants."""

    base_url: str
    model: str
    key_hint: str


API_HOSTS: Final[Mapping[str, ApiHost]] = MappingProxyType(
    {
        "codestral": ApiHost(
            base_url="https://codestral.mistral.ai",
            model="codestral-latest",
            key_hint="it wants a Codestral key (CODESTRAL_API_KEY or the setting api_key), "
            "a key of api.mistral.ai does not work there",
        ),
        "mistral": ApiHost(
            base_url="https://api.mistral.ai",
            model="codestral-latest",
            key_hint="it wants a Mistral key (MISTRAL_API_KEY or the setting api_key), "
            "a key of codestral.mistral.ai does not work there",
        ),
        "langdock": ApiHost(
            base_url="https://api.langdock.com/mistral/{region}",
            model="codestral-2501",  # the model that Langdock's page names, in spite of RETIRED
            key_hint='it wants a Langdock key with the scope "Completion API" '
            "(LANGDOCK_API_KEY or the setting api_key)",
        ),
    }
)

RETIRED: Final[Mapping[str, str]] = MappingProxyType({"codestral-2405": "2025-06-16", "codestral-2501": "2025-11-30"})
"""Models that Mistral has taken down, and when: https://docs.mistral.ai/getting-started/models."""

_OWN_HOST_KEY_HINT: Final = "set api_key or api_key_command to a key of this host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestral(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for one of :data:`API_HOSTS`, or for a server that speaks like it.

    ``chosen``: the user has set the model; else it may be exchanged when the server has not got it any more.
    """

    name: str
    base_url: str
    model: str
    generation: Generation
    url: str
    chosen: bool = True

    @property
    def key_missing(self) -> str | None:
        """See :class:`Profile`; a server of one's own may do without a key."""
        elsewhere = _is_elsewhere(self.name, self.base_url)
        return None if elsewhere else f"{host_of(self.url)} needs a key: {_key_hint(self.name, self.base_url)}"

    def request(self, prompt: Prompt) -> HttpRequest:
        """See :class:`Profile`. Lone surrogates, which no UTF-8 can hold, become U+FFFD."""
        body = request_body(self.model, prompt, self.generation)
        accept = "text/event-stream" if self.generation.stream else "application/json"
        return post(self.url, body, accept=accept)

    def reader(self, prompt: Prompt | None = None) -> ResponseReader:
        """See :class:`Profile`."""
        return ResponseReader(self._complaint)

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        """See :class:`Profile`."""
        return read_quota(headers, now=now)

    def explain(self, status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> BackendError:
        """See :class:`Profile`."""
        quota = read_quota(headers, now=now)
        return error_from_response(
            self._asked(), status, read_error_body(body), quota=quota, location=location_of(headers)
        )

    def capabilities_flow(self) -> Flow[Capabilities]:
        """See :class:`Profile`. Mistral's list has each model's default temperature and what it can do."""
        model = yield from ask_for(self.model, self.url.removesuffix(PATH), refuse=self._refuse)
        return Capabilities(
            model=self.model,
            can_fill=model.can_fill if model else None,
            temperature=model.temperature if model else None,
            capacity=Capacity(total_tokens=model.context_tokens if model else None),
        )

    def other_model_flow(self) -> Flow[ProfileChange | None]:
        """See :class:`Profile`. Takes the newest Codestral of the server's list."""
        if self.chosen:
            return None
        answer: HttpResponse = yield get(self.url.removesuffix(PATH) + MODELS)
        name = newest_codestral(read_models(answer.body), self.model) if answer.is_success else ""
        if not name:
            return None
        notice = (
            f"{host_of(self.url)} does not answer with {self.model}; fim-lsp uses {name} for this session: "
            f'set model = "{name}" to make that last'
        )
        return ProfileChange(profile=replace(self, model=name), notice=notice)

    def _refuse(self, answer: HttpResponse) -> BackendError:
        return self.explain(answer.status, answer.headers, answer.body, now=0.0)

    def _complaint(self, message: object) -> BackendError:
        """The error for a message that says so itself, inside an answer whose status was 200."""
        outer = message if isinstance(message, dict) else {}
        inner = outer.get("error")
        told = [outer.get("raw_status_code"), outer.get("code"), inner.get("code") if isinstance(inner, dict) else None]
        status = next((code for code in told if isinstance(code, int) and 400 <= code <= 599), 500)
        return error_from_response(self._asked(), status, read_error_body(message))

    def _asked(self) -> Asked:
        retired = RETIRED.get(self.model)
        hint = "set the setting `model` to one that it offers, such as codestral-latest"
        if retired:
            hint = f"Mistral retired it on {retired}; set the setting `model`, for example to codestral-latest"
        return Asked(
            host=host_of(self.url),
            model=self.model,
            key_hint=_key_hint(self.name, self.base_url),
            model_hint=hint,
            path=path_of(self.url),
        )


def codestral(
    name: str = "codestral",
    *,
    base_url: str | None = None,
    region: str = "eu",
    model: str | None = None,
    generation: Generation | None = None,
) -> Codestral:
    """The profile of the back end ``name``, a key of :data:`API_HOSTS`; what is None is the site's default.

    Raises :class:`~fim_lsp.errors.SettingError` if ``base_url`` is no usable address.
    """
    site = API_HOSTS[name]
    base = base_url or site.base_url.format(region=quote(region, safe=""))
    return Codestral(
        name=name,
        base_url=base,
        model=model or site.model,
        generation=generation or Generation(),
        url=endpoint(base, PATH),
        chosen=model is not None,
    )


def request_body(model: str, prompt: Prompt, generation: Generation) -> dict[str, object]:
    """The JSON body: the API's parameters that have a value, and no others.

    An empty suffix is left out: absent, ``""`` and null are the same to the tokenizer. The prompt's ``max_tokens``
    lowers the setting's and never raises it; its ``stop`` strings are added to the setting's.
    """
    max_tokens = least(generation.max_tokens, prompt.max_tokens)
    min_tokens = generation.min_tokens
    if min_tokens is not None:
        min_tokens = least(min_tokens, prompt.max_tokens)  # more at the least than at the most would be refused
    # the API has no field for other files; a text with such headings of its own, a diff say, would be cut at them
    headings = bool(prompt.context) and not any(map(has_heading, (prompt.prefix, prompt.suffix)))
    whole = prefix_with_context(prompt) if headings else prompt.prefix
    stop = stops(generation.stop, prompt.stop, CONTEXT_STOP if headings else None)
    body: dict[str, object] = {
        "model": encodable(model),
        "prompt": encodable(whole),
        "suffix": encodable(prompt.suffix) or None,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "max_tokens": max_tokens,
        "min_tokens": min_tokens,
        "stop": stop[0] if len(stop) == 1 else stop or None,
        "random_seed": generation.random_seed,
        "stream": generation.stream,
    }
    return {name: value for name, value in body.items() if value is not None}


def _is_elsewhere(name: str, base_url: str) -> bool:
    """Whether ``base_url`` is not the host that ``name`` stands for."""
    return host_of(base_url) != host_of(API_HOSTS[name].base_url)


def _key_hint(name: str, base_url: str) -> str:
    return _OWN_HOST_KEY_HINT if _is_elsewhere(name, base_url) else API_HOSTS[name].key_hint
