"""Ollama's ``/api/generate``.

https://github.com/ollama/ollama/blob/main/docs/api.md. Ollama renders the prompt with its model's own template, if that
has a place for a suffix. Otherwise it responds ``does not support insert``, and the prompt is rendered here, which Ollama
calls ``raw``. Its native call has no field for other files: with context, the prompt is rendered here too, if the model's
family is known.

Two pitfalls: without a suffix, the model is asked to chat (ollama/ollama#6932); an empty prompt only loads the model. So
at least a line end is sent for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from fim_lsp.backends.backend import Capacity, Chunk, Usage
from fim_lsp.backends.error_response import (
    ErrorContext,
    ErrorRule,
    error_from_response,
    error_in_stream,
    read_error_body,
)
from fim_lsp.backends.key_store import key_set_command
from fim_lsp.backends.model_list import first_names
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
from fim_lsp.backends.response_reader import ResponseFormat, ResponseReader, count_of
from fim_lsp.backends.stop_filter import StopFilter
from fim_lsp.errors import BackendError, Rejected, UnknownModel
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import JSON, HttpRequest, HttpResponse, get, post
from fim_lsp.http.urls import endpoint, host_of
from fim_lsp.prompt.fim_templates import CONTROL_TOKENS, Template, neutralize, render, template_for, template_named
from fim_lsp.prompt.prompt import Prompt, prefix_with_context
from fim_lsp.text.unicode import encodable

PATH: Final = "/api/generate"
BASE_URL: Final = "http://127.0.0.1:11434"

KEEP_ALIVE: Final = "30m"
"""How long the model stays in memory after a call. Ollama's default of 5 minutes is shorter than a coffee break."""

MIN_NUM_CTX: Final = 4096
"""The smallest ``num_ctx``, in tokens. It is only ever doubled: Ollama loads the model again for another value."""

_CHARS_PER_TOKEN: Final = 2.2  # low, so that no prompt is cut; 98 % of windows of code have more
_MAX_SHOWN: Final = 12  # models whose capabilities are requested

NO_INSERT: Final = ErrorRule(
    status="400|500",
    words="does not support insert",
    error=UnknownModel,
    sentence="Ollama's {model} can't fill in the middle, and its family is unknown here: set another `model`, "
    "such as qwen2.5-coder:1.5b-base, or `fim_template` to its family",
)
"""What both of Ollama's endpoints respond if the model's template has no place for a suffix."""

_RULES: Final = (
    NO_INSERT,
    ErrorRule(
        status="400|500",
        words="does not support generate",
        error=UnknownModel,
        sentence="Ollama's {model} does not generate text: set another `model`, such as qwen2.5-coder:1.5b-base",
    ),
    ErrorRule(
        status="500",
        words="requires more system memory|out of memory",
        error=Rejected,
        sentence="Ollama has too little memory for {model}: set a smaller `model`",
    ),
)


