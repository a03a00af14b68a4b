"""OpenAI's ``/v1/completions``, which many servers offer.

vLLM, LM Studio, TGI, llama-cpp-python, llama-server, DeepSeek, Inception, SiliconFlow, OpenRouter and others. They differ
in ``suffix``: the hosts in :data:`HOST_QUIRKS` fill in before it. Others reject it (vLLM: "suffix is not currently
supported"), ignore it silently (llama-server) or append it to the text (TGI). So for all others the prompt is rendered
here, with the template of the model's family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from fim_lsp.backends.backend import Capacity
from fim_lsp.backends.error_response import (
    ErrorBody,
    ErrorContext,
    error_from_response,
    error_in_stream,
    read_error_body,
)
from fim_lsp.backends.key_store import key_set_command
from fim_lsp.backends.model_list import fillable_flow, model_flow
from fim_lsp.backends.ollama import NO_INSERT
from fim_lsp.backends.profile import (
    HIGHER_TEMPERATURES,
    Capabilities,
    DefaultProfile,
    Flow,
    Generation,
    ProfileChange,
    Reader,
    smallest,
    stop_strings,
)
from fim_lsp.backends.response_reader import ResponseReader, chunk_of_choices
from fim_lsp.backends.stop_filter import StopFilter
from fim_lsp.errors import BackendError, SettingError, UnknownModel
from fim_lsp.http.rate_limit_headers import Quota, read_quota
from fim_lsp.http.request import EVENT_STREAM, JSON, HttpRequest, HttpResponse, parse_json, post
from fim_lsp.http.urls import endpoint, host_of, is_loopback
from fim_lsp.prompt.fim_templates import TEMPLATE_NAMES, Template, neutralize, render, template_for, template_named
from fim_lsp.prompt.prompt import Prompt, prefix_with_context
from fim_lsp.text.unicode import encodable

PATH: Final = "/v1/completions"

MAX_STOPS: Final = 4
"""Stop strings that any server accepts; OpenAI's own limit. The others are applied on this side."""

