"""Throttling: calls wait for their turn, and calls that the service's limiter refused are sent again.

What a limiter refuses has not run, so every request may be sent again after a refusal, one that begins a run too. Only
the deadline bounds how often, or a day where there is none: a limiter's window (a minute) outlasts any number of
retries with short delays.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from simstudio.transport.flow import Sleep
from simstudio.transport.hints import parse_retry_after
from simstudio.transport.message import Attempt, Headers, Request, Response
from simstudio.transport.retry import LONGEST_WAIT, RetryPolicy

if TYPE_CHECKING:
    from simstudio.transport.call_limit import CallLimit
    from simstudio.transport.endpoint import Endpoint
    from simstudio.transport.flow import Flow
    from simstudio.transport.stack import Handler

_LONGEST_SLEEP = 5.0
"""Seconds after which a waiting call looks again: the limit may have been found not to be enforced."""


def is_429(response: Response) -> bool:
    """Whether a response has the status of a limiter."""
    return response.status == 429


class Throttle:
    """Middleware for services with a limit of calls; it belongs below the retries, of which each is a call.

    A request without retries (``max_retries=0``) is sent once and at once, and only counted.

    Args:
        limit: The limit, which the clones of a client share.
        endpoint: The service. Requests to other servers, such as a file storage, are not counted.
        refused: Whether a response is a refusal of the service's limiter.
        patience: Seconds for which a call whose timeout is no shorter than the window of the limit may wait for its
            turn; its own time begins then. By default, and with a shorter timeout, the wait is part of the timeout. A
            call whose budget is ``patient`` waits as long as the calls before it take; only after a refusal do these
            seconds count.
        now: Returns epoch seconds, for a ``Retry-After`` that is a date.
    """

    def __init__(
        self,
        limit: CallLimit,
        endpoint: Endpoint,
        refused: Callable[[Response], bool] = is_429,
        *,
        patience: float | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.limit = limit
        self.endpoint = endpoint
        self.refused = refused
        self.patience = patience
        self.now = now

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Send a request in its turn, repeatedly if need be."""
        if not self.endpoint.owns(request.url):
            return (yield from call_next(request))
        history: list[Attempt] = []
        refusal: Response | None = None
        wait = _Wait(request, self.limit, self.patience)
        while True:
            if request.max_retries == 0:
                self.limit.count()
            else:
                late = yield from wait.until_turn()
                if late is not None:
                    response = refusal if refusal is not None else _not_sent(request, late)
                    break
            sent = self.limit.now()
            attempt = request.copy()
            attempt.attempt += len(history) + (refusal is not None)
            response = yield from call_next(attempt)
            if not self.refused(response):
                self.limit.see_acceptance(sent)
                break
            retry_after = parse_retry_after(response.headers.get("retry-after"), now=self.now())
            self.limit.see_refusal(retry_after, sent)
            if request.max_retries == 0:
                break
            if refusal is not None:
                history.append(Attempt(refusal.attempt, refusal, None, wait.asked))
            refusal = response
            wait.refuse(retry_after)
        if refusal is not None and response is not refusal:
            history.append(Attempt(refusal.attempt, refusal, None, wait.asked))
        response.history = (*history, *response.history)
        return response


class _Wait:
    """The waiting of one request for its turns.

    Attributes:
        asked: Seconds that the service asked this request to wait, at its last refusal.
    """

    def __init__(self, request: Request, limit: CallLimit, patience: float | None) -> None:
        self.asked = 0.0
        self._limit = limit
        budget = request.budget
        self._budget = budget if budget is not None and budget.total is not None else None
        outlasts = self._budget is not None and (self._budget.patient or (self._budget.total or 0.0) >= limit.window)
        self._patience = patience if outlasts else None
        self._endless = self._patience is not None and self._budget is not None and self._budget.patient
        self._refused = False
        self._slept = 0.0

    def refuse(self, retry_after: float | None) -> None:
        """Learn that the service refused the request. It goes first in the queue, and patience is counted."""
        self.asked = retry_after or 0.0
        if self._endless:
            self._endless, self._slept = False, 0.0
        self._refused = True

    def until_turn(self) -> Flow[float | None]:
        """Wait for the turn. None when it has come; if it comes after the deadline, the seconds until then, at once."""
        if self.asked > 0:
            if self._is_late(self.asked):
                return self.asked
            yield from self._sleep(self.asked)
        ticket = self._limit.join(first=self._refused)
        try:
            while (pause := self._limit.take(ticket)) > 0:
                if self._is_late(pause):
                    return pause
                yield from self._sleep(min(pause, _LONGEST_SLEEP))
        finally:
            self._limit.leave(ticket)
        return None

    def _sleep(self, seconds: float) -> Flow[None]:
        end = self._limit.now() + seconds
        yield Sleep(seconds)
        self._limit.see_time(end)
        self._slept += seconds
        if self._patience is not None and self._budget is not None and self._budget.expires is not None:
            self._budget.expires += seconds

    def _is_late(self, pause: float) -> bool:
        """Whether a pause is too long, or ends after the deadline."""
        budget = self._budget
        if budget is None or self._endless:
            return self._slept + pause > LONGEST_WAIT
        if self._patience is not None:
            return pause >= self._patience - self._slept
        remaining = budget.remaining()
        return remaining is not None and pause >= min(remaining, (budget.total or 0.0) - self._slept)


def retries_beside_throttle() -> RetryPolicy:
    """The retry policy above a :class:`Throttle`, which repeats refused requests itself."""
    policy = RetryPolicy()
    return RetryPolicy(statuses=policy.statuses - {429})


def _not_sent(request: Request, pause: float) -> Response:
    """The response to a request whose turn comes after its deadline: a 429, as the service's own would be."""
    text = (
        f"Not sent: the calls that the service allows are used up, and the next would be sent in {pause:.0f} s, after "
        "the call's timeout."
    )
    return Response(
        429,
        Headers({"Retry-After": str(math.ceil(pause)), "Content-Type": "application/json"}),
        json.dumps({"message": text}).encode(),
        request.method,
        request.url,
        request.attempt,
    )
