"""llama.cpp's own fill-in-the-middle endpoint, ``/infill``: how it is asked, and what its answers mean. Pure.

https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md, and what build 11669 does. It renders the prompt
with its model's own tokens: pieces from elsewhere, then the text before the cursor, then ``prompt`` without a seam, the
suffix, and the token for the middle. So all before the cursor's line stays in its cache while that line is typed, and
what comes after the cursor is evaluated again for each key: hence :data:`SUFFIX_SHARE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.backends.error_body import read_error_body
from fim_lsp.backends.error_rules import Asked, ErrorRule, error_from_response, location_of
from fim_lsp.backends.llamacpp_capacity import capabilities_flow
from fim_lsp.backends.profile import Capabilities, DefaultProfile, Flow, Generation, least, stops
from fim_lsp.backends.response_reader import ResponseFormat, ResponseReader, count_of
from fim_lsp.errors import BackendError, Overloaded, Rejected, UnknownModel
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.http.request import HttpRequest, HttpResponse, post
from fim_lsp.http.urls import endpoint, host_of, path_of
from fim_lsp.prompt.fim_templates import has_control_token
from fim_lsp.prompt.prompt import UNTITLED, Prompt
from fim_lsp.text.unicode import encodable

PATH: Final = "/infill"
BASE_URL: Final = "http://127.0.0.1:8012"  # where llama-server's --fim-… presets listen

SUFFIX_SHARE: Final = 0.12
"""Share of a prompt's characters that may come after the cursor; with it a key costs under 15 % of the prompt's tokens."""

SUFFIX_FLOOR: Final = 240
"""Characters after the cursor that are sent in any case: some 70 tokens, which cost nothing anywhere."""

PREDICT_MS: Final = 1000
"""Milliseconds from the first token on after which a whole line is enough; llama.vim's default."""

SAMPLERS: Final = ("top_k", "top_p", "infill")
"""llama.vim's. ``infill`` ends the text where ending it is likelier than any one way to go on."""

