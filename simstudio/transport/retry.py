"""Retries: when a request is sent again, and how long to wait before.

The operation that makes a request says when it may be sent again (``request.resend``):

* ``read``: after connection failures and the statuses 429, 500, 502, 503 and 504;
* ``never``: only if the request was certainly not sent (no connection), or if the operation recognises the response as
  a refusal before anything ran (``request.refused``). The status alone proves nothing: a workflow can answer 429 or 503
  itself after it ran, and must not run twice;
* ``claimed``: like ``read``, because the request carries an id under which the server runs it at most once. Where a
  workflow sets the status of its response, ``request.refused`` distinguishes that from an error of the server.

A refusal may use up the id of a request although nothing ran (``request.claim``); the next attempt then carries a new
id.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import attr  # the library of attrs, without the six modules that only rename it

from simstudio.transport.errors import APIConnectionError, ConfigurationError
from simstudio.transport.flow import Sleep
from simstudio.transport.hints import parse_retry_after
from simstudio.transport.message import Attempt, Request, Response

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.stack import Handler

LONGEST_WAIT = 24 * 3600.0
"""Seconds. A longer ``Retry-After``, or refusals for longer, end the call, even without a deadline."""


class Backoff(NamedTuple):
    """Exponential backoff with jitter.

    Attributes:
        initial: Seconds before the first retry.
        maximum: Longest delay in seconds, before jitter.
        multiplier: Growth from one delay to the next.
        jitter: Share by which delays vary at random, 0.25 for ±25 %.

    Example:
        >>> Backoff(initial=1.0).delay(3, random=0.5)
        4.0
    """

    initial: float = 0.5
    maximum: float = 30.0
    multiplier: float = 2.0
    jitter: float = 0.25

    def delay(self, attempt: int, *, random: float, floor: float | None = None) -> float:
        """Return the seconds to wait after a failed attempt.

        Args:
            attempt: Number of the attempt, from 1.
            random: A number from 0 to 1 for the jitter; 0.5 is none.
            floor: Seconds that the server asked to wait. Jitter only adds to them, and they may exceed ``maximum``.
        """
        try:
            grown = min(self.maximum, self.initial * self.multiplier ** (attempt - 1))
        except OverflowError:
            grown = self.maximum
        spread = grown * (1 + self.jitter * (2 * random - 1))
        return spread if floor is None else max(spread, floor * (1 + self.jitter * random))


@attr.frozen
class RetryPolicy:
    """The rules by which requests are sent again.

    Attributes:
        max_retries: Retries after the first attempt, unless the request has its own ``max_retries``.
        backoff: Delays between attempts.
        statuses: HTTP statuses after which a ``read`` or ``claimed`` request is sent again.
    """

    max_retries: int = 2
    backoff: Backoff = attr.field(default=Backoff())
    statuses: frozenset[int] = frozenset({429, 500, 502, 503, 504})

    def decide(
        self,
        request: Request,
        outcome: Response | APIConnectionError,
        *,
        random: float,
        now: float,
        remaining: float | None = None,
    ) -> float | None:
        """Return the seconds to wait before the next attempt; None to keep this outcome.

        Args:
            request: The attempt (``attempt``, ``resend``, ``refused``, ``max_retries``).
            outcome: The response or the error of the attempt.
            random: A number from 0 to 1 for the jitter.
            now: Epoch seconds, for a ``Retry-After`` that is a date.
            remaining: Seconds to the deadline; a wait that would reach it is None. None without a deadline.
        """
        most = self.max_retries if request.max_retries is None else request.max_retries
        if request.attempt > most or not self._may_repeat(request, outcome):
            return None
        floor = None
        if isinstance(outcome, Response):
            floor = parse_retry_after(outcome.headers.get("retry-after"), now=now)
        delay = self.backoff.delay(request.attempt, random=random, floor=floor)
        if delay > LONGEST_WAIT or (remaining is not None and delay >= remaining):
            return None
        return delay

    def _may_repeat(self, request: Request, outcome: Response | APIConnectionError) -> bool:
        if isinstance(outcome, APIConnectionError):
            return not outcome.lasting and (not outcome.sent or request.resend != "never")
        if outcome.status not in self.statuses:
            return False
        if request.refused is not None:
            if not request.refused(outcome):
                return False
        elif request.resend == "never":
            return False
        claim = request.claim
        return claim is None or claim.mint is not None or not claim.spent_by(outcome)


class Retry:
    """Middleware: send a request again as the policy says. Each attempt gets a copy of the request.

    Args:
        policy: Rules for sending again; by default ``RetryPolicy()``.
        random: Returns numbers from 0 to 1.
        now: Returns epoch seconds.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        random: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self.random = random
        self.now = now

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Send a request, repeatedly if need be."""
        history: list[Attempt] = []
        while True:
            attempt = request.copy()
            attempt.attempt = len(history) + 1
            outcome: Response | APIConnectionError
            try:
                outcome = response = yield from call_next(attempt)
            except APIConnectionError as error:
                outcome = error
            else:
                for observe in request.observers:
                    observe(response)
                if response.status < 400:
                    response.history = (*history, *response.history)
                    return response
            budget = request.budget
            delay = self.policy.decide(
                attempt,
                outcome,
                random=self.random(),
                now=self.now(),
                remaining=budget.remaining() if budget is not None else None,
            )
            if delay is None:
                outcome.history = (*history, *outcome.history)
                if isinstance(outcome, APIConnectionError):
                    raise outcome
                return outcome
            if isinstance(outcome, Response):
                history.append(Attempt(attempt.attempt, outcome, None, delay))
                if request.claim is not None and request.claim.spent_by(outcome):
                    request.claim.renew(request)
            else:
                history.append(Attempt(attempt.attempt, None, outcome, delay))
            yield Sleep(delay)


def check_max_retries(value: object) -> int:
    """Return a number of retries.

    Raises:
        ConfigurationError: The value is no whole number, or negative.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"max_retries must be a whole number, 0 or more, not {value!r}.")
    return value
