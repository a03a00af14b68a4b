"""Ollama's ``/api/generate``: how it is asked, and what its answers mean. Pure.

https://github.com/ollama/ollama/blob/main/docs/api.md. It renders the prompt by its model's own template, if that knows a
suffix; else it says ``does not support insert``, and we render it ourselves, which it calls ``raw``. Its native call has
no place for text from other files: with such text the prompt is rendered here too, if the model's family is known.

Two traps: an empty suffix means none to it, and the model is asked to chat (ollama/ollama#6932); an empty prompt means that
the model is only to be loaded. So both are sent as a line end at the least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from fim_lsp.backends.backend import Capacity, Chunk, Usage
from fim_lsp.backends.error_body import parse_json, read_error_body
from fim_lsp.backends.error_rules import Asked, ErrorRule, error_from_response, location_of
from fim_lsp.backends.model_list import some
from fim_lsp.backends.ollama_models import find_models, inserts
from fim_lsp.backends.profile import Capabilities, DefaultProfile, Flow, Generation, ProfileChange, Reader, least, stops
from fim_lsp.backends.response_reader import ResponseFormat, ResponseReader, count_of
from fim_lsp.backends.stop_filter import StopFilter
from fim_lsp.errors import BackendError, Rejected, UnknownModel
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import HttpRequest, HttpResponse, post
from fim_lsp.http.urls import endpoint, host_of, path_of
from fim_lsp.prompt.fim_templates import (
    CONTROL_TOKENS,
    Template,
    neutralize,
    render,
    template_for,
    template_named,
)
from fim_lsp.prompt.prompt import Prompt, prefix_with_context
from fim_lsp.text.unicode import encodable

PATH: Final = "/api/generate"
BASE_URL: Final = "http://127.0.0.1:11434"

KEEP_ALIVE: Final = "30m"
"""How long the model stays in memory after a call; Ollama's own 5 minutes are shorter than a walk for coffee."""

CONTEXT: Final = 4096
"""The least ``num_ctx``, in tokens. It only ever doubles: Ollama loads the model anew for another one."""

_CHARS_PER_TOKEN: Final = 2.2  # few, so that no prompt is cut; 98 % of windows of code have more
NO_INSERT: Final = ErrorRule(
    status="400|500",
    words="does not support insert",
    error=UnknownModel,
    says="Ollama's {model} can't fill in the middle, and its family is not known here: set another `model`, "
    "such as qwen2.5-coder:1.5b-base, or `fim_template` to its family",
)
"""What both of its endpoints answer for a model whose template has no place for a suffix."""

