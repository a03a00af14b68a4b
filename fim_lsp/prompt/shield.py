"""A prompt as another machine may see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fim_lsp.prompt.prompt import Prompt
from fim_lsp.prompt.secret_restore import Restorer
from fim_lsp.prompt.secrets import Masked, mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Shielded:
    """``prompt`` without secrets, of the same size, and what puts them back into a reply."""

    prompt: Prompt = field(repr=False)
    masked: Masked = field(repr=False)

    def restorer(self) -> Restorer:
        """One for each reply."""
        return self.masked.restorer()


def shield(prompt: Prompt, key: bytes) -> Shielded:
    """See :func:`~fim_lsp.prompt.secrets.mask` for ``key``."""
    context = prompt.context
    masked = mask(
        [prompt.prefix, prompt.suffix, prompt.path, *(s.text for s in context), *(s.path for s in context)], key=key
    )
    prefix, suffix, path, *rest = masked.texts
    snippets = zip(context, rest[: len(context)], rest[len(context) :], strict=True)
    context = tuple(replace(snippet, text=text, path=name) for snippet, text, name in snippets)
    return Shielded(prompt=replace(prompt, prefix=prefix, suffix=suffix, path=path, context=context), masked=masked)
