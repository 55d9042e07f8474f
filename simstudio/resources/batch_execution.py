"""What a batch needs to know of Sim."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from simstudio.batch.execution import Limits

if TYPE_CHECKING:
    from simstudio.models.usage import UsageLimits


def limits_of(usage: UsageLimits, *, background: bool) -> Limits | None:
    """The rate limit of executions, as ``client.usage.limits()`` has it; None when the server does not say.

    Args:
        usage: The answer. What does not fit in it counts as not said.
        background: Whether the executions are queued. v0.4 counts queued ones in a window of their own, each once;
            v0.6 and later take the tokens of both from one bucket.
    """
    entry, cost = usage.rate_limit.sync, None
    if background and entry.max_burst is None:
        entry, cost = usage.rate_limit.async_, 1
    rate, remaining = _count(entry.limit), _count(entry.remaining)
    if not rate or remaining is None:
        return None
    return Limits(rate, remaining, _count(entry.max_burst), _epoch(entry.reset_at), cost)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _epoch(text: object) -> float | None:
    """An ISO 8601 date in epoch seconds, to the millisecond."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
