"""Outages: when the server stops answering during a batch, nothing more is sent until it answers again.

Without this, a restart of the server would make every remaining input fail with a refused connection. A batch that
never had a response fails at once instead, because its address may be wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from simstudio.core.errors import ExecutionError
from simstudio.transport.errors import APIConnectionError, APITimeoutError, SimStudioError
from simstudio.transport.retry import Backoff

PATIENCE = 300.0
"""Seconds without a response after which the batch ends."""
_MISSES = 3
_MOST_MISSES = 1000
_GATEWAYS = (502, 503, 504)


def is_miss(error: SimStudioError) -> bool:
    """Whether an error shows an unreachable server: no connection, a broken one, or an error status of a gateway.

    A response that is late is no miss: workflows may take long.
    """
    if error.status:  # Oomol's errors have 0 where nothing was answered
        return error.status in _GATEWAYS
    late = isinstance(error, APITimeoutError) and error.sent
    return isinstance(error, APIConnectionError) and not late


class Outage:
    """Counts responses and misses. It sends nothing and takes the clock as an argument.

    Args:
        clock: Monotonic clock, in seconds.
        patience: Seconds after which an outage ends the batch.

    Attributes:
        reached: Whether the server has responded at least once.
        since: Time at which the outage began; None while there is none.
    """

    def __init__(self, clock: Callable[[], float], patience: float = PATIENCE) -> None:
        self.reached = False
        self.since: float | None = None
        self._clock = clock
        self._patience = patience
        self._needed = _MISSES
        self._missed = 0
        self._probes = 0
        self._backoff = Backoff(initial=0.5, maximum=15.0)
        self._error: SimStudioError | None = None

    def record(self, error: SimStudioError | None = None) -> None:
        """Count the outcome of a request: a response, or an error, which may be a response or a miss."""
        if error is not None and is_miss(error):
            self._error = error
            self._missed += 1
            if self.reached and self.since is None and self._missed >= self._needed:
                self.since, self._probes = self._clock(), 0
        elif error is None or error.status or isinstance(error, ExecutionError):
            self.reached, self._missed = True, 0
            if self.since is not None:  # if the first probe got a response, there was no outage
                self._needed = min(2 * self._needed, _MOST_MISSES) if self._probes == 1 else _MISSES
                self.since = None

    @property
    def duration(self) -> float:
        """Seconds since the outage began; 0 without one."""
        return 0.0 if self.since is None else self._clock() - self.since

    def next_probe(self) -> float:
        """Seconds until the next probe; 0 for the first."""
        self._probes += 1
        if self._probes == 1:
            return 0.0
        return self._backoff.delay(self._probes - 1, random=random.random())  # noqa: S311 - no secret

    def check(self) -> None:
        """Raise if the outage has lasted too long.

        Raises:
            APIConnectionError: The server was not reached for :data:`PATIENCE` seconds.
        """
        if self.duration >= self._patience and self._error is not None:
            error = self._error
            raise APIConnectionError(
                f"The server was not reached for {self._patience:g} s, so the batch ends; what was not sent is not "
                f"lost: the same call with the same ledger goes on. At last: {error}",
                host=getattr(error, "host", None),
                port=getattr(error, "port", None),
                sent=False,
            ) from error
