"""OpenAI's ``/v1/completions``, as many servers have it: how they are asked, and what their answers mean. Pure.

vLLM, LM Studio, TGI, llama-cpp-python, llama-server, DeepSeek, Inception, SiliconFlow, OpenRouter and the like. What differs
is what they do with ``suffix``: the hosts in :data:`HOSTS` fill in before it. Others refuse it (vLLM: "suffix is not
currently supported"), ignore it without a word (llama-server) or append it to the text (TGI). So everywhere else the prompt is
rendered here, by the template of the model's family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from fim_lsp.backends.backend import Capacity
from fim_lsp.backends.error_body import ErrorBody, read_error_body
from fim_lsp.backends.error_rules import Asked, error_from_response, location_of
from fim_lsp.backends.model_list import ask_for
from fim_lsp.backends.ollama import NO_INSERT
from fim_lsp.backends.openai_suffix import suffix_counts
from fim_lsp.backends.profile import Capabilities, DefaultProfile, Flow, Generation, ProfileChange, Reader, least, stops
from fim_lsp.backends.response_reader import ResponseReader
from fim_lsp.backends.stop_filter import StopFilter
from fim_lsp.errors import BackendError, SettingError, UnknownModel
from fim_lsp.http.rate_limit_headers import Quota, read_quota
from fim_lsp.http.request import HttpRequest, HttpResponse, post
from fim_lsp.http.urls import endpoint, host_of, is_loopback, path_of
from fim_lsp.prompt.fim_templates import TEMPLATE_NAMES, Template, neutralize, render, template_for, template_named
from fim_lsp.prompt.prompt import Prompt, prefix_with_context
from fim_lsp.text.unicode import encodable

PATH: Final = "/v1/completions"
STOPS: Final = 4
"""Stop strings that any server takes; OpenAI's own limit. The others are looked for here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What is known of one host, by the name and port of its address.

    ``suffix``: it fills in before it. ``blank`` is sent for an empty one. ``refuses`` are parameters that it has not got.
    ``beside`` is where its other API is.
    """

    pattern: str
    path: str = PATH
    suffix: bool = False
    blank: str = ""
    stops: int = STOPS
    refuses: frozenset[str] = frozenset()
    beside: str = ""


HOSTS: Final = (
    # https://api-docs.deepseek.com/guides/fim_completion: the beta path, up to 16 stop strings
    Host(pattern="api.deepseek.com", path="/beta/completions", suffix=True, stops=16, refuses=frozenset({"seed"})),
    # Inception's OpenAPI description of its FIM endpoint has neither temperature nor seed
    Host(
        pattern="api.inceptionlabs.ai",
        path="/v1/fim/completions",
        suffix=True,
        refuses=frozenset({"temperature", "seed", "min_tokens"}),
    ),
    Host(pattern="api.siliconflow.cn", suffix=True),
    Host(pattern="api.siliconflow.com", suffix=True),
    # Ollama's own port; an empty suffix means none to it, as in its native call
    Host(pattern=":11434", suffix=True, blank="\n", beside="api"),
)
"""Hosts that differ; a pattern is the whole of a host's name, or the end of it with the port."""

