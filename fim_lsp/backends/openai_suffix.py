"""Whether a server that takes ``suffix`` reads it: llama-server and others ignore it without a word. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fim_lsp.backends.error_body import parse_json
from fim_lsp.backends.profile import Flow
from fim_lsp.backends.response_reader import chunk_of
from fim_lsp.http.request import HttpRequest, HttpResponse, post
from fim_lsp.prompt.prompt import Prompt

_SUFFIX: Final = "\n\ndef main():\n    print(total(1, 2))\n\n\nif __name__ == '__main__':\n    main()\n"
_PREFIX: Final = "def total(a, b):\n    return"


def suffix_counts(request: Callable[[Prompt], HttpRequest]) -> Flow[bool]:
    """Ask for one token with a suffix and without: a server that reads it charges for more tokens, or refuses it.

    True if it can't be told: no usage, or another refusal, which the next question will meet too.
    """
    charged = []
    for suffix in (_SUFFIX, ""):
        made = request(Prompt(prefix=_PREFIX, suffix=suffix, max_tokens=1))
        body = parse_json(made.body)
        body = {**body, "stream": False, "stream_options": None} if isinstance(body, dict) else {}
        answer: HttpResponse = yield post(made.url, body, accept="application/json")
        message = parse_json(answer.body)
        if not answer.is_success or not isinstance(message, dict):
            return b"suffix" not in answer.body  # a 400 that names it
        usage = chunk_of(message).usage
        charged.append(usage.prompt_tokens if usage else 0)
    return charged[0] > charged[1] or 0 in charged
