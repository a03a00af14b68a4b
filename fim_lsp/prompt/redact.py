"""A prompt as another machine may see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fim_lsp.prompt.prompt import Prompt
from fim_lsp.redaction.mask import MaskedText, mask
from fim_lsp.redaction.restore import Restorer


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedPrompt:
    """``prompt`` without secrets, of the same size, and what puts them back into a reply."""

    prompt: Prompt = field(repr=False)
    masked: MaskedText = field(repr=False)

    def restorer(self) -> Restorer:
        """One for each reply."""
        return self.masked.restorer()


def redact(prompt: Prompt, key: bytes) -> RedactedPrompt:
    """See :func:`~fim_lsp.redaction.mask.mask` for ``key``."""
    context = prompt.context
    masked = mask(
        [prompt.prefix, prompt.suffix, prompt.path, *(s.text for s in context), *(s.path for s in context)], key=key
    )
    prefix, suffix, path, *rest = masked.texts
    snippets = zip(context, rest[: len(context)], rest[len(context) :], strict=True)
    context = tuple(replace(snippet, text=text, path=name) for snippet, text, name in snippets)
    return RedactedPrompt(
        prompt=replace(prompt, prefix=prefix, suffix=suffix, path=path, context=context), masked=masked
    )
