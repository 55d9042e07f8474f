"""What servers say about when to come back, read leniently: garbage in a hint never breaks a call."""

from __future__ import annotations

import math
from datetime import datetime, timezone

_LATEST = 253402214400.0  # 9999-12-31T00:00Z: the last that datetime.fromtimestamp takes in every time zone
_MILLISECONDS = 1e11  # an epoch beyond this (the year 5138) is one in milliseconds


def parse_retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds to wait from a ``Retry-After`` header (RFC 9110, 10.2.3: seconds or an HTTP date).

    Args:
        value: The header, or None.
        now: Epoch seconds, for dates.

    Returns:
        Seconds, 0 or more; None when there is nothing to understand.

    Example:
        >>> parse_retry_after("5", now=0)
        5.0
    """
    if not value:
        return None
    number = _number(value)
    if number is not None:
        return number if number >= 0 else None
    from email.utils import parsedate_to_datetime  # 5 ms that few answers are worth

    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    moment = when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)
    return max(0.0, moment.timestamp() - now)


def parse_reset(value: str | None) -> int | None:
    """Epoch seconds from an ``X-RateLimit-Reset`` header: epoch seconds (or milliseconds), or ISO 8601.

    Sim sends ISO 8601 (recording 334); the documents promise epoch seconds.

    Example:
        >>> parse_reset("2026-11-20T08:00:00.000Z")
        1795161600
    """
    if not value:
        return None
    number = _number(value)
    if number is None:
        number = _iso(value)
    elif number > _MILLISECONDS:
        number /= 1000
    return int(number) if number is not None and 0 <= number <= _LATEST else None


def parse_count(value: str | None) -> int | None:
    """A whole number, 0 or more, or None."""
    number = _number(value) if value else None
    return int(number) if number is not None and 0 <= number <= _LATEST else None


def _number(text: str) -> float | None:
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _iso(text: str) -> float | None:
    text = text.strip()
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    try:
        when = datetime.fromisoformat(text)
        moment = when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
