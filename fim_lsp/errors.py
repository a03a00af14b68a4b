"""All errors of fim-lsp, as one tree.

    FimError
    ├── SettingError         a setting has an invalid value
    ├── UsageError           the command line asks for something impossible
    ├── StoreUnavailable     the shared count of a quota is unavailable (in rate_limit/store.py)
    ├── KeyStoreError        a stored key can't be read, kept or removed
    │   └── KeyringUnavailable   the system's keyring can't be used (in backends/system_keyring.py)
    ├── StatsUnavailable     the counts of past days can't be read or written
    └── BackendError         a back end failed
        ├── Unreachable      no connection (name, route, refusal, TLS, proxy), or no first byte in time
        ├── Unauthorized     401, 403: the key is missing, wrong, or another host's
        ├── UnknownModel     the model is retired, unknown, or can't fill in the middle
        ├── RateLimited      429: a quota is used up for now
        ├── Overloaded       5xx, or a 429 because the provider itself is at capacity
        ├── Rejected         any other 4xx: the server rejects the request
        ├── BadReply         the response is not a completion, or it broke off
        ├── Intercepted      the response is not the API's: a firewall, a proxy or a sign-in page is in between
        └── Paused           the back end was not asked: its quota is used up, or it failed recently
            └── Withheld     the back end was not asked: this text must not be sent any more, or nobody wants the answer

``str(error)`` is one sentence for the user: what happened, where, and what to do about it. It never contains the user's
text, a prompt or a key. Exceptions of libraries are mapped to this tree in one place each
(:mod:`fim_lsp.http.network_errors` for the network).
"""

from __future__ import annotations


class FimError(Exception):
    """The root of the tree."""


class SettingError(FimError):
    """A setting has an invalid value; the message contains the allowed ones."""


class UsageError(FimError):
    """The command line asks for something impossible."""


class KeyStoreError(FimError):
    """A stored key can't be read, kept or removed; the message says why and what to do. It never contains the key."""


class StatsUnavailable(FimError):
    """The counts of past days can't be read or written. ``permanent``: not before the user has done something."""

    def __init__(self, sentence: str, *, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.permanent = permanent


class BackendError(FimError):
    """A back end failed. ``host`` is where the request went.

    ``sent`` is false if the request never left this machine, so that it can't have been charged. ``timed_out`` is true if
    the server did not respond in time. ``transient`` is false if trying again at once can't help.
    ``invalidates_output`` is true if the server itself reported the error in the middle of its response: nothing of the
    output may be shown.
    """

    def __init__(
        self,
        sentence: str,
        *,
        host: str = "",
        sent: bool = True,
        timed_out: bool = False,
        transient: bool = True,
        invalidates_output: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.host = host
        self.sent = sent
        self.timed_out = timed_out
        self.transient = transient
        self.invalidates_output = invalidates_output


class Unreachable(BackendError):
    """There was no connection, or no first byte in time."""


class Unauthorized(BackendError):
    """The key is missing, wrong, or belongs to another host."""


class UnknownModel(BackendError):
    """The model is retired or unknown, or it can't fill in the middle."""


class RateLimited(BackendError):
    """A quota is used up. ``retry_after`` is the number of seconds that the server asks to wait, if it gave one."""

    def __init__(self, sentence: str, *, host: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence, host=host)
        self.retry_after = retry_after


class Overloaded(BackendError):
    """The server failed, or the provider is at capacity."""


class Rejected(BackendError):
    """The server rejects this request for another reason than key, model or quota."""


class BadReply(BackendError):
    """The response is not a completion, or it broke off."""


class Intercepted(BackendError):
    """The response is not the API's, but that of a firewall, a proxy or a sign-in page. Key and model may be fine."""


class Paused(BackendError):
    """The back end was not asked: its quota is used up for now, or it failed recently. The user was notified already.

    ``retry_after`` is the number of seconds until it will be asked again, if that is known.
    """

    def __init__(self, sentence: str, *, host: str = "", sent: bool = True, retry_after: float | None = None) -> None:
        super().__init__(sentence, host=host, sent=sent)
        self.retry_after = retry_after


class Withheld(Paused):
    """The back end was not asked: settings or ignore rules now forbid sending this text, or nobody waits for the answer."""

    def __init__(self, sentence: str, *, host: str = "") -> None:
        super().__init__(sentence, host=host, sent=False)
