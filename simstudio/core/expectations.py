"""Expected durations of runs, from earlier runs of the same workflow, so that polls come when the end is likely.

:class:`~simstudio.core.polling.Poller` always polls at once, and no pause exceeds the schedule's maximum. A wrong
expectation therefore costs at most that delay, and about twice the polls of a run without an expectation.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import attrs


@attrs.frozen
class Expectation:
    """The distribution of a run's duration, and the pauses between polls that follow from it.

    Durations are taken to be log-logistic around ``median``, except for a share ``doubt`` of runs that may end within
    any order of magnitude, such as runs that fail early. The next poll is due when the expected delay since the last
    one reaches ``price``. This rule polls seldom before the end is likely, often around the median, and less and less
    often after it.

    Attributes:
        median: Median duration in seconds.
        spread: Standard deviation of the logarithm of the durations, which is about their relative deviation.
        doubt: Share of runs that do not follow the earlier ones, above 0 and up to 1.
        price: Seconds of delay that are worth one poll. No pause is shorter.

    Example:
        >>> expected = Expectation(median=60.0, spread=0.1)
        >>> [round(expected.delay(elapsed, maximum=10.0), 1) for elapsed in (0, 30, 60, 90)]
        [8.2, 10.0, 1.1, 4.8]
    """

    median: float = attrs.field(validator=attrs.validators.gt(0))
    spread: float = attrs.field(validator=attrs.validators.gt(0))
    doubt: float = attrs.field(default=0.05, validator=[attrs.validators.gt(0), attrs.validators.le(1)])
    price: float = attrs.field(default=0.08, validator=attrs.validators.gt(0))

    def share_running(self, elapsed: float) -> float:
        """Return the share of runs that take longer than this many seconds, from 0 to 1."""
        age = math.log(max(elapsed, _INSTANT) / self.median)
        return (1 - self.doubt) * _survival(age / self.spread * _LOGISTIC) + self.doubt * _survival(age / 2)

    def delay(self, elapsed: float, *, maximum: float) -> float:
        """Return the seconds to pause before the next poll.

        Args:
            elapsed: Age of the run in seconds, at a poll that found it running.
            maximum: Longest pause in seconds.
        """
        still = self.share_running(elapsed)
        if still <= 0:  # older than any expected duration
            return maximum
        pause = lateness = ended = 0.0
        step = min(self.price, maximum)
        while pause < maximum:
            step = min(step, maximum - pause)
            ended_then = 1 - self.share_running(elapsed + pause + step) / still
            more = step * (ended + ended_then) / 2
            if lateness + more >= self.price:
                pause += step * (self.price - lateness) / more
                break
            pause, lateness, ended = pause + step, lateness + more, ended_then
            step = max(self.price, pause * _STRIDE)
        return min(max(pause, self.price), maximum)


_INSTANT = 1e-9
_LOGISTIC = math.pi / math.sqrt(3)  # a logistic distribution of this scale has the standard deviation 1
_STRIDE = 0.15


def _survival(u: float) -> float:
    """Survival function of the logistic distribution, in a numerically stable form."""
    return math.exp(-u) / (1 + math.exp(-u)) if u > 0 else 1 / (1 + math.exp(u))


@attrs.define
class Watch:
    """The duration of one run, measured by the polls of a wait.

    Attributes:
        begun: Time at which the run began, by the clock of the wait; None if unknown.
        running: Age of the run in seconds when a poll last found it running; 0 if no poll did.
    """

    begun: float | None
    running: float = 0.0

    def record_running(self, polled: float) -> None:
        """Record that a poll sent at this time found the run running."""
        if self.begun is not None:
            self.running = max(self.running, polled - self.begun)

    def duration(self, ended: float, reported: float | None) -> float | None:
        """Return the best estimate of the duration in seconds; None without any.

        Args:
            ended: Time at which a response first said that the run has ended.
            reported: Duration in seconds that the server reports. It may leave out the time in a queue.
        """
        if self.begun is None:
            return reported
        most = max(self.running, ended - self.begun)
        if reported is not None:
            return min(max(reported, self.running), most)
        return (self.running + most) / 2 if self.running > 0 else None


class Durations:
    """The durations of the last runs of each workflow, or of each of other things with a key.

    A run's weight halves with every :attr:`HALF_LIFE` newer runs, so that a few runs suffice after a workflow was
    changed. Medians keep single exceptional runs from mattering.

    Args:
        keys: Most keys that are kept. The key whose last run was added longest ago is dropped first.
        runs: Most runs that are kept of each key.

    Example:
        >>> durations = Durations()
        >>> for seconds in (58, 61, 60, 5, 63):
        ...     durations.add("wf", seconds)
        >>> round(durations.expect("wf").median)
        60
        >>> durations.expect("another") is None
        True
    """

    HALF_LIFE = 4.0
    """Newer runs after which the weight of a run is one half."""

    def __init__(self, *, keys: int = 1024, runs: int = 16) -> None:
        self._keys = keys
        self._runs = runs
        self._seen: dict[Hashable, tuple[float, ...]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, key: Hashable, seconds: float) -> None:
        """Add the duration of a run; ignored if it is not positive and finite."""
        if not 0 < seconds < math.inf:
            return
        # Threads may share this without a lock: tuples are replaced as a whole, and each step is atomic.
        self._seen[key] = (*self._seen.pop(key, ()), math.log(max(seconds, _INSTANT)))[-self._runs :]
        while len(self._seen) > self._keys:
            try:
                self._seen.pop(next(iter(self._seen)), None)
            except (RuntimeError, StopIteration):  # another thread removed a key meanwhile
                break

    def expect(self, key: Hashable) -> Expectation | None:
        """Return the expectation for the next run; None for a key without runs."""
        seen = self._seen.get(key)
        if not seen:
            return None
        count = len(seen)
        weights = [0.5 ** ((count - 1 - index) / self.HALF_LIFE) for index in range(count)]
        middle = _median(seen, weights)
        deviation = _NORMAL * _median([abs(value - middle) for value in seen], weights)
        # A few runs say little about the spread, so one more run that deviates by about half is assumed.
        spread = math.sqrt((_UNKNOWN_SPREAD**2 + (count - 1) * deviation**2) / count)
        return Expectation(math.exp(middle), max(spread, _LEAST_SPREAD), doubt=1 / (count + 2))


_UNKNOWN_SPREAD = 0.5
_LEAST_SPREAD = 0.05
_NORMAL = 1.4826  # ratio of the standard deviation of a normal distribution to its median absolute deviation


def _median(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted median."""
    half = sum(weights) / 2
    for value, weight in sorted(zip(values, weights, strict=True)):
        half -= weight
        if half <= 0:
            return value
    return max(values)
