"""What a llama-server takes: asked of ``/props``, and measured where that is silent. Pure.

``format_prompt_infill`` in llama.cpp's server-common.cpp cuts the text around the cursor to n_batch tokens, which no
endpoint tells. If we cut less than it does, the beginning of the prompt moves at each new line, and nothing of it is found
in the cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from fim_lsp.backends.backend import Capacity
from fim_lsp.backends.error_body import parse_json, read_error_body
from fim_lsp.backends.profile import Capabilities, Flow
from fim_lsp.backends.response_reader import count_of
from fim_lsp.errors import BackendError
from fim_lsp.http.request import HttpRequest, HttpResponse, get, post
from fim_lsp.http.urls import endpoint
from fim_lsp.text.unicode import encodable

USUAL_BATCH: Final = 1024
"""n_batch where it can't be measured: that of the --fim-… presets. Without them it is 2048, of which this is a part."""

MEASURABLE_BUILD: Final = 11669
"""The first build that was measured so. Much older ones evaluate a prompt that is too long instead of refusing it."""

_RESERVE: Final = 32  # tokens of the cursor's line, for which the server takes room from the suffix
_LONGEST: Final = 1 << 18  # tokens of a context that is measured: half a megabyte of filler
_SURELY_CUT: Final = 1 << 14  # tokens of a prefix that is longer than any usual n_batch
_FILLER: Final = " x"  # at least one token a time, in any vocabulary


def capabilities_flow(
    base_url: str, model: str, *, max_tokens: int, share: float, refuse: Callable[[HttpResponse], BackendError]
) -> Flow[Capabilities]:
    """What the server at ``base_url`` says of itself, for answers of up to ``max_tokens``.

    On a build that can be measured nothing is evaluated, and what the server has in its cache stays there.
    """
    answer = yield get(endpoint(base_url, "/props"))
    if answer.status in (401, 403, 503):
        raise refuse(answer)
    props = parse_json(answer.body) if answer.is_success else None
    if not isinstance(props, dict):  # an old build, a router, or something between us and it
        return Capabilities(capacity=_limits(USUAL_BATCH, None, max_tokens, share))
    context = _context(props)
    length = context if context and context <= _LONGEST and _build(props) >= MEASURABLE_BUILD else 0
    can_fill, batch = yield from _measure(endpoint(base_url, "/infill"), model, length, refuse)
    alias = props.get("model_alias") or props.get("model_path")
    return Capabilities(
        model=re.split(r"[/\\]", alias)[-1] if isinstance(alias, str) else "",
        can_fill=can_fill,
        capacity=_limits(batch or min(USUAL_BATCH, context or USUAL_BATCH), context, max_tokens, share),
    )


def _measure(
    url: str, model: str, length: int, refuse: Callable[[HttpResponse], BackendError]
) -> Flow[tuple[bool, int | None]]:
    """Whether the model can fill in; and n_batch, if the context's ``length`` is given.

    The server cuts the prefix to three quarters of n_batch, but not ``prompt``. So a ``prompt`` that is larger than the
    whole context is refused at once, with the number of tokens: without a prefix, and with one that is surely cut. The
    difference is what is kept.
    """
    counts = []
    for prefix in ("", _FILLER * min(length, _SURELY_CUT)) if length else ("",):
        answer = yield _question(url, model, prefix, _FILLER * length)
        if answer.status == 501:
            return False, None
        if not (answer.is_success or "exceed_context_size_error" in read_error_body(answer.body).labels):
            raise refuse(answer)
        message = parse_json(answer.body)
        error = message.get("error") if isinstance(message, dict) else None
        counts.append(count_of(error.get("n_prompt_tokens")) if isinstance(error, dict) else 0)
    measured = len(counts) == 2 and 0 < counts[0] < counts[1]
    return True, (counts[1] - counts[0]) // 3 * 4 if measured else None


def _question(url: str, model: str, prefix: str, line: str) -> HttpRequest:
    body = {"input_prefix": prefix, "input_suffix": "", "prompt": line, "n_predict": 0, "stream": False}
    return post(url, body | {"model": encodable(model) or None}, accept="application/json")


def _limits(batch: int, context: int | None, max_tokens: int, share: float) -> Capacity:
    """What is kept: three quarters of n_batch before the cursor, a quarter after it, and what is left from elsewhere."""
    quarter = batch // 4
    return Capacity(
        prefix_tokens=3 * quarter,
        suffix_tokens=max(0, quarter - 2 - min(_RESERVE, quarter // 2)),
        context_tokens=None if context is None else max(0, context - batch - max_tokens),
        total_tokens=context,
        suffix_share=share,
    )


def _context(props: dict[str, object]) -> int | None:
    settings = props.get("default_generation_settings")
    return count_of(settings.get("n_ctx")) or None if isinstance(settings, dict) else None


def _build(props: dict[str, object]) -> int:
    """The number in a build's name (``b11669-Debian``), 0 if it has none."""
    found = re.match(r"b(\d{1,9})", str(props.get("build_info", "")))
    return int(found[1]) if found else 0
