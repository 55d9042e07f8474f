"""Tokens of a service that limits calls, of which an execution takes one to begin and one for each poll."""

from __future__ import annotations

from simstudio.batch.execution import Limits
from simstudio.transport.call_limit import CallLimit


class CallAllowance:
    """The tokens of executions under a :class:`~simstudio.transport.call_limit.CallLimit`.

    The limit counts the calls of the whole client, so the service is not asked.
    """

    cost = 1

    def __init__(self, limit: CallLimit) -> None:
        self._limit = limit

    def take(self, now: float, wall: float, in_flight: int) -> float:  # noqa: ARG002 - the limit has its own clock
        """Seconds until an execution may begin; 0.0 when its call is counted."""
        return self._limit.admit()

    def see_refusal(self, now: float, wall: float, retry_after: float | None) -> bool:  # noqa: ARG002
        """Learn of a refusal, which is never about capacity."""
        self._limit.see_refusal(retry_after)
        return False

    def seed(self, now: float, wall: float, limits: Limits | None) -> None:
        """Ignore what the service says of its limit: these services say nothing."""

    def hint(self, now: float, wall: float, limit: int, remaining: int, reset: float) -> None:
        """Ignore what headers say of the limit."""

    def see_success(self, now: float, elapsed: float) -> None:
        """Ignore the end of an execution: its calls are counted already."""

    def see_end(self) -> None:
        """Ignore the end of an execution."""

    def wants(self, now: float) -> bool:  # noqa: ARG002
        """Never ask the service for its limit."""
        return False
