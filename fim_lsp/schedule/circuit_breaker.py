"""A circuit breaker for one back end: closed while it answers, open after failures, half open while a call tries it.

While it is open, nobody waits for the back end: the next one answers. As long as somebody asks for completions, one of
these requests each second is sent on as a probe, and the first answer closes the circuit. So the back end is used again
within two seconds, however long it was away, and it is never sent more than it would be if it answered.

Quotas (429) are the limiter's business; see :mod:`fim_lsp.rate_limit`.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable

from fim_lsp.errors import BackendError, BadReply, Intercepted, Unauthorized, UnknownModel
from fim_lsp.schedule.recovery_probe import Probes

FAILURES = 3
"""Failures in a row that open the circuit. One is enough where asking again at once would change nothing."""

PROBE = 0.8
"""Seconds from one probe to the next, and up to a quarter more by chance, so that clients do not come in step.

An open circuit costs a server no more calls than typing does: about one a second (``tests/quality/typing_eval.py``).
"""

REFUSED = 120.0, 900.0
"""Seconds from one probe to the next where the API refuses a key, or a model, that has never worked: doubled up to the
second number. Such a refusal is rarely mended without a change of settings, which is tried at once; but a key that is
activated or paid for at the provider must come back without a restart. 401s in numbers may get an address blocked, and
each may run ``api_key_command``, which may ask its user.
"""

PATIENCE = 600.0
"""Seconds for which a refusal of what worked before counts as an outage; after that it is probed as one that is meant."""

_SILENCE, _FACTOR, _DECAY = 1.5, 4.0, 0.98
"""Seconds and factor: a call is presumed dead after four times what the slowest lately took. Codestral's first token comes
after 0.2 to 0.4 s. The slowest is forgotten by 2 % a call, so that one long prompt on a local model counts for dozens."""

_WAIT, _WAIT_FACTOR, _WAIT_MOST, _WAIT_HANGING = 0.6, 2.0, 1.0, 0.4
"""Seconds that a request waits for its probe: twice what the slowest lately took, within these bounds."""


class State(enum.Enum):
    """The breaker's states, in the usual words (M. Nygard, Release It!)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class CircuitBreaker:
    """One back end's breaker. ``clock`` gives seconds, ``jitter`` numbers from 0 to 1.

    Queries (:attr:`state`, :attr:`probe_due`, :attr:`reason`, :attr:`silence`, :attr:`patience`) change nothing.
    """

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._opened_at: float | None = None
        self._probe_at = 0.0  # when the next one may be made
        self._refusals = 0  # in a row, that are probed slowly
        self._probing = 0  # probes in flight
        self._cause: BackendError | None = None
        self._worked = False
        self._usual = 0.0  # seconds to the first text: the slowest call, slowly forgotten
        self.probes = Probes()

    # -- queries

    @property
    def state(self) -> State:
        """Closed, open, or half open while a probe is in flight."""
        if self._opened_at is None:
            return State.CLOSED
        return State.HALF_OPEN if self._probing else State.OPEN

    @property
    def probe_due(self) -> bool:
        """Whether the next request is to be sent on as a probe."""
        return self._opened_at is not None and self._clock() >= self._probe_at

    @property
    def reason(self) -> str:
        """Why the back end is not asked now, for the status line."""
        if self._refusals:
            return "it refused the key or the model: tried again every few minutes, and at once when settings change"
        return "it did not answer: tried again every second while you type"

    @property
    def silence(self) -> float | None:
        """Seconds without a word after which a call of this back end is presumed dead, by what it usually takes.

        None while that is not known: a model that is being loaded takes its time.
        """
        return max(_SILENCE, _FACTOR * self._usual) if self._worked else None

    @property
    def patience(self) -> float:
        """Seconds that a request waits for its probe before the next back end is asked; little where probes hang."""
        if self._overdue:
            return min(_WAIT_FACTOR * self._usual, _WAIT_HANGING)
        return min(max(_WAIT, _WAIT_FACTOR * self._usual), _WAIT_MOST)

    @property
    def wants_whole_answer(self) -> bool:
        """Whether a first word proves nothing, because answers broke off lately."""
        return isinstance(self._cause, BadReply)

    # -- what happened

    def probe_started(self) -> None:
        """A request is sent on as a probe."""
        self._probing += 1
        self._schedule()

    def probe_ended(self) -> None:
        """A probe is over; :meth:`succeeded` or :meth:`failed` say what became of it, if it had a result."""
        self._probing -= 1

    def succeeded(self, seconds: float = 0.0) -> None:
        """It answered; the first text took ``seconds``. Closes the circuit."""
        self._usual = max(seconds, self._usual * _DECAY)
        self._worked = True
        self._failures = self._refusals = 0
        self._opened_at = self._cause = None

    def failed(self, error: BackendError, *, here: bool = False) -> None:
        """It did not answer. To a server ``here``, on this machine, a model may come at any time, and asking costs nothing."""
        self._failures += 1
        self._cause = error
        refused = isinstance(error, Unauthorized) or (isinstance(error, UnknownModel) and not here)
        at_once = isinstance(error, Unauthorized | UnknownModel | Intercepted) or error.timed_out
        opens = self._opened_at is None and (at_once or self._failures >= FAILURES)
        if opens:
            self._opened_at = self._clock()
        self._refusals = self._refusals + 1 if refused and self._is_meant() else 0
        if opens or self._refusals:
            self._schedule()

    def retry(self) -> None:
        """Something changed that may have mended it (settings were saved): the next request is a probe.

        Probes in flight are given up: they carry text that the new settings may not let out.
        """
        self.probes.cancel()
        self._probe_at = self._clock()
        self._refusals = 0

    async def close(self) -> None:
        """Give up what is in flight."""
        await self.probes.close()

    @property
    def _overdue(self) -> bool:
        return self._cause is not None and self._cause.timed_out

    def _is_meant(self) -> bool:
        """Whether a refused key or model is to be believed, and not an outage of a server that took it before."""
        return not self._worked or (self._opened_at is not None and self._clock() - self._opened_at > PATIENCE)

    def _schedule(self) -> None:
        first, most = REFUSED
        pause = PROBE
        if self._refusals:
            pause = min(first * 2.0 ** min(self._refusals - 1, 10), most)
        elif self._overdue:  # a probe is given up for the next one, so it must have had time to be answered
            pause = max(PROBE, _WAIT_FACTOR * self._usual)
        self._probe_at = self._clock() + pause * (1 + self._jitter() / 4)
