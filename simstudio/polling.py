"""Waiting for something on a server to be done: when to ask, for how long, and what a failed question means."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from simstudio.errors import APIConnectionError, InvalidResponseError, RateLimitError, ServerError, SimStudioError
from simstudio.transport.flow import Call, Flow, Sleep
from simstudio.transport.retry import LONGEST_WAIT

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
        1.5
    """

    initial: float = 0.5
    multiplier: float = 1.5
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
        return grown * (1 + self.jitter * (2 * random - 1))


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

    def wait(
        self,
        ask: Callable[[float | None], Flow[S]],
        *,
        done: Callable[[S], bool],
        expired: Callable[[S | None], SimStudioError],
        timeout: float | None,
        on_progress: Callable[[S], Any] | None = None,
        estimate: Callable[[S], float | None] = lambda _: None,
    ) -> Flow[S]:
        """Ask until it is done.

        Args:
            ask: The flow of one question; its argument is the seconds that it may take, None for the client's own.
            done: Whether an answer is final.
            expired: The error for a wait that is over, from the last answer.
            timeout: Seconds to wait; None waits for ever. The last pause is cut to it, and one final question asked.
            on_progress: Called with each answer. What it raises ends the wait and comes out.
            estimate: Seconds that an answer says the whole takes, or None.

        Returns:
            The final answer.

        Raises:
            SimStudioError: What ``expired`` makes; or a failed question that asking again cannot mend, or the last of
                more failures in a row than are tolerated.
        """
        end = None if timeout is None else self.clock() + timeout
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
            guess = None if answer is None else estimate(answer)
            pause = max(floor, self.schedule.delay(question, random=self.random(), estimate=guess))
            if end is not None:
                left = end - self.clock()
                last = pause >= left
                pause = max(0.0, min(pause, left))
            yield Sleep(pause)
