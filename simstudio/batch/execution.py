"""What the engine of batches asks of a service: :class:`Result` and :class:`Limits`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    from typing_extensions import TypeVar


class Result(Protocol):
    """What the engine reads of the result of an execution."""

    @property
    def output(self) -> Any:
        """What the execution produced, as JSON data."""

    @property
    def run_id(self) -> str | None:
        """Id of the execution, where the service names it."""

    @property
    def status(self) -> str | None:
        """``cancelled`` when the execution was ended before its own end; else as the service says it."""


if TYPE_CHECKING:
    R = TypeVar("R", bound=Result, default=Any)
    R_co = TypeVar("R_co", bound=Result, covariant=True)
else:  # only type checkers read defaults, which the standard library has since 3.13
    from typing import TypeVar

    R = TypeVar("R")
    R_co = TypeVar("R_co", covariant=True)


@attrs.frozen
class Limits:
    """What a service says about its rate limit: a bucket of tokens that is refilled once a minute.

    Attributes:
        rate: Tokens that a refill adds.
        remaining: Tokens left.
        burst: Tokens in a full bucket. None for a window, which grants all its tokens anew each minute, counted from
            the first request.
        reset: Time of the next refill in epoch seconds; None when the service does not say.
        cost: Tokens that an execution takes from this bucket; None when it takes its usual number.
    """

    rate: int
    remaining: int
    burst: int | None = None
    reset: float | None = None
    cost: int | None = None
