"""What the engine of batches asks of a service."""

from __future__ import annotations

import attrs


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
