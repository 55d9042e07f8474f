"""Waiting for something on a server to be done: when to ask, for how long, and what a failed question means.

Two numbers judge a way of asking: how late the end is seen, and how many questions were spent. Without knowledge one is
bought with the other. Let a duration have the density f and the share S(t) still running after t, and let questions be
asked g(t) seconds apart: the mean delay is about ∫ f·g/2 and the number of questions about ∫ S/g, so by Cauchy and
Schwarz their product is no less than (∫ √(f·S/2))², whatever g is. For durations from 0.1 s to 10 min, every order of
magnitude as likely as any other, that is 23; the best times of asking, found by dynamic programming with the first
question at once, come to 25 to 28. A poll every 2 s sees the end 1.15 s late for 36.1 questions (a product of 41), one
every 5 s 3.11 s late for 15.4 (48). Each can be beaten on both counts, but no times of asking are as quick as the first
and as sparing as the second: that is a product of 17.6.

So nothing is known of a first run, and :class:`PollSchedule` then asks at growing pauses: 2.3 s late for 14 questions,
better on both than the poll every 5 s. Why that one of the two: a job of up to 5 s is seen after 0.3 s to 0.6 s more
either way, and to beat the 2 s poll's mean would only bring jobs of minutes in three seconds sooner, for twice as many
questions. A workflow that ran before is another matter: see :mod:`simstudio.core.expectations`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.transport.errors import (
    APIConnectionError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    SimStudioError,
)
from simstudio.transport.flow import Call, Flow, Sleep
from simstudio.transport.retry import LONGEST_WAIT

if TYPE_CHECKING:
    from simstudio.core.expectations import Expectation

S = TypeVar("S")

TOLERATED_FAILURES = 5
"""Polls that may fail one after another before the wait gives up. The job goes on whatever becomes of a question."""

SHORTEST_QUESTION = 5.0
"""Seconds that a poll may take even when less is left of the wait, so that the last one can be answered."""


@attrs.frozen
class PollSchedule:
    """When to ask next.

    Attributes:
        initial: Seconds before the second question (the first is asked at once).
        multiplier: Growth from one pause to the next.
        maximum: Seconds no pause exceeds.
        jitter: Share by which a pause is spread, so that many waiters do not ask in step.
        share: Where the server estimates a duration, pauses grow to this share of it at the most.

    Example:
        >>> PollSchedule(initial=1.0).delay(2, random=0.5)
        1.25
    """

    initial: float = 0.5
    multiplier: float = 1.25
    maximum: float = 10.0
    jitter: float = 0.1
    share: float = 0.05

    def delay(self, question: int, *, random: float, estimate: float | None = None) -> float:
        """Seconds to pause after a question.

        Args:
            question: Which one was asked, from 1.
            random: From 0 to 1; 0.5 is no jitter.
            estimate: Seconds that the server thinks the whole takes.
        """
        most = self.maximum
        if estimate is not None and estimate > 0:
            most = min(most, max(self.initial, estimate * self.share))
        try:
            grown = min(most, self.initial * self.multiplier ** (question - 1))
        except OverflowError:
            grown = most
        return self.spread(grown, random=random)

    def spread(self, pause: float, *, random: float) -> float:
        """A pause with its jitter, from a number from 0 to 1."""
        return pause * (1 + self.jitter * (2 * random - 1))


BORNE: tuple[type[SimStudioError], ...] = (APIConnectionError, ServerError, RateLimitError, InvalidResponseError)
"""Failures of a question that asking again may mend."""


@attrs.frozen
class Poller:
    """Asks until an answer is final.

    Attributes:
        schedule: When to ask.
        clock: Monotonic seconds.
        random: Numbers from 0 to 1.
        tolerated: Failed questions in a row that are borne.
        borne: The failures that are borne so.
    """

    schedule: PollSchedule = attrs.field(factory=PollSchedule)
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    tolerated: int = TOLERATED_FAILURES
    borne: tuple[type[SimStudioError], ...] = BORNE

    def every(self, seconds: float | None) -> Poller:
        """This poller with a fixed pause between questions; itself where none is given.

        Args:
            seconds: The pause, without jitter.

        Example:
            >>> Poller().every(5).schedule.delay(7, random=0.9)
            5.0
        """
        if seconds is None:
            return self
        fixed = PollSchedule(initial=seconds, multiplier=1.0, maximum=seconds, jitter=0.0)
        return attrs.evolve(self, schedule=fixed)

    def wait(
        self,
        ask: Callable[[float | None], Flow[S]],
        *,
        done: Callable[[S], bool],
        expired: Callable[[S | None], SimStudioError],
        timeout: float | None,
        on_progress: Callable[[S], Any] | None = None,
        estimate: Callable[[S], float | None] = lambda _: None,
        expected: Expectation | None = None,
        begun: float | None = None,
    ) -> Flow[S]:
        """Ask until it is done.

        Args:
            ask: The flow of one question; its argument is the seconds that it may take, None for the client's own.
            done: Whether an answer is final.
            expired: The error for a wait that is over, from the last answer.
            timeout: Seconds to wait; None waits for ever. The last pause is cut to it, and one final question asked.
            on_progress: Called with each answer. What it raises ends the wait and comes out.
            estimate: Seconds that an answer says the whole takes, or None.
            expected: When the end is likely; it takes the place of the schedule's pauses, but for the longest. After
                failed questions the schedule's pauses are the least, so that a short outage is outlived.
            begun: When it began, by the clock; now where it is not given.

        Returns:
            The final answer.

        Raises:
            SimStudioError: What ``expired`` makes; or a failed question that asking again cannot mend, or the last of
                more failures in a row than are tolerated.
        """
        now = self.clock()
        begun = now if begun is None else begun
        end = None if timeout is None else now + timeout
        answer: S | None = None
        failures = question = 0
        last = False
        while True:
            question += 1
            floor = 0.0
            failure: SimStudioError | None = None
            try:
                answer = yield from ask(None if end is None else max(end - self.clock(), SHORTEST_QUESTION))
            except self.borne as error:
                failure = error
                failures += 1
                if failures > self.tolerated and not last:
                    raise
                floor = min(error.retry_after or 0.0, LONGEST_WAIT) if isinstance(error, RateLimitError) else 0.0
            else:
                failures = 0
                if on_progress is not None:
                    yield Call(on_progress, answer)
                if done(answer):
                    return answer
            if last:
                raise expired(answer) from failure
            chance = self.random()
            if expected is None:
                guess = None if answer is None else estimate(answer)
                pause = self.schedule.delay(question, random=chance, estimate=guess)
            else:
                pause = expected.delay(max(0.0, self.clock() - begun), maximum=self.schedule.maximum)
                pause = self.schedule.spread(pause, random=chance)
                if failures:
                    floor = max(floor, self.schedule.delay(failures, random=chance))
            pause = max(floor, pause)
            if end is not None:
                left = end - self.clock()
                last = pause >= left
                pause = max(0.0, min(pause, left))
            yield Sleep(pause)
