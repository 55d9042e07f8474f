"""Cursors of rows: the place of the last row, or the number of rows before a page of a sorted query."""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from simstudio.sandbox import jsontext
from simstudio.sandbox.http import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simstudio.sandbox.data.tables import Row

_INVALID = Refusal(400, "cursor is not a valid pagination cursor. Restart pagination without a cursor.")
_PAGE_BYTES = 5 * 1024 * 1024


def digest(*parts: object) -> str:
    """A short hash of some values."""
    return hashlib.sha256(jsontext.encode(list(parts))).hexdigest()[:22]


def take_page(rows: Sequence[Row], start: int, limit: int) -> Sequence[Row]:
    """Take rows from a position on, at most 5 MB of them and at least one row."""
    found, size = rows[start : start + limit], 0
    for index, row in enumerate(found):
        size += len(jsontext.encode(row.data))
        if size > _PAGE_BYTES:
            return found[: max(index, 1)]
    return found


def all_of(rows: Sequence[Row]) -> Sequence[Row]:
    """All rows.

    Raises:
        Refusal: 400, the rows have more than 5 MB.
    """
    if len(take_page(rows, 0, len(rows))) < len(rows):
        message = "Query result exceeds the 5MB limit. Add a filter or a limit to narrow the result."
        raise Refusal(400, message, {"code": "TABLE_QUERY_RESULT_TOO_LARGE"})
    return rows


def page(
    rows: Sequence[Row],
    limit: int,
    cursor: str | None,
    scope: str,
    bound: Mapping[str, str],
    *,
    by_offset: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """A page of rows, and the cursor of the next one.

    Args:
        rows: All rows, in their order; without ``by_offset`` that of the table.
        scope: Query that the cursor belongs to.
        bound: Digests of the order and the filter, ``s`` and ``p``, with which alone the cursor can be used.
        by_offset: Whether the cursor holds an offset, so that a page shifts when an earlier row is deleted.

    Raises:
        Refusal: 400, the cursor belongs to another list.
    """
    start = 0
    if cursor is not None:
        at = _decode(cursor, scope, bound)
        try:
            start = int(at["o"]) if by_offset else bisect_right(rows, Fraction(at["k"]), key=lambda row: row.order)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            raise _INVALID from None
    shown = take_page(rows, start, limit)
    end = start + len(shown)
    if end >= len(rows):
        return shown, None
    last = shown[-1]
    place: dict[str, object] = {"o": end} if by_offset else {"k": str(last.order), "i": last.id}
    return shown, _encode({"scope": scope, "inner": _encode({**place, **bound, "v": 1})})


def _encode(value: Mapping[str, object]) -> str:
    return base64.b64encode(jsontext.encode(value)).decode()


def _decode(cursor: str, scope: str, bound: Mapping[str, str]) -> Mapping[str, Any]:
    outer = _read(cursor)
    if outer.get("scope") != scope:
        raise Refusal(
            400,
            "cursor does not match the requested filters. Restart pagination without a cursor after changing a filter.",
        )
    inner = _read(outer.get("inner"))
    for key, noun in (("s", "sort"), ("p", "filter")):
        if inner.get(key) != bound.get(key):
            message = f"Cursor was created under a different {noun}. Restart paging without the cursor."
            raise Refusal(400, message, {"code": f"CURSOR_{noun.upper()}_CONFLICT"})
    return inner


def _read(text: object) -> Mapping[str, Any]:
    try:
        found = jsontext.loads(base64.b64decode(str(text).encode(), validate=True))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _INVALID
    return found
