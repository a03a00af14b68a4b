"""Whether a host accepts a key: asked when one is stored, and by ``fim-lsp key test``."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.doctor.host_checks import Server, cause, facts_about
from fim_lsp.doctor.host_findings import Findings, examine
from fim_lsp.doctor.remedies import remedy_for
from fim_lsp.errors import Overloaded, RateLimited, Rejected, Unauthorized, UnknownModel

_WITH_A_VALID_KEY = (RateLimited, Rejected, UnknownModel)
"""What a host answers only to those whose key it accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``sentence`` says what the host does with the key, and what to do about it; without a full stop."""

    is_accepted: bool
    sentence: str


async def check_key(backend: HttpBackend, server: Server, *, complete: bool) -> Verdict:
    """Try the back end's key at its host: with a small completion, or if not ``complete``, with the list of models alone.

    Takes up to 12 seconds. Never raises.
    """
    return verdict_of(server, await examine(backend, None, complete=complete))


def verdict_of(server: Server, found: Findings) -> Verdict:
    """What the findings mean for the key."""
    made = found.completion
    error = found.reach_error or (made.error if made else found.list_error)
    if made is None and error is None:
        if found.models:
            return Verdict(is_accepted=True, sentence=f"{server.host} lists its models with it")
        return Verdict(is_accepted=True, sentence=f"{server.host} answers, but does not say whether it accepts the key")
    if error is None:
        return Verdict(is_accepted=True, sentence=f"{server.host} accepts it")
    reason = cause(error).partition("; the refused key is from ")[0]
    if isinstance(error, _WITH_A_VALID_KEY):
        return Verdict(is_accepted=True, sentence=f"{server.host} accepts it, but {reason}")
    if not isinstance(error, Overloaded):  # which ends by itself
        reason += f": {remedy_for(error, facts_about(server))}"
    if isinstance(error, Unauthorized):
        return Verdict(is_accepted=False, sentence=reason)
    return Verdict(is_accepted=False, sentence=f"it could not be tested, because {reason}")
