"""``CallLimit``: when the next call may be sent to a service that limits calls. Pure: the clock is an argument.

A service may document its limit (VectorVein: 60 calls a minute) and say nothing of it in its responses. The calls of a
client are counted here: those of one client share the limit, polls of runs included. Where nothing is documented,
refusals (429) teach how fast to call.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from simstudio.transport.fork import renew_after_fork

_PROBE_AGAIN = 0.05
"""Seconds between looks for the result of a probe."""
_PROBE_PATIENCE = 10.0
"""Seconds after which the result of a probe is no longer waited for."""
_FIRST_HOLD, _LONGEST_HOLD = 1 / 120, 1 / 4
"""Shares of a window for which the first refusal that names no pause holds calls up, and for which others do at most.
Nothing ran, so asking too early only costs a call."""
_FIRST_INTERVAL, _LONGEST_INTERVAL, _NO_INTERVAL = 1 / 1200, 1 / 6, 1 / 12_000
"""Shares of a window between calls after the first unexpected refusal, and at most; less than the last is none."""
_EASING = 0.9
"""Factor by which each accepted call shortens that interval."""
_ON_THE_WAY = 1 / 60
"""Share of a window by which it is taken to be longer, because calls arrive later than they are sent."""
_SAME_EPISODE = 1.0
"""Seconds in which refusals that are reported without the time of their call count as one."""


class CallLimit:
    """The limit of calls that the clients of one session share.

    A documented limit is not enforced by every server. When it is used up for the first time, one call is sent all the
    same (a *probe*): if it is accepted, the limit is ignored until a call is refused.

    Args:
        calls: Calls that the service documents for each window; None if it documents nothing.
        window: Seconds of the window.
        clock: Returns monotonic seconds.

    Example:
        >>> limit = CallLimit(1, 60.0, clock=lambda: 100.0)
        >>> ticket = limit.join()
        >>> limit.take(ticket)
        0.0
    """

    def __init__(
        self, calls: int | None = None, window: float = 60.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.calls = calls
        self.window = window
        self._clock = clock
        self._enforced: bool | None = None
        self._sent: deque[float] = deque(maxlen=calls or 1)
        self._queue: deque[object] = deque()
        self._admitted = 0
        self._earliest = float("-inf")
        self._probe: float | None = None
        self._hold = self._refused_at = float("-inf")
        self._refusals = 0  # in a row
        self._interval = 0.0
        self._lock = threading.Lock()
        renew_after_fork(self)

    def now(self) -> float:
        """Monotonic seconds."""
        return max(self._clock(), self._earliest)

    def see_time(self, moment: float) -> None:
        """Learn that it is this late, because a pause until then has ended: timers may end early by a tick."""
        self._earliest = max(self._earliest, moment)

    # -- calls that wait for their turn

    def join(self, *, first: bool = False) -> object:
        """Join the queue of calls; the ticket is for :meth:`take` and :meth:`leave`.

        Args:
            first: Whether to join before the others, as a call whose turn had come and that was refused.
        """
        ticket = object()
        with self._lock:
            if first:
                self._queue.appendleft(ticket)
            else:
                self._queue.append(ticket)
        return ticket

    def leave(self, ticket: object) -> None:
        """Leave the queue, if still in it."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)

    def take(self, ticket: object) -> float:
        """Seconds until it is this call's turn; 0.0 when it is: the call is counted, and is out of the queue."""
        with self._lock:
            now = self.now()
            pause = self._pause(now, self._queue.index(ticket), probing=True)
            if pause <= 0:
                self._queue.remove(ticket)
                self._sent.append(now)
            return max(0.0, pause)

    # -- calls that do not wait

    def admit(self) -> float:
        """Seconds until an execution may begin; 0.0 when it may: its call, which :meth:`count` expects, is counted.

        Calls in the queue go first: the runs that they ask for have begun before.
        """
        with self._lock:
            now = self.now()
            pause = self._pause(now, len(self._queue), probing=False)
            if pause <= 0:
                self._admitted += 1
                self._sent.append(now)
            return max(0.0, pause)

    def count(self) -> None:
        """Count a call that is sent without waiting, unless :meth:`admit` has counted it."""
        with self._lock:
            if self._admitted:
                self._admitted -= 1
            else:
                self._sent.append(self.now())

    # -- what became of calls

    def see_acceptance(self, sent: float) -> None:
        """Learn that a call was not refused.

        Args:
            sent: Time at which it was sent, by the clock.
        """
        with self._lock:
            if sent >= self._refused_at:
                self._refusals = 0
                self._interval = self._interval * _EASING if self._interval > self.window * _NO_INTERVAL else 0.0
            if self._probe is not None and sent >= self._probe:
                self._probe = None
                if self._enforced is None:
                    self._enforced = False

    def see_refusal(self, retry_after: float | None, sent: float | None = None) -> None:
        """Learn that a call was refused.

        Args:
            retry_after: Seconds that the service asks to wait; None if it does not say.
            sent: Time at which the call was sent, by the clock; None if unknown.
        """
        with self._lock:
            now = self.now()
            expected = self._enforced is not False and self.calls is not None and self._free(now) <= 0
            self._enforced, self._probe = True, None
            # A long wait may be meant for this kind of call only: others try again after a window.
            pause = min(retry_after or 0.0, self.window)
            if (now - _SAME_EPISODE if sent is None else sent) >= self._refused_at:
                self._refusals, self._refused_at = self._refusals + 1, now
                if not expected:
                    self._interval = min(
                        self.window * _LONGEST_INTERVAL, max(self.window * _FIRST_INTERVAL, 2 * self._interval)
                    )
                if retry_after is None and not expected:
                    pause = self.window * min(_LONGEST_HOLD, _FIRST_HOLD * 2.0 ** min(self._refusals - 1, 10))
            self._hold = max(self._hold, now + pause)

    @property
    def reset(self) -> float | None:
        """Seconds until the next call of the window is free again; None if nothing is documented or all are free."""
        with self._lock:
            now = self.now()
            self._free(now)
            return self._sent[0] + self._window - now if self.calls is not None and self._sent else None

    @property
    def remaining(self) -> int | None:
        """Calls left in this window beside those in the queue; None if nothing is documented."""
        with self._lock:
            return None if self.calls is None else max(0, self._free(self.now()) - len(self._queue))

    @property
    def _window(self) -> float:
        return self.window * (1 + _ON_THE_WAY)

    def _free(self, now: float) -> int:
        while self._sent and self._sent[0] <= now - self._window:
            self._sent.popleft()
        return (self.calls or 0) - len(self._sent)

    def _pause(self, now: float, place: int, *, probing: bool) -> float:
        """Seconds until the turn of a call with so many before it."""
        pause = self._hold - now
        if self._interval:
            last = self._sent[-1] if self._sent else self._refused_at
            pause = max(pause, last + self._interval - now, 0.0) + self._interval * place
        if self.calls is None or self._enforced is False:
            return pause
        behind = place - self._free(now)
        if behind < 0:
            return pause
        if self._enforced is None:
            idle = self._probe is None or now > self._probe + _PROBE_PATIENCE
            if not (probing and idle and place == 0) or pause > 0:
                return max(pause, _PROBE_AGAIN)
            self._probe = now
            return 0.0
        rounds, index = divmod(behind, self.calls)
        freed = self._sent[index] if index < len(self._sent) else now
        return max(pause, freed + self._window * (rounds + 1) - now)

    def after_fork(self) -> None:
        """Replace the lock in a forked child, where none of the parent's calls wait."""
        self._lock = threading.Lock()
        self._queue.clear()
        self._admitted = 0
