"""Values as the server's database (PostgreSQL's ``jsonb``) stores, compares and casts them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

from simstudio.sandbox import jsontext

_ISO = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d))?(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


def order_keys(value: object) -> object:
    """A value with the keys of every object in the order of the database."""
    if isinstance(value, Mapping):
        return order_object_keys(value)
    return [order_keys(item) for item in value] if isinstance(value, list) else value


def order_object_keys(value: Mapping[str, object]) -> dict[str, object]:
    """An object with its keys in the order of the database: by length, then by bytes."""
    names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
    return {name: order_keys(value[name]) for name in names}


def contains(value: object, wanted: object) -> bool:
    """Whether a stored value contains another: objects by their keys, arrays by their items, the rest is equal."""
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(
            name in value and contains(value[name], item) for name, item in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(contains(item, each) for item in value) for each in wanted)
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def text_of(value: object) -> str | None:
    """A stored value as text; None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False)
    return jsontext.dumps(value)


def number_of(value: object) -> Decimal | None:
    """A stored value cast to a number; None for null.

    Raises:
        ValueError: The value is no number.
    """
    text = text_of(value)
    if text is None:
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no number") from error
    if number.is_nan():
        raise ValueError("not a number")
    return number


def moment_of(text: str) -> float | None:
    """Epoch seconds of a date as text (ISO 8601 or as in a mail's header, UTC unless it says otherwise), or None."""
    found = _ISO.fullmatch(text.strip())
    try:
        if found is None:
            moment = parsedate_to_datetime(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        micro = int((found[7] or "").ljust(6, "0")[:6])
        zone = timezone(_offset(found[8]))
        return datetime(year, month, day or 1, hour, minute, second, micro, zone).timestamp()
    except (ValueError, TypeError, IndexError):
        return None


def _offset(text: str | None) -> timedelta:
    if text in (None, "Z"):
        return timedelta()
    digits = str(text)[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if str(text).startswith("-") else offset
