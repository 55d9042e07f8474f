"""When a run will be over, from what runs like it took before: so that it is asked for where its end is likely.

Whatever is remembered, :class:`~simstudio.core.polling.Poller` asks at once, and no pause exceeds the schedule's
longest: a wrong memory costs at most that delay, and about twice the questions of a run of which nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import attrs


@attrs.frozen
class Expectation:
    """When a run is likely to end, from what others like it took, and when to ask because of that.

    Durations are taken to be log-logistic around ``median``, but for a share ``doubt`` that may end anywhere within
    orders of magnitude: a run that fails early, or one that takes far longer, is still asked for, at pauses that grow
    with its age. The next question is due when the delay that not asking has cost, on the average of all that may have
    happened since the last one, is worth a question. This one rule asks seldom before an end is likely, densely around
    the median, and ever more seldom after.

    Attributes:
        median: Seconds that half of the runs exceed.
        spread: Standard deviation of the logarithm of what they take: about the share by which they differ.
        doubt: Share of the runs, above 0 and up to 1, that follow no memory.
        price: Seconds of delay that are worth one question. No pause is shorter.

    Example:
        >>> expected = Expectation(median=60.0, spread=0.1)
        >>> [round(expected.delay(elapsed, maximum=10.0), 1) for elapsed in (0, 30, 60, 90)]
        [8.2, 10.0, 1.1, 4.8]
    """

    median: float = attrs.field(validator=attrs.validators.gt(0))
    spread: float = attrs.field(validator=attrs.validators.gt(0))
    doubt: float = attrs.field(default=0.05, validator=[attrs.validators.gt(0), attrs.validators.le(1)])
    price: float = attrs.field(default=0.08, validator=attrs.validators.gt(0))

    def running(self, elapsed: float) -> float:
        """The share of runs that are not over after so many seconds, from 0 to 1."""
        age = math.log(max(elapsed, _INSTANT) / self.median)
        return (1 - self.doubt) * _survival(age / self.spread * _LOGISTIC) + self.doubt * _survival(age / 2)

    def delay(self, elapsed: float, *, maximum: float) -> float:
        """Seconds to pause before the next question.

        Args:
            elapsed: How long the run has been going on, when a question found it still running.
            maximum: Seconds that the pause does not exceed, whatever was expected: a wrong memory delays by no more.
        """
        still = self.running(elapsed)
        if still <= 0:  # nothing that is remembered took so long
            return maximum
        pause = lateness = ended = 0.0
        step = min(self.price, maximum)
        while pause < maximum:
            step = min(step, maximum - pause)
            ended_then = 1 - self.running(elapsed + pause + step) / still
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
    """Of the logistic distribution; written so that it neither overflows nor becomes 0 where it need not."""
    return math.exp(-u) / (1 + math.exp(-u)) if u > 0 else 1 / (1 + math.exp(u))


@attrs.define
class Watch:
    """What one wait sees of a run's duration: it ended between the last question that found it running and the next.

    Attributes:
        begun: When it began, by the wait's clock; None when that is not known.
        running: Seconds after which it was last seen running; 0 if it never was.
    """

    begun: float | None
    running: float = 0.0

    def seen_running(self, asked: float) -> None:
        """A question that was asked then found it running."""
        if self.begun is not None:
            self.running = max(self.running, asked - self.begun)

    def took(self, answered: float, told: float | None) -> float | None:
        """Seconds that it took, as well as they can be known; None if they cannot.

        Args:
            answered: When the answer came that it is over.
            told: Seconds that the server says it took. They may leave out its time in a queue.
        """
        if self.begun is None:
            return told
        most = max(self.running, answered - self.begun)
        if told is not None:
            return min(max(told, self.running), most)
        return (self.running + most) / 2 if self.running > 0 else None


class Durations:
    """What the last runs of each of many things took. Bounded: the thing unseen for longest is forgotten first.

    An old run counts for less (half after :attr:`HALF_LIFE` newer ones), so that a workflow that was changed is known
    anew after a few runs; medians are taken, so that single runs out of the ordinary change nothing.

    Args:
        keys: How many things are remembered.
        runs: How many runs of each.

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
    """Runs after which one counts for half."""

    def __init__(self, *, keys: int = 1024, runs: int = 16) -> None:
        self._keys = keys
        self._runs = runs
        self._seen: dict[Hashable, tuple[float, ...]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, key: Hashable, seconds: float) -> None:
        """Remember what a run took. Nonsense (nothing, less, or no number) is not remembered."""
        if not 0 < seconds < math.inf:
            return
        # Tuples are replaced whole, and each step is atomic, so that threads may share this without a lock.
        self._seen[key] = (*self._seen.pop(key, ()), math.log(max(seconds, _INSTANT)))[-self._runs :]
        while len(self._seen) > self._keys:
            try:
                self._seen.pop(next(iter(self._seen)), None)
            except (RuntimeError, StopIteration):  # another thread was faster
                break

    def expect(self, key: Hashable) -> Expectation | None:
        """What to expect of the next run; None of what never ran."""
        seen = self._seen.get(key)
        if not seen:
            return None
        count = len(seen)
        weights = [0.5 ** ((count - 1 - index) / self.HALF_LIFE) for index in range(count)]
        middle = _median(seen, weights)
        deviation = _NORMAL * _median([abs(value - middle) for value in seen], weights)
        # One run says little of the spread: it is as if one more had been seen, that differed by about half.
        spread = math.sqrt((_UNKNOWN_SPREAD**2 + (count - 1) * deviation**2) / count)
        return Expectation(math.exp(middle), max(spread, _LEAST_SPREAD), doubt=1 / (count + 2))


_UNKNOWN_SPREAD = 0.5
_LEAST_SPREAD = 0.05
_NORMAL = 1.4826  # a normal distribution's standard deviation over its median deviation


def _median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value at which half of the weight is reached."""
    half = sum(weights) / 2
    for value, weight in sorted(zip(values, weights, strict=True)):
        half -= weight
        if half <= 0:
            return value
    return max(values)
