"""Everything that can go wrong on purpose, as one tree.

    FimError
    ├── SettingError         a setting has a value that can't be used
    ├── UsageError           the command line can't be followed
    ├── StoreLost            the ledger of a quota can't be used now (in limits/store.py)
    └── BackendError         a back end did not answer
        ├── Unreachable      no connection: name, route, refusal, TLS, proxy, or no first byte in time
        ├── Unauthorized     401, 403: the key is missing, wrong, or another host's
        ├── UnknownModel     the model is retired, unknown, or can't fill in the middle
        ├── RateLimited      429: a quota is used up, for now
        ├── Overloaded       5xx, or a 429 that says the provider itself is full
        ├── Rejected         any other 4xx: the request is not to the server's liking
        ├── BadReply         the server answered with something else than a completion
        ├── Intercepted      something else than the API answered: a firewall, a proxy, a sign-in page
        └── Paused           it was not asked: its quota is used up, or it failed lately
            └── Withheld     it was not asked: by now, the text may not be sent

``str(error)`` is one sentence for a person: what happened, where, and what to do. It never holds text of the
user's, a prompt or a key. Exceptions of libraries are mapped to these in one place each (``backends/http.py``
for the network).
"""

from __future__ import annotations


class FimError(Exception):
    """The root: everything that fim-lsp raises on purpose."""


class SettingError(FimError):
    """A setting has a value that can't be used; the sentence says what is allowed."""


class UsageError(FimError):
    """The command line asks for something that can't be done."""


class BackendError(FimError):
    """A back end did not answer. ``host`` is where it was asked, ``status`` the HTTP status if there was one.

    ``sent`` is false if the request never left this machine, so nobody can have charged for it. ``invalidates_output`` is
    true if the server itself reported the error in the middle of its response: nothing of the output may be shown.
    ``timed_out`` is true if the server did not respond in time. ``transient`` is false if trying again at once can't help.
    """

    sent = True
    invalidates_output = False
    timed_out = False
    transient = True

    def __init__(self, sentence: str, *, host: str = "", status: int | None = None) -> None:
        super().__init__(sentence)
        self.host = host
        self.status = status


class Unreachable(BackendError):
    """There was no connection, or no first byte in time."""


class Unauthorized(BackendError):
    """The key is missing, wrong, or belongs to another host."""


class UnknownModel(BackendError):
    """The model is retired or unknown, or it can't fill in the middle."""


class RateLimited(BackendError):
    """A quota is used up. ``retry_after`` is the server's own wish in seconds, if it said one."""

    def __init__(
        self, sentence: str, *, host: str = "", status: int | None = 429, retry_after: float | None = None
    ) -> None:
        super().__init__(sentence, host=host, status=status)
        self.retry_after = retry_after


class Overloaded(BackendError):
    """The server is in trouble, not we."""


class Rejected(BackendError):
    """The server refuses this request for another reason than key, model or quota."""


class BadReply(BackendError):
    """The server's answer is not a completion, or it broke off."""


class Intercepted(BackendError):
    """The answer is not the API's: a firewall, a proxy or a sign-in page stands in the way. Says nothing of key and model."""


class Paused(BackendError):
    """The back end was not asked: its quota is used up for now, or it failed lately. The user was told already."""


class Withheld(Paused):
    """The back end was not asked: by now the settings or ignore rules keep this text from being sent."""

    sent = False


def duration(seconds: float) -> str:
    """A span of time for a person: "2 s", "about 3 minutes", "about 5 hours"; never a number that nobody can use."""
    if not seconds < 86_400:  # NaN too
        return "more than a day"
    if seconds < 0.95:
        return "a moment"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"about {seconds / 60:.0f} minutes" if seconds < 100 * 60 else f"about {seconds / 3600:.0f} hours"