PromptForm = Literal["suffix", "prefix", "template"]
"""How the text around the cursor is sent: in the API's two fields, without a suffix, or rendered by a template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostQuirks:
    """How one host differs. ``pattern`` is its whole name, or the end of its name with the port.

    ``fills_suffix``: it fills in before ``suffix``; ``empty_suffix`` is sent for an empty one. ``refused_parameters`` are
    those that it does not accept. ``other_api`` is the path of another API on it.
    """

    pattern: str
    path: str = PATH
    fills_suffix: bool = False
    empty_suffix: str = ""
    max_stops: int = MAX_STOPS
    refused_parameters: frozenset[str] = frozenset()
    other_api: str = ""


HOST_QUIRKS: Final = (
    # https://api-docs.deepseek.com/guides/fim_completion: the beta path, up to 16 stop strings
    HostQuirks(
        pattern="api.deepseek.com",
        path="/beta/completions",
        fills_suffix=True,
        max_stops=16,
        refused_parameters=frozenset({"seed"}),
    ),
    # Inception's OpenAPI description of its FIM endpoint contains neither temperature nor seed
    HostQuirks(
        pattern="api.inceptionlabs.ai",
        path="/v1/fim/completions",
        fills_suffix=True,
        refused_parameters=frozenset({"temperature", "seed", "min_tokens"}),
    ),
    HostQuirks(pattern="api.siliconflow.cn", fills_suffix=True),
    HostQuirks(pattern="api.siliconflow.com", fills_suffix=True),
    # Ollama's default port; an empty suffix counts as none, as in its native call
    HostQuirks(pattern=":11434", fills_suffix=True, empty_suffix="\n", other_api="api"),
)

_OPTIONAL_PARAMETERS: Final = ("stream_options", "seed", "min_tokens")
_REFUSALS: Final = (
    "support", "unknown", "unrecognized", "unexpected", "not permitted", "not allowed", "invalid", "extra",
)  # fmt: skip


def openai(
    base_url: str | None,
    *,
    model: str | None = None,
    generation: Generation | None = None,
    fim_template: str = "auto",
) -> OpenAI:
    """The profile of a server at ``base_url``.

    ``fim_template``: a name in :data:`~fim_lsp.prompt.fim_templates.TEMPLATES`; ``"suffix"`` for the API's field;
    ``"none"`` for the text before the cursor alone; or ``"auto"``: ``suffix`` on the hosts that are known to fill in
    before it, else the template of the model's family. Raises :class:`~fim_lsp.errors.SettingError` for any other value,
    and without a usable URL.
    """
    if not base_url:
        raise SettingError("base_url must be set for openai, for example to http://127.0.0.1:8000")
    if fim_template not in ("auto", "suffix", "none", *TEMPLATE_NAMES):
        raise SettingError(f"fim_template must be auto, suffix, none or one of {', '.join(TEMPLATE_NAMES)}")
    host = _quirks_of(base_url)
    forms: dict[str, PromptForm] = {
        "auto": "suffix" if host.fills_suffix else "template",
        "suffix": "suffix",
        "none": "prefix",
    }
    return OpenAI(
        base_url=base_url,
        model=model or "",
        generation=generation or Generation(),
        form=forms.get(fim_template, "template"),
        template=template_named(fim_template) or template_for(model or ""),
        host=host,
        url=endpoint(base_url, host.path, other_api=host.other_api),
        refused_parameters=host.refused_parameters,
    )


def _quirks_of(base_url: str) -> HostQuirks:
    name = host_of(endpoint(base_url, PATH))
    rows = (row for row in HOST_QUIRKS if row.pattern == name or (row.pattern[0] == ":" and name.endswith(row.pattern)))
    return next(rows, HostQuirks(pattern=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAI(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for one server.

    ``template`` is None if the model's family is unknown. ``refused_parameters`` are not sent.
    """

    base_url: str
    model: str
    generation: Generation
    form: PromptForm
    template: Template | None
    host: HostQuirks
    url: str
    refused_parameters: frozenset[str]
    name: str = "openai"

    @property
    def not_running_message(self) -> str | None:
        if not is_loopback(self.url):
            return None
        return f"nothing responds at {self.base_url}: start the server, or set base_url"

    def request(self, prompt: Prompt) -> HttpRequest:
        """Raises :class:`~fim_lsp.errors.UnknownModel` if a template is needed and none is known."""
        generation = self.generation.varied(prompt.variation, unset=HIGHER_TEMPERATURES)
        body = {
            "model": encodable(self.model) or None,
            **self._text_fields(prompt),
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "max_tokens": smallest(generation.max_tokens, prompt.max_tokens),
            "min_tokens": smallest(generation.min_tokens, prompt.max_tokens) if generation.min_tokens else None,
            "stop": self._stops(prompt)[: self.host.max_stops] or None,
            "seed": generation.random_seed,
            "stream": generation.stream,
            "stream_options": {"include_usage": True} if generation.stream else None,
        }
        body = {name: value for name, value in body.items() if name not in self.refused_parameters}
        return post(self.url, body, accept=EVENT_STREAM if generation.stream else JSON)

    def _text_fields(self, prompt: Prompt) -> dict[str, object]:
        if self.form == "template":
            if self.template is None:
                raise UnknownModel(
                    f"the FIM template of {self.model or 'the model'} is unknown: set the setting fim_template "
                    f'to one of {", ".join(TEMPLATE_NAMES)}, or to "suffix" if {host_of(self.url)} fills in by itself',
                    host=host_of(self.url),
                )
            return {"prompt": render(self.template, prompt)}
        prefix = neutralize(prefix_with_context(prompt), self.template.control if self.template else ())
        if self.form == "prefix":
            return {"prompt": prefix}
        return {"prompt": prefix, "suffix": encodable(prompt.suffix) or self.host.empty_suffix or None}

    def _stops(self, prompt: Prompt) -> list[str]:
        """All stop strings; those that the server itself should apply come first."""
        line_end = "\n" if prompt.single_line else None
        template_stops = self.template.stop if self.template and self.form == "template" else ()
        return stop_strings(line_end, self.generation.stop, prompt.stop, template_stops)

    def reader(self, prompt: Prompt) -> Reader:
        reader = ResponseReader(lambda message: error_in_stream(self._error_context, message, rules=(NO_INSERT,)))
        unsent_stops = tuple(self._stops(prompt)[self.host.max_stops :])
        suffix = encodable(prompt.suffix) if self.form == "suffix" else ""
        return StopFilter(reader, stops=unsent_stops, suffix=suffix)

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        return read_quota(headers, now=now)

    def error(self, response: HttpResponse, quota: Quota | None = None) -> BackendError:
        return error_from_response(self._error_context, response, quota=quota, rules=(NO_INSERT,))

    def alternative(self, response: HttpResponse) -> ProfileChange | None:
        """Use a template instead of a suffix, or omit an optional parameter that the server rejects."""
        body = read_error_body(response.body)
        is_invalid = response.status in (400, 422)
        refuses_suffix = (is_invalid and _is_about(body, "suffix")) or NO_INSERT.words in body.words
        if refuses_suffix and self.form == "suffix":
            return self.alternative_without_suffix()
        for name in _OPTIONAL_PARAMETERS if is_invalid else ():
            if name not in self.refused_parameters and _is_about(body, name):
                notice = f"{host_of(self.url)} has no parameter {name}; it is left out from now on"
                profile = replace(self, refused_parameters=self.refused_parameters | {name})
                return ProfileChange(profile=profile, notice=notice)
        return None

    def alternative_without_suffix(self) -> ProfileChange | None:
        if self.template is None:
            return None
        notice = (
            f"{host_of(self.url)} does not fill in before a suffix; "
            f"fim-lsp uses the template of {self.template.name} (setting fim_template)"
        )
        return ProfileChange(profile=replace(self, form="template"), notice=notice)

    def capabilities_flow(self) -> Flow[Capabilities]:
        """Look for the model in ``/v1/models``, and check whether ``suffix`` has an effect, unless that is known."""
        model = yield from model_flow(self.model, self.url.removesuffix(self.host.path), to_error=self.error)
        profile, change = self, None
        if model is not None and not self.model:
            profile = replace(self, model=model.name, template=self.template or template_for(model.name))
            change = ProfileChange(profile=profile, notice="")
        if profile.form == "suffix" and not self.host.fills_suffix and not (yield from profile._suffix_flow()):
            change = profile.alternative_without_suffix() or change
        return Capabilities(
            can_fill=(model.can_fill if model else None) or (True if profile.template else None),
            capacity=Capacity(total_tokens=model.context_tokens if model else None),
            change=change,
        )

    def models_flow(self) -> Flow[tuple[str, ...]]:
        """Where the template depends on the model's name, only those of known families."""
        by_name = self.form == "template" and self.template == template_for(self.model)
        return fillable_flow(
            self.url.removesuffix(self.host.path),
            to_error=self.error,
            fits=lambda name: not by_name or template_for(name) is not None,
        )

    def _suffix_flow(self) -> Flow[bool]:
        """Whether the server uses ``suffix``: llama-server and others ignore it silently.

        It is asked for one token with a suffix and one without. If it uses the suffix, it charges for more tokens, or
        rejects it. True if that is unclear: no usage, or another error, which the next request will get too.
        """
        charged = []
        for suffix in (_TEST_SUFFIX, ""):
            request = self.request(Prompt(prefix=_TEST_PREFIX, suffix=suffix, max_tokens=1))
            body = parse_json(request.body)
            body = {**body, "stream": False, "stream_options": None} if isinstance(body, dict) else {}
            response: HttpResponse = yield post(request.url, body, accept=JSON)
            message = response.json()
            if not isinstance(message, dict):
                return b"suffix" not in response.body  # a 400 that names it
            usage = chunk_of_choices(message).usage
            charged.append(usage.prompt_tokens if usage else 0)
        return charged[0] > charged[1] or 0 in charged

    @property
    def _error_context(self) -> ErrorContext:
        return ErrorContext(
            url=self.url,
            model=self.model or "it has loaded",
            key_hint=f"run `{key_set_command(self.url)}`, or set api_key or api_key_command",
            model_hint="set the setting `model` to one that it offers",
        )


_TEST_PREFIX: Final = "def total(a, b):\n    return"
_TEST_SUFFIX: Final = "\n\ndef main():\n    print(total(1, 2))\n\n\nif __name__ == '__main__':\n    main()\n"


def _is_about(body: ErrorBody, parameter: str) -> bool:
    """Whether an error is about ``parameter``. Messages may contain the user's text, so the name alone is not enough."""
    if parameter in body.fields:
        return True
    return any(
        parameter in line and len(line) < 200 and any(refusal in line for refusal in _REFUSALS)
        for line in body.words.split("\n")
    )