_RULES: Final = (
    NO_INSERT,
    ErrorRule(
        status="400|500",
        words="does not support generate",
        error=UnknownModel,
        says="Ollama's {model} is not for writing text: set another `model`, such as qwen2.5-coder:1.5b-base",
    ),
    ErrorRule(
        status="500",
        words="requires more system memory|out of memory",
        error=Rejected,
        says="Ollama has too little memory for {model}: set a smaller `model`",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ollama(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for Ollama. ``template`` is the model's family, if it is known.

    ``raw``: every prompt is rendered here, because the server can't. ``by_name``: the family goes by the model's name.
    """

    base_url: str
    model: str
    generation: Generation
    template: Template | None
    raw: bool
    url: str
    by_name: bool = True
    name: str = "ollama"
    key_missing: None = None

    @property
    def absent(self) -> str:
        """See :class:`Profile`."""
        return f"no Ollama answers at {self.base_url}: start it with `ollama serve`, or set base_url"

    def request(self, prompt: Prompt) -> HttpRequest:
        """See :class:`Profile`. Raises :class:`~fim_lsp.errors.UnknownModel` without a model."""
        if not self.model:
            raise UnknownModel(
                f"which model the Ollama at {self.base_url} has is not known yet", host=host_of(self.url)
            )
        return post(self.url, self._body(prompt), accept="application/x-ndjson")

    def reader(self, prompt: Prompt) -> Reader:
        """See :class:`Profile`."""
        reader = ResponseReader(self._complaint, GENERATE)
        return StopFilter(reader, stops=self.template.stop) if self.template else reader

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        """See :class:`Profile`; there is none."""
        return None

    def explain(self, status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> BackendError:
        """See :class:`Profile`."""
        return error_from_response(
            self._asked(), status, read_error_body(body), location=location_of(headers), special=_RULES
        )

    def alternative(self, status: int, body: bytes) -> ProfileChange | None:
        """See :class:`Profile`: ``raw``, if the server can't insert and we can."""
        return self._to_raw() if NO_INSERT.words in read_error_body(body).words else None

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        """A question without a prompt, which loads the model; with text from elsewhere, that text alone, as it will be sent."""
        if not self.model:
            return None
        options = {"num_ctx": _num_ctx(prompt, self.generation), "num_predict": 1}  # 0 would mean without end
        body: dict[str, object] = {"model": encodable(self.model), "keep_alive": KEEP_ALIVE}
        if self._renders(prompt):
            body = self._body(replace(prompt, prefix="", suffix=""))
        return post(self.url, body | {"options": options, "stream": False}, accept="application/json")

    def capabilities_flow(self) -> Flow[Capabilities]:
        """See :class:`Profile`. Asks ``/api/show``, and before that for a model if none is set."""
        if not self.model:
            return (yield from self._find_model())
        body = {"model": encodable(self.model)}
        url = endpoint(self.base_url, "/api/show")
        answer: HttpResponse = yield post(url, body, accept="application/json")
        if not answer.is_success:
            asked, told = self._asked(path_of(url)), read_error_body(answer.body)
            raise error_from_response(asked, answer.status, told, location=location_of(answer.headers), special=_RULES)
        shown = parse_json(answer.body)
        can_insert = inserts(shown)
        change = self._to_raw() if can_insert is False else None
        return Capabilities(
            model=self.model,
            can_fill=True if change or self.raw else can_insert,
            capacity=Capacity(total_tokens=_context_length(shown)),
            change=change,
        )

    def _find_model(self) -> Flow[Capabilities]:
        name, others = yield from find_models(self.base_url)
        if not name:
            raise UnknownModel(
                f"the Ollama at {self.base_url} has no model that can fill in the middle; it has {some(others)}: "
                "`ollama pull qwen2.5-coder:1.5b-base` gets one, or set the setting `model`",
                host=host_of(self.url),
            )
        profile = replace(self, model=name, template=template_for(name) if self.by_name else self.template)
        found = yield from profile.capabilities_flow()
        return replace(found, change=found.change or ProfileChange(profile=profile, notice=""))

    def _body(self, prompt: Prompt) -> dict[str, object]:
        raw = self._renders(prompt)
        return generate_body(self.model, prompt, self.generation, template=self.template, raw=raw)

    def _renders(self, prompt: Prompt) -> bool:
        """Whether this prompt is rendered here, not by the server."""
        return self.raw or bool(prompt.context and self.template and self.template.current_file)

    def _to_raw(self) -> ProfileChange | None:
        if self.raw or self.template is None:
            return None
        notice = (
            f"Ollama's {self.model} has no template for filling in the middle; "
            f"fim-lsp uses that of {self.template.name} (setting fim_template)"
        )
        return ProfileChange(profile=replace(self, raw=True), notice=notice)

    def _complaint(self, message: object) -> BackendError:
        """The error for a line that says so itself, inside an answer whose status was 200."""
        return error_from_response(self._asked(), 500, read_error_body(message), special=_RULES)

    def _asked(self, path: str = "") -> Asked:
        return Asked(
            host=host_of(self.url),
            model=self.model,
            key_hint="set api_key to the key of whatever guards it",
            model_hint=f"`ollama pull {self.model}` gets it, `ollama list` shows what is there",
            path=path or path_of(self.url),
        )


def ollama(
    model: str | None,
    *,
    base_url: str | None = None,
    generation: Generation | None = None,
    fim_template: str = "auto",
) -> Ollama:
    """The profile of ``model`` on an Ollama at ``base_url``.

    ``fim_template``: ``"auto"`` leaves the rendering to the server where it can, ``"suffix"`` always; a name of
    :data:`~fim_lsp.prompt.fim_templates.TEMPLATES` renders every prompt here. Without a model the server is asked what it
    has. Raises :class:`~fim_lsp.errors.SettingError` if ``base_url`` is no usable address.
    """
    url = endpoint(base_url or BASE_URL, PATH)
    named = template_named(fim_template)
    return Ollama(
        base_url=url.removesuffix(PATH),
        model=model or "",
        generation=generation or Generation(),
        template=named or (template_for(model) if model and fim_template == "auto" else None),
        raw=named is not None,
        by_name=fim_template == "auto",
        url=url,
    )


def generate_body(
    model: str, prompt: Prompt, generation: Generation, *, template: Template | None, raw: bool
) -> dict[str, object]:
    """The JSON body; ``raw``: rendered by ``template``, else by the server."""
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
    options = {
        "num_predict": least(generation.max_tokens, prompt.max_tokens),
        "num_ctx": _num_ctx(prompt, generation),
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "seed": generation.random_seed,
        "stop": stops(
            "\n" if prompt.single_line else None, generation.stop, prompt.stop, template.stop if template else None
        )
        or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _num_ctx(prompt: Prompt, generation: Generation) -> int:
    """Room for the prompt and the answer. Whatever is over, Ollama cuts from the beginning without a word."""
    text = len(prompt.prefix) + len(prompt.suffix) + sum(len(piece.path) + len(piece.text) for piece in prompt.context)
    needed = int(text / _CHARS_PER_TOKEN) + (generation.max_tokens or prompt.max_tokens or 128) + 64
    room = CONTEXT
    while room < needed:
        room *= 2
    return room


def _generate_chunk(message: dict[str, object]) -> Chunk:
    text = message.get("response")
    done = message.get("done") is True
    return Chunk(
        text=text if isinstance(text, str) else "",
        finish=("length" if message.get("done_reason") == "length" else "stop") if done else None,
        usage=Usage(
            prompt_tokens=count_of(message.get("prompt_eval_count")),
            completion_tokens=count_of(message.get("eval_count")),
        )
        if done
        else None,
    )


GENERATE: Final = ResponseFormat(carrier="response", kind=str, chunk_of=_generate_chunk, lines=True)
"""What ``/api/generate`` sends: a line of JSON a token, the last of which has ``done`` true."""


def _context_length(shown: object) -> int | None:
    info = shown.get("model_info") if isinstance(shown, dict) else None
    told = [value for name, value in info.items() if name.endswith(".context_length")] if isinstance(info, dict) else []
    return count_of(told[0]) or None if told else None
