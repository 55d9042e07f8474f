"""Moments as the API writes them."""

from __future__ import annotations

from datetime import datetime, timezone


def iso(seconds: float) -> str:
    """Epoch seconds as ISO 8601 in UTC with milliseconds, as JavaScript's ``toISOString``."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def iso_or_none(seconds: float | None) -> str | None:
    """`iso`; None for None."""
    return None if seconds is None else iso(seconds)


def format_js_date(seconds: float) -> str:
    """A moment as JavaScript's ``Date`` turns into text, in UTC."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"
