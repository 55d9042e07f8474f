"""Polling: when to ask a server whether a run has ended, for how long, and which failed polls to tolerate.

A schedule has two costs: the delay between the end of a run and the poll that sees it, and the number of polls. Without
knowledge of the run, less of one costs more of the other. For a duration with density f, of which the share S(t) is
still running after t, and polls g(t) seconds apart, the mean delay is about ∫ f·g/2 and the number of polls about
∫ S/g. By the Cauchy-Schwarz inequality their product is at least (∫ √(f·S/2))² for every g. For durations from 0.1 s to
10 min, each order of magnitude equally likely, that bound is 23; the best schedules that poll at once, found by dynamic
programming, reach 25 to 28. Polls every 2 s cost a delay of 1.15 s and 36.1 polls (a product of 41), polls every 5 s
3.11 s and 15.4 polls (48).

:class:`PollSchedule` polls at growing pauses: a delay of 2.3 s for 14 polls, better on both counts than every 5 s. A
schedule that is better than every 2 s would need twice as many polls, only to see jobs of minutes three seconds sooner;
for jobs of up to 5 s both have a delay of 0.3 s to 0.6 s. For workflows that ran before, see
:mod:`simstudio.core.expectations`.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.core.interruption import explain_interruption
from simstudio.core.options import UNSET, Unset
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

MAX_FAILED_POLLS = 5
"""Polls that may fail one after another before a wait raises. A failed poll does not affect the run."""

SHORTEST_POLL = 5.0
"""Seconds that a poll may take even when less of the wait is left, so that the last poll can get its response."""


@attrs.frozen
class PollSchedule:
    """The pauses between polls.

    Attributes:
        initial: Seconds between the first poll, which is sent at once, and the second.
        multiplier: Growth from one pause to the next.
        maximum: Longest pause in seconds, before jitter.
        jitter: Share by which pauses vary at random (0.1 for ±10 %), so that many waits do not poll in step.
        share: Longest pause as a share of the duration that the server estimates, if it estimates one.

    Example:
        >>> PollSchedule(initial=1.0).delay(2, random=0.5)
        1.25
    """

    initial: float = 0.5
    multiplier: float = 1.25
    maximum: float = 10.0
    jitter: float = 0.1
    share: float = 0.05

    def delay(self, poll: int, *, random: float, estimate: float | None = None) -> float:
        """Return the seconds to pause after a poll.

        Args:
            poll: Number of the poll, from 1.
            random: A number from 0 to 1 for the jitter; 0.5 is none.
            estimate: Duration that the server estimates, in seconds.
        """
        most = self.maximum
        if estimate is not None and estimate > 0:
            most = min(most, max(self.initial, estimate * self.share))
        try:
            grown = min(most, self.initial * self.multiplier ** (poll - 1))
        except OverflowError:
            grown = most
        return self.add_jitter(grown, random=random)

    def add_jitter(self, pause: float, *, random: float) -> float:
        """Vary a pause by a random number from 0 to 1."""
        return pause * (1 + self.jitter * (2 * random - 1))


TRANSIENT_ERRORS: tuple[type[SimStudioError], ...] = (
    APIConnectionError,
    ServerError,
    RateLimitError,
    InvalidResponseError,
)
"""Errors of a poll after which the next poll may succeed."""


@attrs.frozen
class Poller:
    """Polls until a state is final.

    Attributes:
        clock: Returns monotonic seconds.
        random: Returns numbers from 0 to 1.
        max_failures: Polls that may fail one after another.
        transient: Errors of polls that count as such failures; every other error ends the wait.
    """

    schedule: PollSchedule = attrs.field(factory=PollSchedule)
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    max_failures: int = MAX_FAILED_POLLS
    transient: tuple[type[SimStudioError], ...] = TRANSIENT_ERRORS

    def with_interval(self, seconds: float | None) -> Poller:
        """Return a poller with a fixed pause without jitter; for None this poller.

        Example:
            >>> Poller().with_interval(5).schedule.delay(7, random=0.9)
            5.0
        """
        if seconds is None:
            return self
        fixed = PollSchedule(initial=seconds, multiplier=1.0, maximum=seconds, jitter=0.0)
        return attrs.evolve(self, schedule=fixed)

    def begin(self, start: Callable[[], Flow[S]], timeout: float | None) -> Flow[S]:
        """Begin a run, again and again while the service's rate limit refuses it: nothing has run then.

        Args:
            start: Makes the flow that begins it.
            timeout: Seconds for which to try; None for a day.

        Raises:
            RateLimitError: The request was refused for longer.
        """
        began, paused = self.clock(), 0.0
        longest = LONGEST_WAIT if timeout is None else timeout
        refusals = 0
        while True:
            try:
                return (yield from start())
            except RateLimitError as error:
                refusals += 1
                delay = self.schedule.delay(refusals, random=self.random())
                pause = max(min(error.retry_after or 0.0, LONGEST_WAIT), delay)
                if max(self.clock() - began, paused) + pause >= longest:
                    raise
                yield Sleep(pause)
                paused += pause

    def wait(
        self,
        poll: Callable[[float | Unset], Flow[S]],
        *,
        done: Callable[[S], bool],
        expired: Callable[[S | None], SimStudioError],
        timeout: float | None,
        client_timeout: float | None,
        on_progress: Callable[[S], Any] | None = None,
        estimate: Callable[[S], float | None] = lambda _: None,
        expected: Expectation | None = None,
        begun: float | None = None,
        subject: str = "",
        again: str = "",
    ) -> Flow[S]:
        """Poll until the state is final, and return that state.

        A poll that the service's rate limit refused (:class:`RateLimitError`) says nothing about the run. However many
        there are, only ``timeout`` ends the wait, or a day of nothing else.

        Args:
            poll: Makes the flow of one poll from the timeout of its requests in seconds, UNSET if the client's applies.
                The flow returns the state.
            done: Whether a state is final.
            expired: Makes the error for a wait that ran out of time from the last state (None: no poll succeeded).
            timeout: Seconds to wait; None waits for ever. The last pause is cut to it, and one final poll follows.
            client_timeout: The client's timeout in seconds, which a poll does not exceed; None for no limit.
            on_progress: Called with each state. An exception of it ends the wait and is raised.
            estimate: Duration that a state estimates, in seconds, or None.
            expected: Likely time of the end. It replaces the pauses of the schedule, up to the schedule's maximum.
                After failed polls a pause is no shorter than the schedule's, so that the wait outlasts a short outage.
            begun: Time at which the run began, by the clock; by default now.
            subject: The run, such as ``The task t-1``. Ctrl-C and cancellation then say that it goes on.
            again: Call that waits for the run again, for that message.

        Raises:
            SimStudioError: The error of ``expired``; an error that is not transient, or lasts; the last of too many
                transient errors in a row.
        """
        started = self.clock()
        begun = started if begun is None else begun
        end = None if timeout is None else started + timeout
        paused, answered, last = 0.0, started, False
        state: S | None = None
        failures = refusals = polls = 0
        with explain_interruption(subject, again):
            while True:
                polls += 1
                floor = 0.0
                failure: SimStudioError | None = None
                try:
                    state = yield from poll(_timeout(None if end is None else end - self.clock(), client_timeout))
                except self.transient as error:
                    unanswered = max(self.clock(), started + paused) - answered
                    if getattr(error, "lasting", False) or (end is None and unanswered > LONGEST_WAIT):
                        raise
                    failure = error
                    if isinstance(error, RateLimitError):
                        refusals += 1
                        floor = min(error.retry_after or 0.0, LONGEST_WAIT)
                    else:
                        failures += 1
                        if failures > self.max_failures and not last:
                            raise
                else:
                    failures = refusals = 0
                    answered = max(self.clock(), started + paused)
                    if on_progress is not None:
                        yield Call(on_progress, state)
                    if done(state):
                        return state
                if last:
                    raise expired(state) from failure
                chance = self.random()
                if expected is None:
                    guess = None if state is None else estimate(state)
                    pause = self.schedule.delay(polls, random=chance, estimate=guess)
                else:
                    pause = expected.delay(max(0.0, self.clock() - begun), maximum=self.schedule.maximum)
                    pause = self.schedule.add_jitter(pause, random=chance)
                    if failures or refusals:
                        floor = max(floor, self.schedule.delay(failures + refusals, random=chance))
                pause = max(floor, pause)
                if end is not None:
                    left = end - max(self.clock(), started + paused)
                    last = pause >= left
                    pause = max(0.0, min(pause, left))
                yield Sleep(pause)
                paused += pause


def _timeout(left: float | None, client_timeout: float | None) -> float | Unset:
    """Seconds that a poll may take: those left of the wait, where they are fewer than the client's timeout."""
    least = math.inf if left is None else max(left, SHORTEST_POLL)
    return least if least < (math.inf if client_timeout is None else client_timeout) else UNSET
