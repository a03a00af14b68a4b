"""A prompt in the form that other machines may see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fim_lsp.prompt.prompt import Prompt
from fim_lsp.redaction.mask import MaskedText, mask
from fim_lsp.redaction.restore import Restorer


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedPrompt:
    """``prompt`` with placeholders of the same size for secrets, and what is needed to restore them."""

    prompt: Prompt = field(repr=False)
    masked: MaskedText = field(repr=False)

    @property
    def secrets(self) -> int:
        """How many different secrets were replaced."""
        return len(self.masked.secrets)

    def restorer(self) -> Restorer:
        """Puts secrets back into one reply."""
        return self.masked.restorer()


def redact(prompt: Prompt, key: bytes) -> RedactedPrompt:
    """Replace the secrets in all strings of a prompt; :func:`~fim_lsp.redaction.mask.mask` describes ``key``."""
    context = prompt.context
    masked = mask(
        [prompt.prefix, prompt.suffix, prompt.path, *(s.text for s in context), *(s.path for s in context)], key=key
    )
    prefix, suffix, path, *others = masked.texts
    texts, paths = others[: len(context)], others[len(context) :]
    redacted = tuple(
        replace(snippet, text=text, path=name) for snippet, text, name in zip(context, texts, paths, strict=True)
    )
    return RedactedPrompt(
        prompt=replace(prompt, prefix=prefix, suffix=suffix, path=path, context=redacted), masked=masked
    )
