"""The request of Mistral's fill-in-the-middle API as a JSON Schema, after ``FIMCompletionRequest`` in its OpenAPI."""

from __future__ import annotations

from typing import Any, Final

_COUNT: Final = {"type": ["integer", "null"], "minimum": 0}

FIM_REQUEST: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt", "model"],
    "properties": {
        "model": {"type": "string"},
        "prompt": {"type": "string"},
        "suffix": {"type": ["string", "null"]},
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 1.5},
        "top_p": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1},
        "max_tokens": _COUNT,
        "min_tokens": _COUNT,
        "random_seed": _COUNT,
        "stream": {"type": "boolean"},
        "stop": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        "metadata": {"type": ["object", "null"]},
        "prompt_cache_key": {"type": ["string", "null"]},
    },
}