_RULES: Final = (
    ErrorRule(
        status="501",
        error=UnknownModel,
        says="the model of {host} can't fill in the middle (501): it has no tokens for that; load another, "
        "for example with llama-server --fim-qwen-1.5b-default",
    ),
    ErrorRule(
        status="503", words=r"loading", error=Overloaded, says="{host} is still loading its model (503): wait a little"
    ),
    ErrorRule(
        status="400",
        labels="exceed_context_size_error",
        error=Rejected,
        says="the prompt is too long for the context of {host} ({status}): lower the setting prompt_tokens, "
        "or start it with a larger --ctx-size",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCpp(DefaultProfile):
    """A :class:`~fim_lsp.backends.profile.Profile` for llama-server. ``model`` is only sent if it is set: for its router."""

    base_url: str
    model: str
    generation: Generation
    url: str
    name: str = "llamacpp"
    key_missing: None = None

    @property
    def absent(self) -> str:
        """See :class:`Profile`."""
        return (
            f"no llama.cpp answers at {self.base_url}: start it, for example with "
            "llama-server --fim-qwen-1.5b-default, or set base_url"
        )

    def request(self, prompt: Prompt) -> HttpRequest:
        """See :class:`Profile`."""
        return post(self.url, infill_body(self.model, prompt, self.generation))

    def reader(self, prompt: Prompt | None = None) -> ResponseReader:
        """See :class:`Profile`."""
        return ResponseReader(self._complaint, INFILL)

    def quota(self, headers: Mapping[str, str], *, now: float) -> Quota | None:
        """See :class:`Profile`; there is none."""
        return None

    def explain(self, status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> BackendError:
        """See :class:`Profile`."""
        return error_from_response(
            self._asked(), status, read_error_body(body), location=location_of(headers), special=_RULES
        )

    def preload_request(self, prompt: Prompt) -> HttpRequest | None:
        """The pieces from elsewhere alone, and nothing predicted: they stand first, so the next prompt finds them read."""
        if not prompt.context:
            return None
        body = infill_body(self.model, replace(prompt, prefix="", suffix=""), self.generation)
        nothing = {"n_predict": 0, "samplers": [], "response_fields": [""], "stream": False}
        return post(self.url, body | nothing, accept="application/json")

    def capabilities_flow(self) -> Flow[Capabilities]:
        """See :class:`Profile`: :func:`~fim_lsp.backends.llamacpp_capacity.capabilities_flow`."""
        return capabilities_flow(
            self.base_url,
            self.model,
            max_tokens=self.generation.max_tokens or 0,
            share=SUFFIX_SHARE,
            refuse=self._refuse,
        )

    def _complaint(self, message: object) -> BackendError:
        """The error for a message that says so itself, inside an answer whose status was 200."""
        inner = message.get("error") if isinstance(message, dict) else None
        code = inner.get("code") if isinstance(inner, dict) else None
        status = code if isinstance(code, int) and 400 <= code <= 599 else 500
        return error_from_response(self._asked(), status, read_error_body(message), special=_RULES)

    def _refuse(self, answer: HttpResponse) -> BackendError:
        return self.explain(answer.status, answer.headers, answer.body, now=0.0)

    def _asked(self) -> Asked:
        return Asked(
            host=host_of(self.url),
            model=self.model or "it has loaded",
            key_hint="it was started with --api-key: set api_key to the same",
            model_hint="set the setting `model` to one that it was started with",
            path=path_of(self.url),
        )


def llamacpp(
    *, base_url: str | None = None, model: str | None = None, generation: Generation | None = None
) -> LlamaCpp:
    """The profile of a llama-server at ``base_url``. Raises :class:`~fim_lsp.errors.SettingError` if that is no usable address.

    Of ``generation``, ``min_tokens`` has no counterpart there, and answers are always streamed: it hears that we hung up
    within milliseconds only while it sends.
    """
    url = endpoint(base_url or BASE_URL, PATH)
    return LlamaCpp(base_url=url.removesuffix(PATH), model=model or "", generation=generation or Generation(), url=url)


def infill_body(model: str, prompt: Prompt, generation: Generation) -> dict[str, object]:
    """The JSON body: see the server's README for each field."""
    head, line = _split_line(prompt.prefix)
    samplers = SAMPLERS if generation.temperature is None else (*SAMPLERS, "temperature")
    return {
        "model": encodable(model) or None,
        "input_extra": [
            {"filename": encodable(piece.path) or UNTITLED, "text": encodable(piece.text)} for piece in prompt.context
        ],
        "input_prefix": encodable(head),
        "prompt": encodable(line),
        "input_suffix": encodable(_suffix(prompt)),
        "n_predict": least(generation.max_tokens, prompt.max_tokens),
        "n_indent": None if prompt.single_line else _indent(prompt.prefix) or None,
        "t_max_predict_ms": PREDICT_MS,
        "samplers": list(samplers),
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "seed": generation.random_seed,
        "stop": stops("\n" if prompt.single_line else None, generation.stop, prompt.stop) or None,
        "cache_prompt": True,
        "stream": True,
    }


def _split_line(prefix: str) -> tuple[str, str]:
    """``prefix`` up to the cursor's line, and what there is of that line.

    ``prompt`` is the one field in which the server takes a control token for more than text: a line with such a token
    goes to the other part.
    """
    start = prefix.rfind("\n") + 1
    return (prefix, "") if has_control_token(prefix[start:]) else (prefix[:start], prefix[start:])


def _suffix(prompt: Prompt) -> str:
    """What of the suffix is worth its price, in whole lines if that is more than nothing."""
    before = len(prompt.prefix) + sum(len(piece.text) for piece in prompt.context)
    room = max(SUFFIX_FLOOR, int(before * SUFFIX_SHARE / (1 - SUFFIX_SHARE)))
    if len(prompt.suffix) <= room:
        return prompt.suffix
    cut = prompt.suffix[:room]
    return cut[: cut.rfind("\n") + 1] or cut


def _indent(prefix: str) -> int:
    """Blanks that the cursor's line begins with."""
    line = prefix[prefix.rfind("\n") + 1 :]
    return len(line) - len(line.lstrip(" \t"))


def _infill_chunk(message: dict[str, object]) -> Chunk:
    text = message.get("content")
    ended = message.get("stop") is True
    return Chunk(
        text=text if isinstance(text, str) else "",
        finish=_finish(message) if ended else None,
        usage=_usage(message) if ended else None,
    )


def _finish(message: dict[str, object]) -> str:
    """``"length"`` only for an answer that has all the tokens it may have.

    ``limit`` also stands for the ends by n_indent and by t_max_predict_ms, after which nothing is missing.
    """
    settings = message.get("generation_settings")
    allowed = settings.get("n_predict") if isinstance(settings, dict) else None
    full = not isinstance(allowed, int) or count_of(message.get("tokens_predicted")) >= allowed > 0
    return "length" if message.get("stop_type") == "limit" and full else "stop"


def _usage(message: dict[str, object]) -> Usage:
    timings = message.get("timings")
    cached = timings.get("cache_n") if isinstance(timings, dict) else None
    return Usage(
        prompt_tokens=count_of(message.get("tokens_evaluated")),
        completion_tokens=count_of(message.get("tokens_predicted")),
        cached_tokens=count_of(cached),
    )


INFILL: Final = ResponseFormat(carrier="content", kind=str, chunk_of=_infill_chunk)
"""What ``/infill`` sends: events without a ``[DONE]``, the last of which has ``stop`` true."""