def ollama(
    model: str | None,
    *,
    base_url: str | None = None,
    generation: Generation | None = None,
    fim_template: str = "auto",
) -> Ollama:
    """The profile of ``model`` on an Ollama server. If it is None, the server is asked which models it has.

    ``fim_template``: ``"auto"`` leaves the rendering to the server if possible, ``"suffix"`` always; a name in
    :data:`~fim_lsp.prompt.fim_templates.TEMPLATES` renders every prompt here. Raises
    :class:`~fim_lsp.errors.SettingError` if ``base_url`` is not a usable URL.
    """
    url = endpoint(base_url or BASE_URL, PATH)
    named = template_named(fim_template)
    return Ollama(
        base_url=url.removesuffix(PATH),
        model=model or "",
        generation=generation or Generation(),
        template=named or (template_for(model) if model and fim_template == "auto" else None),
        raw=named is not None,
        template_by_model=fim_template == "auto",
        url=url,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ollama(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for Ollama. ``template`` is the model's family, if it is known.

    ``raw``: every prompt is rendered here, because the server can't. ``template_by_model``: the family depends on the
    model's name.
    """

    base_url: str
    model: str
    generation: Generation
    template: Template | None
    raw: bool
    url: str
    template_by_model: bool = True
    name: str = "ollama"

    @property
    def not_running_message(self) -> str:
        return f"no Ollama responds at {self.base_url}: start it with `ollama serve`, or set base_url"

    def request(self, prompt: Prompt) -> HttpRequest:
        """Raises :class:`~fim_lsp.errors.UnknownModel` without a model."""
        if not self.model:
            raise UnknownModel(f"the models of the Ollama at {self.base_url} are not known yet", host=host_of(self.url))
        return post(self.url, self._body(prompt), accept="application/x-ndjson")

    def reader(self, prompt: Prompt) -> Reader:
        reader = ResponseReader(lambda message: error_in_stream(self._error_context, message, rules=_RULES), GENERATE)
        return StopFilter(reader, stops=self.template.stop) if self.template else reader

    def error(self, response: HttpResponse, quota: Quota | None = None) -> BackendError:
        return error_from_response(self._error_context, response, rules=_RULES)

    def alternative(self, response: HttpResponse) -> ProfileChange | None:
        return self._to_raw() if NO_INSERT.words in read_error_body(response.body).words else None

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        """Without a prompt, which loads the model; or with the context alone, if it is rendered here."""
        if not self.model:
            return None
        options = {"num_ctx": _num_ctx(prompt, self.generation), "num_predict": 1}  # 0 would mean no limit
        body: dict[str, object] = {"model": encodable(self.model), "keep_alive": KEEP_ALIVE}
        if self._is_rendered_here(prompt):
            body = self._body(replace(prompt, prefix="", suffix=""))
        return post(self.url, body | {"options": options, "stream": False}, accept=JSON)

    def capabilities_flow(self) -> Flow[Capabilities]:
        """Ask ``/api/show``, and before that for a model if none is set."""
        if not self.model:
            return (yield from self._find_model())
        request = _show(self.base_url, self.model)
        response: HttpResponse = yield request
        if not response.is_success:
            context = replace(self._error_context, url=request.url)
            raise error_from_response(context, response, rules=_RULES)
        shown = response.json()
        can_insert = _can_insert(shown)
        change = self._to_raw() if can_insert is False else None
        return Capabilities(
            can_fill=True if change or self.raw else can_insert,
            capacity=Capacity(total_tokens=_context_length(shown)),
            change=change,
        )

    def models_flow(self) -> Flow[tuple[str, ...]]:
        response: HttpResponse = yield get(endpoint(self.base_url, "/api/tags"))
        if response.status == 401:
            raise self.error(response)
        able = []
        for number, name in enumerate(_model_names(response.json())):
            is_able = template_for(name) is not None or not self.template_by_model
            if not is_able and number < _MAX_SHOWN:
                shown: HttpResponse = yield _show(self.base_url, name)
                is_able = _can_insert(shown.json()) is True
            if is_able and name.isprintable():
                able.append(name)
        return tuple(able)

    def _find_model(self) -> Flow[Capabilities]:
        name, models = yield from find_model_flow(self.base_url)
        if not name:
            raise UnknownModel(
                f"the Ollama at {self.base_url} has no model that can fill in the middle; it has {first_names(models)}: "
                "get one with `ollama pull qwen2.5-coder:1.5b-base`, or set the setting `model`",
                host=host_of(self.url),
            )
        profile = replace(self, model=name, template=template_for(name) if self.template_by_model else self.template)
        found = yield from profile.capabilities_flow()
        return replace(found, change=found.change or ProfileChange(profile=profile, notice=""))

    def _body(self, prompt: Prompt) -> dict[str, object]:
        raw = self._is_rendered_here(prompt)
        return generate_body(self.model, prompt, self.generation, template=self.template, raw=raw)

    def _is_rendered_here(self, prompt: Prompt) -> bool:
        return self.raw or bool(prompt.context and self.template and self.template.current_file)

    def _to_raw(self) -> ProfileChange | None:
        if self.raw or self.template is None:
            return None
        notice = (
            f"Ollama's {self.model} has no template for filling in the middle; "
            f"fim-lsp uses that of {self.template.name} (setting fim_template)"
        )
        return ProfileChange(profile=replace(self, raw=True), notice=notice)

    @property
    def _error_context(self) -> ErrorContext:
        return ErrorContext(
            url=self.url,
            model=self.model,
            key_hint=f"run `{key_set_command(self.url)}`, or set api_key, with the key of the proxy in front of it",
            model_hint=f"get it with `ollama pull {self.model}`, or list what is there with `ollama list`",
        )


def generate_body(
    model: str, prompt: Prompt, generation: Generation, *, template: Template | None, raw: bool
) -> dict[str, object]:
    """The JSON body, with the prompt rendered by ``template`` if ``raw``, else by the server."""
    body: dict[str, object] = {
        "model": encodable(model),
        "keep_alive": KEEP_ALIVE,
        "options": _options(prompt, generation, template if raw else None),
        "stream": True,
    }
    if raw and template is not None:
        return body | {"raw": True, "prompt": render(template, prompt)}
    control = template.control if template else CONTROL_TOKENS
    prefix, suffix = (neutralize(text, control) for text in (prefix_with_context(prompt), prompt.suffix))
    return body | {"prompt": prefix or "\n", "suffix": suffix or "\n"}


def _options(prompt: Prompt, generation: Generation, template: Template | None) -> dict[str, object]:
    generation = generation.varied(prompt.variation, unset=HIGHER_TEMPERATURES)
    line_end = "\n" if prompt.single_line else None
    stop = stop_strings(line_end, generation.stop, prompt.stop, template.stop if template else None)
    options = {
        "num_predict": smallest(generation.max_tokens, prompt.max_tokens),
        "num_ctx": _num_ctx(prompt, generation),
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "seed": generation.random_seed,
        "stop": stop or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _num_ctx(prompt: Prompt, generation: Generation) -> int:
    """Room for the prompt and the completion. Ollama silently drops the beginning of a longer prompt."""
    size = len(prompt.prefix) + len(prompt.suffix) + sum(len(each.path) + len(each.text) for each in prompt.context)
    needed = int(size / _CHARS_PER_TOKEN) + (generation.max_tokens or prompt.max_tokens or 128) + 64
    num_ctx = MIN_NUM_CTX
    while num_ctx < needed:
        num_ctx *= 2
    return num_ctx


def _generate_chunk(message: dict[str, object]) -> Chunk:
    text = message.get("response")
    usage = Usage(
        prompt_tokens=count_of(message.get("prompt_eval_count")),
        completion_tokens=count_of(message.get("eval_count")),
    )
    is_last = message.get("done") is True
    return Chunk(
        text=text if isinstance(text, str) else "",
        finish=("length" if message.get("done_reason") == "length" else "stop") if is_last else None,
        usage=usage if is_last else None,
    )


GENERATE: Final = ResponseFormat(field="response", field_type=str, to_chunk=_generate_chunk, streams_lines=True)
"""What ``/api/generate`` sends: a line of JSON for each token, the last of which has ``done`` set to true."""


def find_model_flow(base_url: str) -> Flow[tuple[str, tuple[str, ...]]]:
    """The model to use, ``""`` if none can fill in the middle, and the names of all models.

    The server's template must have a place for a suffix, or the family's must be known here. Loaded models come first,
    then the newest.
    """
    names: list[str] = []
    for path in ("/api/ps", "/api/tags"):
        response: HttpResponse = yield get(endpoint(base_url, path))
        names += _model_names(response.json())
    names = list(dict.fromkeys(names))
    first_known = ""
    for name in names[:_MAX_SHOWN]:
        response = yield _show(base_url, name)
        if _can_insert(response.json()):
            return name, tuple(names)
        if not first_known and template_for(name) is not None:
            first_known = name
    return first_known, tuple(names)


def _show(base_url: str, model: str) -> HttpRequest:
    return post(endpoint(base_url, "/api/show"), {"model": encodable(model)}, accept=JSON)


def _can_insert(shown: object) -> bool | None:
    """Whether the server's template has a place for a suffix, by ``/api/show``; None if that does not report it."""
    capabilities = shown.get("capabilities") if isinstance(shown, dict) else None
    return "insert" in capabilities if isinstance(capabilities, list) else None


def _context_length(shown: object) -> int | None:
    info = shown.get("model_info") if isinstance(shown, dict) else None
    sizes = (
        [value for name, value in info.items() if name.endswith(".context_length")] if isinstance(info, dict) else []
    )
    return count_of(sizes[0]) or None if sizes else None


def _model_names(listed: object) -> Iterator[str]:
    models = listed.get("models") if isinstance(listed, dict) else None
    for model in models if isinstance(models, list) else ():
        name = model.get("name") if isinstance(model, dict) else None
        if isinstance(name, str) and name:
            yield encodable(name)
