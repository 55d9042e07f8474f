"""Sending again: what may be, when, and how long to wait before.

What may be sent again is an attribute of the request (``request.resend``), set by the operation that knows it:

* ``read``: connection failures and 429, 500, 502, 503, 504;
* ``never``: only what surely was not sent (connect failure, no free connection), and a response that the operation
  recognises as a refusal before anything ran (``request.refused``). A workflow's own *Response* block may answer 429 or
  503 after having run, and Sim has no idempotency key: an execution that may have run is never sent again;
* ``claimed``: as ``read``, because the request carries an id under which the server runs it at most once. A refusal may
  use that id up although nothing ran (``request.claim``): then the next attempt carries a new one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import attrs

from simstudio.transport.errors import APIConnectionError, ConfigurationError
from simstudio.transport.flow import Sleep
from simstudio.transport.hints import parse_retry_after
from simstudio.transport.message import Attempt, Response

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request
    from simstudio.transport.stack import Handler

LONGEST_WAIT = 24 * 3600.0
"""Seconds. A ``Retry-After`` beyond it is not slept even where there is no deadline."""


class Backoff(NamedTuple):
    """Growing delays with jitter.

    Attributes:
        initial: Seconds before the first repetition.
        maximum: Seconds no delay exceeds (before jitter).
        multiplier: Growth from one to the next.
        jitter: Share by which a delay is spread, 0.25 for ±25 %.

    Example:
        >>> Backoff(initial=1.0).delay(3, random=0.5)
        4.0
    """

    initial: float = 0.5
    maximum: float = 30.0
    multiplier: float = 2.0
    jitter: float = 0.25

    def delay(self, attempt: int, *, random: float, floor: float | None = None) -> float:
        """Seconds to wait after an attempt.

        Args:
            attempt: Which attempt failed, from 1.
            random: From 0 to 1; 0.5 is no jitter.
            floor: Seconds that the server asked for: jitter only adds to it, and it wins over ``maximum``.
        """
        try:
            grown = min(self.maximum, self.initial * self.multiplier ** (attempt - 1))
        except OverflowError:
            grown = self.maximum
        spread = grown * (1 + self.jitter * (2 * random - 1))
        return spread if floor is None else max(spread, floor * (1 + self.jitter * random))


@attrs.frozen
class RetryPolicy:
    """When a request is sent again.

    Attributes:
        max_retries: Repetitions after the first attempt; a request's own ``max_retries`` comes first.
        backoff: The delays between attempts.
        statuses: Answers after which a request that may be sent again is.
    """

    max_retries: int = 2
    backoff: Backoff = attrs.field(default=Backoff())
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
        """Whether to send again after an attempt.

        Args:
            request: The attempt (``attempt``, ``resend``, ``refused``, ``max_retries``).
            outcome: What it brought.
            random: From 0 to 1, for the jitter.
            now: Epoch seconds, for ``Retry-After`` dates.
            remaining: Seconds to the deadline, None without one.

        Returns:
            Seconds to wait and then send again, or None: leave it at this outcome. A wait that reaches the deadline is
            never begun.
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
        if request.resend == "never":
            return request.refused is not None and request.refused(outcome)
        claim = request.claim
        return claim is None or claim.mint is not None or not claim.spent_by(outcome)


class Retry:
    """Middleware: send again as the policy says; every attempt gets a fresh copy of the request.

    Args:
        policy: When to.
        random: Numbers from 0 to 1.
        now: Epoch seconds.
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
        """Send, and send again."""
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
                    response.history = tuple(history)
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
                outcome.history = tuple(history)
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
    """A number of repetitions, when it is one.

    Raises:
        ConfigurationError: It is no whole number of 0 or more.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"max_retries must be a whole number, 0 or more, not {value!r}.")
    return value
