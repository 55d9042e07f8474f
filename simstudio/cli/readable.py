"""Times, durations, sizes, numbers and costs, as people read them. Other values stay as they came."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from simstudio.traces.words import cost_words, duration_words

_LARGEST = 2.0**100
"""Number above which a value is no size, duration or cost."""
_ZEROS = re.compile(r"(?<=\d)\.00(?= s$)|(?<=\.\d)0(?= s$)")
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"))


def now() -> datetime:
    """The current time."""
    return datetime.now(timezone.utc)


def moment(value: Any) -> Any:
    """A time in ISO 8601 as the time since then, or, beyond a day, as date and time of this machine's time zone.

    Example:
        >>> moment("2024-02-30T10:00:00Z"), moment(None)
        ('2024-02-30T10:00:00Z', None)
    """
    time = parse_time(value)
    if time is None:
        return value
    seconds = (now() - time).total_seconds()
    for end, unit, name in _STEPS:
        if abs(seconds) < end:
            count = f"{abs(seconds) // unit:.0f} {name}"
            return f"{count} ago" if seconds >= 0 else f"in {count}"
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def moment_and_time(value: Any) -> Any:
    """:func:`moment`, followed by the time as it came."""
    return value if parse_time(value) is None else f"{moment(value)} ({value})"


def parse_time(value: Any) -> datetime | None:
    """A time in ISO 8601, in UTC if it names no time zone; None if the value is no such text."""
    if not isinstance(value, str) or len(value) < len("2024-02-03T10:00"):
        return None
    try:
        # Python 3.10 reads neither Z nor fractions of another length than 3 or 6 digits.
        head, dot, rest = value.replace("Z", "+00:00").partition(".")
        digits = len(rest) - len(rest.lstrip("0123456789"))
        found = datetime.fromisoformat(head + (f".{rest[:digits][:6]:0<6}{rest[digits:]}" if dot else ""))
        found = found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)
        return found if abs(found - now()) < timedelta(days=300_000) else None
    except (ValueError, OverflowError):
        return None


def duration(milliseconds: Any) -> str | None:
    """Milliseconds as text; None for a value that is no number.

    Example:
        >>> duration(1500), duration(185_000), duration("soon")
        ('1.5 s', '3 min 05 s', None)
    """
    return _ZEROS.sub("", duration_words(milliseconds)) if _is_amount(milliseconds) else None


def number(value: Any, form: str = ",.12g") -> Any:
    """A number, readably; anything else as it came.

    Example:
        >>> number(12345.5), number(20_000_000), number("12345.5"), number(2, ".2f")
        ('12,345.5', '20,000,000', '12345.5', '2.00')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    try:
        return format(value, form)
    except OverflowError:  # an integer of hundreds of digits
        return value


def amount(value: Any) -> Any:
    """A cost without its unit, readably; anything else as it came.

    Example:
        >>> amount(0.0123), amount(12.5), amount(0)
        ('0.0123', '12.50', '0')
    """
    return cost_words(value) if _is_amount(value) else value


def dollars(value: Any) -> Any:
    """A cost in US dollars, readably; anything else as it came.

    Example:
        >>> dollars(0.0123), dollars(None)
        ('$0.0123', None)
    """
    return f"${cost_words(value)}" if _is_amount(value) else value


def size(count: Any) -> Any:
    """Bytes, readably; anything else as it came.

    Example:
        >>> size(5 * 1024**3)
        '5.0 GiB'
    """
    if not _is_amount(count):
        return count
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _is_amount(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and 0 <= value <= _LARGEST
