"""A circuit breaker for one back end: closed while it answers, open after failures, half open while a probe is in flight.

While it is open, the next back end in the chain answers. As long as completions are requested, one request a second is
sent as a probe and waits for it for a moment, and the first answer closes the circuit. So the back end is used
again within two seconds of its recovery, and it never gets more calls than if it answered.

Quotas (429) are the limiter's business; see :mod:`fim_lsp.rate_limit`.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable

from fim_lsp.errors import BackendError, BadReply, Intercepted, Unauthorized, UnknownModel
from fim_lsp.schedule.recovery_probe import Probes

MAX_FAILURES = 3
"""Consecutive failures that open the circuit. One is enough where another call at once would not help."""

PROBE_INTERVAL = 0.8
"""Seconds from one probe to the next, plus up to a quarter at random, so that clients do not probe in step.

An open circuit costs a server no more calls than typing does: about one a second (``tests/quality/typing_eval.py``).
"""

REJECTED_INTERVALS = 120.0, 900.0
"""Seconds from one probe to the next where the API rejects a key, or a model, that has never worked: doubled from the
first number up to the second. Such a rejection rarely ends without a change of settings, after which a probe is made at
once; but a key that is activated or paid for at the provider must work without a restart. Many 401s may get an address
blocked, and each may run ``api_key_command``, which may prompt its user.
"""

MAX_OUTAGE = 600.0
"""Seconds for which the rejection of a key or model that worked before counts as an outage. After that it is believed."""

_MIN_SILENCE, _SILENCE_FACTOR, _LATENCY_DECAY = 1.5, 4.0, 0.98
"""Seconds and factors: a call is presumed dead after four times the latency of the slowest recent call. Codestral's first
token comes after 0.2 to 0.4 s. It decays by 2 % a call: one long prompt on a local model affects dozens of calls.
"""

_MIN_PROBE_WAIT, _PROBE_WAIT_FACTOR, _MAX_PROBE_WAIT, _MAX_WAIT_IF_HANGING = 0.6, 2.0, 1.0, 0.4
"""Seconds that a request waits for its probe: twice the latency of the slowest recent call, within these bounds."""


class State(enum.Enum):
    """The usual states (M. Nygard, Release It!)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class Admission(enum.Enum):
    """What to do with a call."""

    CALL = enum.auto()  # it is made as usual
    PROBE = enum.auto()  # it is made to find out whether the back end has recovered
    REJECT = enum.auto()  # it is not made


class CircuitBreaker:
    """One back end's breaker, and the probes that are in flight. Queries change nothing."""

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        """``clock`` returns seconds, ``jitter`` numbers from 0 to 1."""
        self._clock = clock
        self._jitter = jitter
        self._failures = 0  # in a row
        self._rejections = 0  # of a key or model, in a row, that are believed
        self._last_error: BackendError | None = None
        self._opened_at: float | None = None
        self._next_probe_at = 0.0
        self._probes_in_flight = 0
        self._has_answered = False
        self._latency = 0.0  # seconds to the first text: the slowest call's, slowly forgotten
        self.probes = Probes()

    # -- queries

    @property
    def state(self) -> State:
        """The state; half open means open while a probe is in flight."""
        if self._opened_at is None:
            return State.CLOSED
        return State.HALF_OPEN if self._probes_in_flight else State.OPEN

    def before_call(self) -> Admission:
        """Whether a call may be made now."""
        if self._opened_at is None:
            return Admission.CALL
        if self._clock() < self._next_probe_at or self.probes.progressing:
            return Admission.REJECT
        return Admission.PROBE

    @property
    def reason(self) -> str:
        """What the back end does instead of answering, after its name in a sentence."""
        return "refuses the key or the model" if self._rejections else "does not answer"

    @property
    def retry_after(self) -> float | None:
        """Seconds until the next probe may be made; None while the circuit is closed."""
        return None if self._opened_at is None else max(0.0, self._next_probe_at - self._clock())

    @property
    def max_silence(self) -> float | None:
        """Seconds without text after which a call is presumed dead, derived from this back end's usual latency.

        None while the latency is unknown: loading a model takes a server long.
        """
        return max(_MIN_SILENCE, _SILENCE_FACTOR * self._latency) if self._has_answered else None

    @property
    def probe_wait(self) -> float:
        """Seconds that a request waits for its probe before the next back end is asked; fewer if probes hang."""
        wait = _PROBE_WAIT_FACTOR * self._latency
        return min(wait, _MAX_WAIT_IF_HANGING) if self.hangs else min(max(_MIN_PROBE_WAIT, wait), _MAX_PROBE_WAIT)

    @property
    def needs_whole_answer(self) -> bool:
        """Whether the beginning of an answer proves nothing, because recent answers broke off."""
        return isinstance(self._last_error, BadReply)

    # -- what happened

    def succeeded(self, seconds: float = 0.0) -> None:
        """It answered, and the first text took ``seconds``: closes the circuit."""
        self._latency = max(seconds, self._latency * _LATENCY_DECAY)
        self._has_answered = True
        self._failures = self._rejections = 0
        self._opened_at = self._last_error = None

    def failed(self, error: BackendError, *, local: bool = False) -> None:
        """It failed. A ``local`` server may get a model at any time, and asking it costs nothing."""
        self._failures += 1
        self._last_error = error
        rejected = isinstance(error, Unauthorized) or (isinstance(error, UnknownModel) and not local)
        at_once = isinstance(error, Unauthorized | UnknownModel | Intercepted) or error.timed_out
        opens = self._opened_at is None and (at_once or self._failures >= MAX_FAILURES)
        if opens:
            self._opened_at = self._clock()
        self._rejections = self._rejections + 1 if rejected and self._is_believed() else 0
        if opens or self._rejections:
            self._schedule_probe()

    def probe_started(self) -> None:
        """A call is made as a probe."""
        self._probes_in_flight += 1
        self._schedule_probe()

    def probe_continues(self) -> None:
        """A call that is presumed dead goes on as a probe: the next call is another one."""
        self._probes_in_flight += 1
        self._next_probe_at = self._clock()

    def probe_ended(self) -> None:
        """A probe is over, after :meth:`succeeded` or :meth:`failed` if it had a result."""
        self._probes_in_flight -= 1

    def probe_now(self) -> None:
        """Settings were changed, which may have helped: the next call is a probe.

        Probes in flight are given up: they carry text that the new settings may not let out.
        """
        self.probes.cancel()
        self._next_probe_at = self._clock()
        self._rejections = 0

    async def close(self) -> None:
        """Give up the probes in flight."""
        await self.probes.close()

    @property
    def hangs(self) -> bool:
        """Whether it was silent when it was last asked."""
        return self._last_error is not None and self._last_error.timed_out

    def _is_believed(self) -> bool:
        """Whether the key or model is really rejected, rather than this being an outage of a server that accepted it."""
        return not self._has_answered or (self._opened_at is not None and self._clock() - self._opened_at > MAX_OUTAGE)

    def _schedule_probe(self) -> None:
        first, longest = REJECTED_INTERVALS
        interval = PROBE_INTERVAL
        if self._rejections:
            interval = min(first * 2.0 ** min(self._rejections - 1, 10), longest)
        elif self.hangs:  # a probe is given up for the next one, so it must have had time to be answered
            interval = max(PROBE_INTERVAL, _PROBE_WAIT_FACTOR * self._latency)
        self._next_probe_at = self._clock() + interval * (1 + self._jitter() / 4)
