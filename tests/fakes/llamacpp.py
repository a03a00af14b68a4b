"""Recorded responses of a real llama-server (0.7.0, build 11669), without the settings that nothing reads."""

from __future__ import annotations

import json
from typing import Any

Message = dict[str, Any]

INFILL_STREAM: list[Message] = [
    {
        "index": 0,
        "content": "\n",
        "tokens": [198],
        "stop": False,
        "id_slot": -1,
        "tokens_predicted": 1,
        "tokens_evaluated": 23,
    },
    {
        "index": 0,
        "content": "\n",
        "tokens": [198],
        "stop": False,
        "id_slot": -1,
        "tokens_predicted": 2,
        "tokens_evaluated": 23,
    },
    {
        "index": 0,
        "content": "#",
        "tokens": [19],
        "stop": False,
        "id_slot": -1,
        "tokens_predicted": 3,
        "tokens_evaluated": 23,
    },
    {
        "index": 0,
        "content": "",
        "tokens": [],
        "id_slot": 0,
        "stop": True,
        "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
        "tokens_predicted": 3,
        "tokens_evaluated": 23,
        "generation_settings": {
            "seed": 4294967295,
            "temperature": 0.0,
            "n_predict": 3,
            "max_tokens": 3,
            "stream": True,
            "samplers": ["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"],
        },
        "prompt": "<reponame>myproject\n<reponame>def fib(n):\n    <file_sep>\n\nprint(fib(10))\n<filename>",
        "has_new_line": True,
        "truncated": False,
        "stop_type": "limit",
        "stopping_word": "",
        "tokens_cached": 25,
        "timings": {"cache_n": 22, "prompt_n": 1, "prompt_ms": 39.476, "predicted_n": 3, "predicted_ms": 213.402},
    },
]

INFILL_WHOLE: Message = {
    "index": 0,
    "content": "\n\n# This is a test of",
    "tokens": [198, 198, 19, 669, 314, 253, 1028, 282],
    "id_slot": 0,
    "stop": True,
    "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "tokens_predicted": 8,
    "tokens_evaluated": 23,
    "generation_settings": {
        "seed": 4294967295,
        "temperature": 0.0,
        "n_predict": 8,
        "max_tokens": 8,
        "stream": False,
        "samplers": ["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"],
    },
    "prompt": "<reponame>myproject\n<reponame>def fib(n):\n    <file_sep>\n\nprint(fib(10))\n<filename>",
    "has_new_line": True,
    "truncated": False,
    "stop_type": "limit",
    "stopping_word": "",
    "tokens_cached": 30,
    "timings": {"cache_n": 0, "prompt_n": 23, "prompt_ms": 215.912, "predicted_n": 8, "predicted_ms": 175.741},
}

V1_STREAM: list[Message] = [
    {
        "choices": [{"text": " return", "index": 0, "logprobs": None, "finish_reason": None}],
        "created": 1795302233,
        "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
        "system_fingerprint": "b11669-Debian",
        "object": "text_completion",
        "id": "chatcmpl-seaqKL9uoaS4Jx0Pru6KasG8wh0SZbJs",
    },
    {
        "choices": [{"text": " n", "index": 0, "logprobs": None, "finish_reason": None}],
        "created": 1795302233,
        "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
        "system_fingerprint": "b11669-Debian",
        "object": "text_completion",
        "id": "chatcmpl-seaqKL9uoaS4Jx0Pru6KasG8wh0SZbJs",
    },
    {
        "choices": [{"text": " *", "index": 0, "logprobs": None, "finish_reason": None}],
        "created": 1795302233,
        "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
        "system_fingerprint": "b11669-Debian",
        "object": "text_completion",
        "id": "chatcmpl-seaqKL9uoaS4Jx0Pru6KasG8wh0SZbJs",
    },
    {
        "choices": [{"text": " fib", "index": 0, "logprobs": None, "finish_reason": None}],
        "created": 1795302233,
        "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
        "system_fingerprint": "b11669-Debian",
        "object": "text_completion",
        "id": "chatcmpl-seaqKL9uoaS4Jx0Pru6KasG8wh0SZbJs",
    },
    {
        "choices": [{"text": "", "index": 0, "logprobs": None, "finish_reason": "length"}],
        "created": 1795302233,
        "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
        "system_fingerprint": "b11669-Debian",
        "object": "text_completion",
        "usage": {
            "completion_tokens": 4,
            "prompt_tokens": 6,
            "total_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 5},
        },
        "id": "chatcmpl-seaqKL9uoaS4Jx0Pru6KasG8wh0SZbJs",
        "timings": {"cache_n": 5, "prompt_n": 1, "prompt_ms": 340.559, "predicted_n": 4, "predicted_ms": 67.798},
    },
]

V1_WHOLE: Message = {
    "choices": [{"text": " return n * fib(n - 1) / 2\n\n#", "index": 0, "logprobs": None, "finish_reason": "length"}],
    "created": 1795302228,
    "model": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "system_fingerprint": "b11669-Debian",
    "object": "text_completion",
    "usage": {
        "completion_tokens": 16,
        "prompt_tokens": 6,
        "total_tokens": 22,
        "prompt_tokens_details": {"cached_tokens": 5},
    },
    "id": "chatcmpl-dXmIpXIpcNUAlnYNgsnyu0HoJJeQPhPg",
    "timings": {"cache_n": 5, "prompt_n": 1, "prompt_ms": 642.224, "predicted_n": 16, "predicted_ms": 5323.569},
}

NO_TOKENS: Message = {
    "error": {
        "code": 501,
        "message": "Infill is not supported by this model: prefix token is missing. suffix token is "
        "missing. middle token is missing. ",
        "type": "not_supported_error",
    }
}

NO_PREFIX: Message = {
    "error": {
        "code": 400,
        "message": "[json.exception.out_of_range.403] key 'input_prefix' not found",
        "type": "invalid_request_error",
    }
}

TOO_LONG: Message = {
    "error": {
        "code": 400,
        "message": "request (12001 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 12001,
        "n_ctx": 4096,
    }
}

LOADING: Message = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}


def events(*messages: object, done: bool = False) -> bytes:
    """Messages as the server streams them; its ``/v1`` ends with a ``[DONE]``, its own endpoints do not."""
    data = [f"data: {json.dumps(message, ensure_ascii=False)}\n\n" for message in messages]
    return "".join([*data, "data: [DONE]\n\n" if done else ""]).encode("utf-8", "surrogatepass")
