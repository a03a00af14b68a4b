"""llama.cpp's own fill-in-the-middle endpoint, ``/infill``.

https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md, and the behavior of build 11669. It renders the
prompt with its model's own tokens: snippets of other files, the text before the cursor's line, directly after it
``prompt`` (the line up to the cursor), the suffix, and the token for the middle. So everything before the cursor's line
remains in its cache while that line is typed, and what comes after the cursor is evaluated again at each keystroke: hence
:data:`SUFFIX_SHARE`.
"""

from __future__ import annotations

import re
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
from fim_lsp.backends.model_list import fillable_flow
from fim_lsp.backends.profile import Capabilities, DefaultProfile, Flow, Generation, smallest, stop_strings
from fim_lsp.backends.response_reader import ResponseFormat, ResponseReader, count_of
from fim_lsp.errors import BackendError, Overloaded, Rejected, UnknownModel
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import JSON, HttpRequest, HttpResponse, get, parse_json, post
from fim_lsp.http.urls import endpoint
from fim_lsp.prompt.fim_templates import has_control_token
from fim_lsp.prompt.prompt import UNTITLED, Prompt
from fim_lsp.text.unicode import encodable

PATH: Final = "/infill"
BASE_URL: Final = "http://127.0.0.1:8012"  # where llama-server's --fim-… presets listen

SUFFIX_SHARE: Final = 0.12
"""Share of the prompt's characters after the cursor. A keystroke then costs less than 15 % of the prompt's tokens."""

MIN_SUFFIX: Final = 240
"""Characters after the cursor that are always sent: some 70 tokens, which cost little anywhere."""

MAX_PREDICT_MS: Final = 1000
"""Milliseconds from the first token after which one complete line is enough; llama.vim's default."""

SAMPLERS: Final = ("top_k", "top_p", "infill")
"""llama.vim's. ``infill`` ends the text where that is likelier than any single continuation."""

DEFAULT_BATCH: Final = 1024
"""n_batch if it can't be measured: that of the --fim-… presets. Without them it is 2048, so this is on the safe side."""

MIN_MEASURABLE_BUILD: Final = 11669
"""The first build that was measured this way. Much older ones evaluate a prompt that is too long instead of rejecting it."""

_LINE_RESERVE: Final = 32  # tokens of the cursor's line, for which the server takes room from the suffix
_MAX_MEASURED_CONTEXT: Final = 1 << 18  # tokens; half a megabyte of filler
_CERTAINLY_CUT: Final = 1 << 14  # tokens of a prefix that exceeds any usual n_batch
_FILLER: Final = " x"  # at least one token each, in any vocabulary

_RULES: Final = (
    ErrorRule(
        status="501",
        error=UnknownModel,
        sentence="the model of {host} can't fill in the middle (501): it has no tokens for that; load another one, "
        "for example with llama-server --fim-qwen-1.5b-default",
    ),
    ErrorRule(
        status="503",
        words=r"loading",
        error=Overloaded,
        sentence="{host} is still loading its model (503): wait a little",
    ),
    ErrorRule(
        status="400",
        labels="exceed_context_size_error",
        error=Rejected,
        sentence="the prompt is too long for the context of {host} ({status}): lower the setting prompt_tokens, "
        "or start it with a larger --ctx-size",
    ),
)


