"""Parsers of rate-limit headers. They return None for what they cannot read, so that a bad header breaks no call."""

from __future__ import annotations

import math
from datetime import datetime, timezone

_LATEST = 253402214400.0  # 9999-12-31T00:00Z, the last time that datetime.fromtimestamp accepts in every time zone
_MILLISECONDS = 1e11  # greater numbers (the year 5138) are taken for milliseconds


def parse_retry_after(value: str | None, *, now: float) -> float | None:
    """Parse a ``Retry-After`` header (RFC 9110, 10.2.3: seconds or an HTTP date) into seconds to wait, 0 or more.

    Args:
        now: Epoch seconds, from which the wait until a date is computed.

    Example:
        >>> parse_retry_after("5", now=0)
        5.0
    """
    if not value:
        return None
    number = _number(value)
    if number is not None:
        return number if number >= 0 else None
    from email.utils import parsedate_to_datetime  # imported here because it takes 5 ms, and dates are rare

    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    moment = when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)
    return max(0.0, moment.timestamp() - now)


def parse_reset(value: str | None) -> int | None:
    """Parse an ``X-RateLimit-Reset`` header (epoch seconds or milliseconds, or ISO 8601) into epoch seconds.

    Sim's documents promise epoch seconds, but its servers send ISO 8601.

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
    """Parse a whole number, 0 or more."""
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
