"""The words of an error response that may be shown: all others could be the user's own, sent back.

Servers put what they were sent into any part of an error, with the names of fields and the codes among them.
"""

from __future__ import annotations

from typing import Final

PARAMETERS: Final = frozenset(
    {
        # Mistral's and OpenAI's
        "model", "prompt", "suffix", "temperature", "top_p", "max_tokens", "min_tokens", "stop", "random_seed", "seed",
        "stream", "stream_options", "include_usage", "store", "n", "metadata", "messages",
        # llama.cpp's and Ollama's
        "input_prefix", "input_suffix", "input_extra", "n_predict", "n_indent", "t_max_predict_ms", "samplers",
        "cache_prompt", "response_fields", "keep_alive", "options", "raw", "num_ctx", "num_predict",
        # around the body
        "authorization", "query", "path", "header",
    }
)  # fmt: skip
"""Names of what is sent, by which an error may say what is wrong."""

LABELS: Final = frozenset(
    {
        # FastAPI's and pydantic's: https://docs.pydantic.dev/latest/errors/validation_errors/
        "missing", "extra_forbidden", "value_error", "type_error", "assertion_error", "json_invalid", "json_type",
        "string_type", "string_too_long", "string_too_short", "string_pattern_mismatch", "string_unicode",
        "int_type", "int_parsing", "int_from_float", "float_type", "float_parsing", "finite_number", "bool_type",
        "bool_parsing", "list_type", "dict_type", "model_type", "model_attributes_type", "literal_error", "enum",
        "greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of", "too_long", "too_short",
        "union_tag_invalid", "none_required",
        # Mistral's, OpenAI's and those of compatible servers
        "invalid_model", "invalid_request", "invalid_request_error", "invalid_request_message", "invalid_request_prompt",
        "invalid_request_file", "unprocessable_entity", "bad_request", "BadRequestError", "bad_response_status_code",
        "not_found_error", "NotFoundError", "model_not_found", "authentication_error", "invalid_api_key",
        "permission_error", "permission_denied", "insufficient_quota", "rate_limit_error", "rate_limit_exceeded",
        "rate_limited", "service_tier_capacity_exceeded", "context_length_exceeded", "exceed_context_size_error",
        "server_error", "internal_error", "internal_server_error", "InternalServerError", "unavailable_error",
        "not_supported_error", "not_supported", "unsupported_parameter", "unsupported_value", "invalid_type",
        "invalid_value", "integer_below_min_value", "integer_above_max_value", "unknown_parameter", "missing_required_parameter",
        "api_error", "overloaded_error", "content_filter",
    }
)  # fmt: skip
"""Types and codes of errors, besides numbers of three or four digits."""