def llamacpp(
    *, base_url: str | None = None, model: str | None = None, generation: Generation | None = None
) -> LlamaCpp:
    """The profile of a llama-server. Raises :class:`~fim_lsp.errors.SettingError` if ``base_url`` is not a usable URL.

    Of ``generation``, ``min_tokens`` has no counterpart, and responses are always streamed: only while it sends does the
    server notice within milliseconds that the client hung up.
    """
    url = endpoint(base_url or BASE_URL, PATH)
    return LlamaCpp(base_url=url.removesuffix(PATH), model=model or "", generation=generation or Generation(), url=url)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCpp(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for llama-server. ``model`` is only needed for its router."""

    base_url: str
    model: str
    generation: Generation
    url: str
    name: str = "llamacpp"

    @property
    def not_running_message(self) -> str:
        return (
            f"no llama.cpp responds at {self.base_url}: start it, for example with "
            "llama-server --fim-qwen-1.5b-default, or set base_url"
        )

    def request(self, prompt: Prompt) -> HttpRequest:
        return post(self.url, infill_body(self.model, prompt, self.generation))

    def reader(self, prompt: Prompt | None = None) -> ResponseReader:
        return ResponseReader(lambda message: error_in_stream(self._error_context, message, rules=_RULES), INFILL)

    def error(self, response: HttpResponse, quota: Quota | None = None) -> BackendError:
        return error_from_response(self._error_context, response, rules=_RULES)

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        """The snippets alone, without a prediction: they come first in prompts, so the next one finds them in the cache."""
        if not prompt.context:
            return None
        body = infill_body(self.model, replace(prompt, prefix="", suffix=""), self.generation)
        no_output = {"n_predict": 0, "samplers": [], "response_fields": [""], "stream": False}
        return post(self.url, body | no_output, accept=JSON)

    def capabilities_flow(self) -> Flow[Capabilities]:
        """Ask ``/props``, and measure n_batch where possible.

        On a measurable build nothing is evaluated, and the server's cache does not change.
        """
        response = yield get(endpoint(self.base_url, "/props"))
        if response.status in (401, 403, 503):
            raise self.error(response)
        props = response.json()
        if not isinstance(props, dict):  # an old build, a router, or something in between
            return Capabilities(capacity=self._capacity(DEFAULT_BATCH, None))
        context = _context_tokens(props)
        measurable = context is not None and context <= _MAX_MEASURED_CONTEXT and _build(props) >= MIN_MEASURABLE_BUILD
        can_fill, batch = yield from self._measure(context if measurable and context else 0)
        batch = batch or min(DEFAULT_BATCH, context or DEFAULT_BATCH)
        return Capabilities(can_fill=can_fill, capacity=self._capacity(batch, context))

    def models_flow(self) -> Flow[tuple[str, ...]]:
        """Its router has several."""
        return fillable_flow(self.base_url, to_error=self.error)

    def _measure(self, context: int) -> Flow[tuple[bool, int | None]]:
        """Whether the model can fill in; and n_batch, unless ``context`` (its size in tokens) is 0.

        ``format_prompt_infill`` in llama.cpp's server-common.cpp cuts the text around the cursor to n_batch tokens, which
        no endpoint reports. If we send more than it keeps, the beginning of the prompt moves with each new line, and
        nothing of it is found in the cache. But it cuts only the prefix, to three quarters of n_batch, and not ``prompt``.
        So two requests are made with a ``prompt`` that exceeds the whole context, which is rejected at once with its number
        of tokens: one without a prefix, and one with a prefix that is certainly cut. The difference is three quarters of
        n_batch.
        """
        counts = []
        for prefix in ("", _FILLER * min(context, _CERTAINLY_CUT)) if context else ("",):
            response = yield self._refused_request(prefix, _FILLER * context)
            if response.status == 501:
                return False, None
            if not (response.is_success or "exceed_context_size_error" in read_error_body(response.body).labels):
                raise self.error(response)
            message = parse_json(response.body)
            error = message.get("error") if isinstance(message, dict) else None
            counts.append(count_of(error.get("n_prompt_tokens")) if isinstance(error, dict) else 0)
        measured = len(counts) == 2 and 0 < counts[0] < counts[1]
        return True, (counts[1] - counts[0]) // 3 * 4 if measured else None

    def _refused_request(self, prefix: str, line: str) -> HttpRequest:
        body = {"input_prefix": prefix, "input_suffix": "", "prompt": line, "n_predict": 0, "stream": False}
        return post(self.url, body | {"model": encodable(self.model) or None}, accept=JSON)

    def _capacity(self, batch: int, context: int | None) -> Capacity:
        """Three quarters of n_batch before the cursor, a quarter after it, and the rest of the context for snippets."""
        quarter = batch // 4
        max_tokens = self.generation.max_tokens or 0
        return Capacity(
            prefix_tokens=3 * quarter,
            suffix_tokens=max(0, quarter - 2 - min(_LINE_RESERVE, quarter // 2)),
            context_tokens=None if context is None else max(0, context - batch - max_tokens),
            total_tokens=context,
            suffix_share=SUFFIX_SHARE,
        )

    @property
    def _error_context(self) -> ErrorContext:
        return ErrorContext(
            url=self.url,
            model=self.model or "it has loaded",
            key_hint=f"it was started with --api-key; run `{key_set_command(self.url)}` and enter the same, or set api_key",
            model_hint="set the setting `model` to one that it was started with",
        )


def infill_body(model: str, prompt: Prompt, generation: Generation) -> dict[str, object]:
    """The JSON body. The server's README describes each field."""
    # without the temperature sampler, tokens are drawn by the model's own probabilities: another seed is enough
    generation = generation.varied(prompt.variation, unset=(None,))
    above, line = _split_line(prompt.prefix)
    samplers = SAMPLERS if generation.temperature is None else (*SAMPLERS, "temperature")
    return {
        "model": encodable(model) or None,
        "input_extra": [
            {"filename": encodable(snippet.path) or UNTITLED, "text": encodable(snippet.text)}
            for snippet in prompt.context
        ],
        "input_prefix": encodable(above),
        "prompt": encodable(line),
        "input_suffix": encodable(_suffix(prompt)),
        "n_predict": smallest(generation.max_tokens, prompt.max_tokens),
        "n_indent": None if prompt.single_line else _indentation(prompt.prefix) or None,
        "t_max_predict_ms": MAX_PREDICT_MS,
        "samplers": list(samplers),
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "seed": generation.random_seed,
        "stop": stop_strings("\n" if prompt.single_line else None, generation.stop, prompt.stop) or None,
        "cache_prompt": True,
        "stream": True,
    }


def _split_line(prefix: str) -> tuple[str, str]:
    """The lines above the cursor's, and the cursor's line.

    ``prompt`` is the only field in which the server reads control tokens as such: a line that contains one goes to the
    other part.
    """
    start = prefix.rfind("\n") + 1
    return (prefix, "") if has_control_token(prefix[start:]) else (prefix[:start], prefix[start:])


def _suffix(prompt: Prompt) -> str:
    """The part of the suffix that is sent: whole lines, unless not even one fits."""
    before = len(prompt.prefix) + sum(len(snippet.text) for snippet in prompt.context)
    size = max(MIN_SUFFIX, int(before * SUFFIX_SHARE / (1 - SUFFIX_SHARE)))
    if len(prompt.suffix) <= size:
        return prompt.suffix
    cut = prompt.suffix[:size]
    return cut[: cut.rfind("\n") + 1] or cut


def _indentation(prefix: str) -> int:
    """The number of spaces and tabs at the start of the cursor's line."""
    line = prefix[prefix.rfind("\n") + 1 :]
    return len(line) - len(line.lstrip(" \t"))


def _infill_chunk(message: dict[str, object]) -> Chunk:
    text = message.get("content")
    is_last = message.get("stop") is True
    return Chunk(
        text=text if isinstance(text, str) else "",
        finish=_finish(message) if is_last else None,
        usage=_usage(message) if is_last else None,
    )


def _finish(message: dict[str, object]) -> str:
    """``"length"`` only if all allowed tokens were used.

    ``limit`` is also the reason when n_indent or t_max_predict_ms end the text, which is complete then.
    """
    settings = message.get("generation_settings")
    allowed = settings.get("n_predict") if isinstance(settings, dict) else None
    used_up = not isinstance(allowed, int) or count_of(message.get("tokens_predicted")) >= allowed > 0
    return "length" if message.get("stop_type") == "limit" and used_up else "stop"


def _usage(message: dict[str, object]) -> Usage:
    timings = message.get("timings")
    cached = timings.get("cache_n") if isinstance(timings, dict) else None
    return Usage(
        prompt_tokens=count_of(message.get("tokens_evaluated")),
        completion_tokens=count_of(message.get("tokens_predicted")),
        cached_tokens=count_of(cached),
    )


INFILL: Final = ResponseFormat(field="content", field_type=str, to_chunk=_infill_chunk)
"""What ``/infill`` sends: events without a ``[DONE]``, the last of which has ``stop`` set to true."""


def _context_tokens(props: dict[str, object]) -> int | None:
    settings = props.get("default_generation_settings")
    return count_of(settings.get("n_ctx")) or None if isinstance(settings, dict) else None


def _build(props: dict[str, object]) -> int:
    """The number in a build's name (``b11669-Debian``), 0 if it has none."""
    match = re.match(r"b(\d{1,9})", str(props.get("build_info", "")))
    return int(match[1]) if match else 0