_DISPENSABLE: Final = ("stream_options", "seed", "min_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAI(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for one server.

    ``form`` is how the two sides of the cursor are sent: ``"suffix"`` (by the API's field), ``"none"`` (the text before
    the cursor alone) or ``"template"`` (by ``template``, None if the model's family is not known). ``refuses`` are
    parameters that are not sent.
    """

    base_url: str
    model: str
    generation: Generation
    form: str
    template: Template | None
    host: Host
    url: str
    refuses: frozenset[str]
    name: str = "openai"

    @property
    def key_missing(self) -> str | None:
        """See :class:`Profile`; a server of one's own may do without a key."""
        return None

    @property
    def absent(self) -> str | None:
        """See :class:`Profile`."""
        return (
            f"nothing answers at {self.base_url}: start the server, or set base_url" if is_loopback(self.url) else None
        )

    def request(self, prompt: Prompt) -> HttpRequest:
        """See :class:`Profile`. Raises :class:`~fim_lsp.errors.UnknownModel` if no template is known."""
        sent = self._stops(prompt)[: self.host.stops]
        body = {
            "model": encodable(self.model) or None,
            **self._text(prompt),
            "temperature": self.generation.temperature,
            "top_p": self.generation.top_p,
            "max_tokens": least(self.generation.max_tokens, prompt.max_tokens),
            "min_tokens": least(self.generation.min_tokens, prompt.max_tokens) if self.generation.min_tokens else None,
            "stop": sent or None,
            "seed": self.generation.random_seed,
            "stream": self.generation.stream,
            "stream_options": {"include_usage": True} if self.generation.stream else None,
        }
        body = {name: value for name, value in body.items() if name not in self.refuses}
        return post(self.url, body, accept="text/event-stream" if self.generation.stream else "application/json")

    def reader(self, prompt: Prompt) -> Reader:
        """See :class:`Profile`."""
        unsent = tuple(self._stops(prompt)[self.host.stops :])
        suffix = encodable(prompt.suffix) if self.form == "suffix" else ""
        return StopFilter(ResponseReader(self._complaint), stops=unsent, suffix=suffix)

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        """See :class:`Profile`."""
        return read_quota(headers, now=now)

    def explain(self, status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> BackendError:
        """See :class:`Profile`."""
        quota = read_quota(headers, now=now)
        told, location = read_error_body(body), location_of(headers)
        return error_from_response(self._asked(), status, told, quota=quota, location=location, special=(NO_INSERT,))

    def alternative(self, status: int, body: bytes) -> ProfileChange | None:
        """See :class:`Profile`: with a template, or without a parameter that is not a must."""
        complaint = read_error_body(body)
        refused = status in (400, 422) and _names(complaint, "suffix")
        if self.form == "suffix" and (status == 200 or refused or NO_INSERT.words in complaint.words):
            return self._by_template()
        for name in _DISPENSABLE if status in (400, 422) else ():
            if name not in self.refuses and _names(complaint, name):
                notice = f"{host_of(self.url)} has no parameter {name}; it is left out from now on"
                return ProfileChange(profile=replace(self, refuses=self.refuses | {name}), notice=notice)
        return None

    def capabilities_flow(self) -> Flow[Capabilities]:
        """See :class:`Profile`.

        Looks for the model in ``/v1/models`` where there is such a list. If ``suffix`` is sent to a host of which it is
        not known what that does, two questions of one token each tell.
        """
        model = yield from ask_for(self.model, self.url.removesuffix(self.host.path), refuse=self._refuse)
        profile = self
        if model is not None and not self.model:
            template = self.template or template_for(model.name)
            profile = replace(self, model=model.name, template=template)
        change = ProfileChange(profile=profile, notice="") if profile is not self else None
        if profile.form == "suffix" and not self.host.suffix and not (yield from suffix_counts(profile.request)):
            change = profile._by_template() or change
        return Capabilities(
            model=profile.model,
            can_fill=(model.can_fill if model else None) or (True if profile.template else None),
            temperature=model.temperature if model else None,
            capacity=Capacity(total_tokens=model.context_tokens if model else None),
            change=change,
        )

    def _text(self, prompt: Prompt) -> dict[str, object]:
        if self.form == "template":
            if self.template is None:
                raise UnknownModel(
                    f"which FIM template {self.model or 'the model'} wants is not known: set the setting fim_template "
                    f'to one of {", ".join(TEMPLATE_NAMES)}, or to "suffix" if {host_of(self.url)} fills in by itself',
                    host=host_of(self.url),
                )
            return {"prompt": render(self.template, prompt)}
        text = neutralize(prefix_with_context(prompt), self.template.control if self.template else ())
        if self.form == "none":
            return {"prompt": text}
        return {"prompt": text, "suffix": encodable(prompt.suffix) or self.host.blank or None}

    def _stops(self, prompt: Prompt) -> list[str]:
        """All that end the answer, those that nobody else would notice first."""
        own = self.template.stop if self.template and self.form == "template" else ()
        return stops("\n" if prompt.single_line else None, self.generation.stop, prompt.stop, own)

    def _by_template(self) -> ProfileChange | None:
        if self.template is None:
            return None
        notice = (
            f"{host_of(self.url)} does not fill in before a suffix; "
            f"fim-lsp uses the template of {self.template.name} (setting fim_template)"
        )
        return ProfileChange(profile=replace(self, form="template"), notice=notice)

    def _complaint(self, message: object) -> BackendError:
        """The error for a message that says so itself, inside an answer whose status was 200."""
        inner = message.get("error") if isinstance(message, dict) else None
        code = inner.get("code") if isinstance(inner, dict) else None
        status = code if isinstance(code, int) and 400 <= code <= 599 else 500
        return error_from_response(self._asked(), status, read_error_body(message), special=(NO_INSERT,))

    def _refuse(self, answer: HttpResponse) -> BackendError:
        return self.explain(answer.status, answer.headers, answer.body, now=0.0)

    def _asked(self) -> Asked:
        return Asked(
            host=host_of(self.url),
            model=self.model or "it has loaded",
            key_hint="set api_key or api_key_command to a key of this host",
            model_hint="set the setting `model` to one that it offers",
            path=path_of(self.url),
        )


def openai(
    base_url: str | None,
    *,
    model: str | None = None,
    generation: Generation | None = None,
    fim_template: str = "auto",
) -> OpenAI:
    """The profile of a server at ``base_url``.

    ``fim_template``: a name of :data:`~fim_lsp.prompt.fim_templates.TEMPLATES`; ``"suffix"`` or ``"none"``, see
    :class:`OpenAI`; or ``"auto"``, which is what the host is known to want, else the template of the model's family. Raises
    :class:`~fim_lsp.errors.SettingError` without a usable address, and for another ``fim_template``.
    """
    if not base_url:
        raise SettingError("base_url must be set for openai, for example to http://127.0.0.1:8000")
    if fim_template not in ("auto", "suffix", "none", *TEMPLATE_NAMES):
        raise SettingError(f"fim_template must be auto, suffix, none or one of {', '.join(TEMPLATE_NAMES)}")
    host = _host(base_url)
    by_host = "suffix" if host.suffix else "template"
    form = {"auto": by_host, "suffix": "suffix", "none": "none"}.get(fim_template, "template")
    return OpenAI(
        base_url=base_url,
        model=model or "",
        generation=generation or Generation(),
        form=form,
        template=template_named(fim_template) or template_for(model or ""),
        host=host,
        url=endpoint(base_url, host.path, beside=host.beside),
        refuses=host.refuses,
    )


def _host(base_url: str) -> Host:
    name = host_of(endpoint(base_url, PATH))
    fits = (row for row in HOSTS if name == row.pattern or (row.pattern.startswith(":") and name.endswith(row.pattern)))
    return next(fits, Host(pattern=""))


def _names(complaint: ErrorBody, parameter: str) -> bool:
    """Whether a refusal is about ``parameter``. Its words may hold the user's text, so the name must stand with a reason."""
    if parameter in complaint.fields:
        return True
    reasons = ("support", "unknown", "unrecognized", "unexpected", "not permitted", "not allowed", "invalid", "extra")
    return any(
        parameter in line and len(line) < 200 and any(reason in line for reason in reasons)
        for line in complaint.words.split("\n")
    )
