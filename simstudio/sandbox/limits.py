"""Rate limits: a token bucket (v0.6) and a fixed window (v0.4), with the clock as an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

Allowance = Literal["sync", "async", "v1"]

UNLIMITED = 999_999
"""The rate that servers since v0.8 report where nothing is limited."""

PERIOD = 60.0
"""Seconds of one refill step or window."""


@attrs.frozen
class RateLimits:
    """Requests per minute and user. Given to `Sandbox`, they are enforced; otherwise they are only reported.

    Args:
        sync_per_minute: executions (in v0.6 background ones too, which take two).
        async_per_minute: background executions; v0.6 reports this bucket but takes nothing from it.
        v1_per_minute: all routes below ``/api/v1``, one bucket; of ``/api/v2`` each operation has its own.
        concurrent: executions of ``/api/v2``, and of generation v0.8, that may be under way at a time; None for any
            number.

    Example:
        >>> sandbox = Sandbox(rate_limits=RateLimits(sync_per_minute=2))
    """

    sync_per_minute: int = attrs.field(default=50, validator=attrs.validators.ge(1))
    async_per_minute: int = attrs.field(default=200, validator=attrs.validators.ge(1))
    v1_per_minute: int = attrs.field(default=30, validator=attrs.validators.ge(1))
    concurrent: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(1)))

    def per_minute(self, allowance: Allowance) -> int:
        """The number for one allowance."""
        numbers = {"sync": self.sync_per_minute, "async": self.async_per_minute, "v1": self.v1_per_minute}
        return numbers[allowance]


@attrs.frozen
class Reading:
    """The state of an allowance: requests a minute, the most that fit, those left, next refill in epoch seconds."""

    per_minute: int
    burst: int
    remaining: int
    reset_at: float


class Meter(Protocol):
    """The counter of one allowance."""

    def take(self, now: float) -> bool:
        """Count one request; False if the limit is reached."""
        ...

    def read(self, now: float) -> Reading:
        """The state, without counting a request."""
        ...


class TokenBucket:
    """Holds twice the minute's rate, `UNLIMITED` at most; refilled by the minute's rate in whole 60 s steps."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._rate = per_minute
        self._tokens = self._capacity = min(2 * per_minute, max(per_minute, UNLIMITED))
        self._refilled = now

    def take(self, now: float) -> bool:
        """Take one token."""
        self._refill(now)
        if self._tokens == 0:
            return False
        self._tokens -= 1
        return True

    def read(self, now: float) -> Reading:
        """The tokens left and the next refill."""
        self._refill(now)
        return Reading(self._rate, self._capacity, self._tokens, self._refilled + PERIOD)

    def _refill(self, now: float) -> None:
        steps = int((now - self._refilled) // PERIOD)
        if steps > 0:
            self._tokens = min(self._capacity, self._tokens + steps * self._rate)
            self._refilled += steps * PERIOD


class Window:
    """A fixed window of 60 s from its first request, without burst."""

    def __init__(self, per_minute: int, now: float) -> None:
        self.per_minute = per_minute
        self._used = 0
        self._began = now

    def take(self, now: float) -> bool:
        """Count one request."""
        self._renew(now)
        if self._used >= self.per_minute:
            return False
        self._used += 1
        return True

    def read(self, now: float) -> Reading:
        """The requests that are left, and the beginning of the next window."""
        self._renew(now)
        return Reading(self.per_minute, self.per_minute, self.per_minute - self._used, self._began + PERIOD)

    def _renew(self, now: float) -> None:
        if now >= self._began + PERIOD:
            self._used, self._began = 0, now


class Limiter:
    """The three allowances of the sandbox's user.

    When limits are not enforced, requests are still counted and reported, but none is refused.
    """

    def __init__(
        self,
        enforced: RateLimits | None,
        default: RateLimits,
        meter: Callable[[int, float], Meter],
        clock: Callable[[], float],
    ) -> None:
        self.enforced = enforced is not None
        self.concurrent = None if enforced is None else enforced.concurrent
        limits = enforced or default
        now = clock()
        names: tuple[Allowance, ...] = ("sync", "async", "v1")
        self._meters = {name: meter(limits.per_minute(name), now) for name in names}
        self._operations: dict[str, Meter] = {}
        self._operation_limit = limits.v1_per_minute
        self._new_meter = meter
        self._clock = clock

    def take(self, allowance: Allowance) -> bool:
        """Count one request; False if it must be refused."""
        return self._meters[allowance].take(self._clock()) or not self.enforced

    def read(self, allowance: Allowance) -> Reading:
        """The state of one allowance."""
        return self._meters[allowance].read(self._clock())

    def take_of(self, operation: str) -> tuple[bool, Reading]:
        """Count a request in the bucket of an operation of v2; return whether it is allowed, and the state."""
        now = self._clock()
        meter = self._operations.get(operation)
        if meter is None:
            meter = self._operations[operation] = self._new_meter(self._operation_limit, now)
        allowed = meter.take(now) or not self.enforced
        return allowed, meter.read(now)

    def seconds_to_reset(self, allowance: Allowance) -> float:
        """Seconds until more requests are allowed."""
        return max(0.0, self.read(allowance).reset_at - self._clock())

    def is_limited(self, allowance: Allowance) -> bool:
        """Whether the next request would be refused."""
        return self.enforced and self.read(allowance).remaining == 0
