"""Single values of JSON data; None for a value of another type or out of range."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from typing import Any

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
"""Earlier times are no times of a run: a zero that was sent for an unknown one would stretch the picture."""
_LATEST = datetime(9000, 1, 1, tzinfo=timezone.utc)


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """A JSON array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def number(value: Any) -> float | None:
    """A finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) and value >= 0 else None
    except OverflowError:  # an integer of hundreds of digits
        return None


def first_number(*values: Any) -> float | None:
    """The first value that is a number."""
    return next((found for found in map(number, values) if found is not None), None)


def time(value: Any) -> datetime | None:
    """A time in UTC, of ISO 8601 text or of milliseconds since 1970."""
    try:
        found = _parse(value) if isinstance(value, str) else _EPOCH + timedelta(milliseconds=number(value) or 0)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and _EARLIEST <= found <= _LATEST else None


def _parse(value: str) -> datetime | None:
    parts = _TIME.fullmatch(value.strip())
    if parts is None:
        return None
    day, clock, fraction, zone = parts.groups()
    zone = "+00:00" if zone is None or zone in "Zz" else zone
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    micros = (fraction or "").ljust(6, "0")[:6]
    return datetime.fromisoformat(f"{day}T{clock}.{micros}{zone}").astimezone(timezone.utc)


def milliseconds(span: timedelta) -> float:
    """Milliseconds of a difference of times."""
    return span / timedelta(milliseconds=1)
