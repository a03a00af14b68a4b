"""Whether a back end is worth asking: after repeated failures it rests, and one call probes whether it is back.

Quotas (429) are the limiter's business; see :mod:`fim_lsp.limits`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from fim_lsp.errors import BackendError, Paused, Unauthorized, UnknownModel

FAILURES = 3  # in a row, before a back end rests
_MODEL = 30.0  # seconds until a server of one's own is asked again for a model that it had not
_FIRST, _MOST = 5.0, 60.0  # seconds of rest: doubled from failure to failure, with up to half as much again by chance


class Health:
    """One back end's. ``clock`` gives seconds, ``jitter`` numbers from 0 to 1."""

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._rests_until = 0.0
        self._probing = False
        self._stopped = False

    def check(self, *, explicit: bool) -> None:
        """Raise :class:`~fim_lsp.errors.Paused` if it is not to be asked now. A user who asks by a key may try."""
        if explicit:
            return
        if self._stopped:
            raise Paused("it refused the key or the model: waiting for other settings")
        if self._clock() < self._rests_until:
            raise Paused("it rests after failures")
        if self._failures >= FAILURES:
            if self._probing:
                raise Paused("a call is trying whether it is back")
            self._probing = True

    def succeeded(self) -> None:
        """It answered."""
        self._failures, self._rests_until, self._probing, self._stopped = 0, 0.0, False, False

    def failed(self, error: BackendError, *, here: bool = False) -> None:
        """It did not answer. A key or a model that it refuses is refused again until the settings change.

        On a server ``here``, on this machine, a model may come at any time: after a rest it is asked for again.
        """
        self._probing = False
        if here and isinstance(error, UnknownModel):
            self._failures = FAILURES
            self._rests_until = self._clock() + _MODEL
            return
        if isinstance(error, Unauthorized | UnknownModel):
            self._stopped = True
            return
        self._failures += 1
        if self._failures >= FAILURES:
            rest = min(_FIRST * 2 ** (self._failures - FAILURES), _MOST)
            self._rests_until = self._clock() + rest * (1 + self._jitter() / 2)

    def left(self) -> None:
        """The call was given up before it told anything."""
        self._probing = False
