"""Pages of lists, with opaque cursors."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from simstudio.sandbox import jsontext
from simstudio.sandbox.http import Refusal

if TYPE_CHECKING:
    from simstudio.sandbox.operation import Call

T = TypeVar("T")

_ORDER = ("sortBy", "sortOrder", "order")
Position = tuple["str | float", ...]
"""Position of an item in a list: its sort key, then its id. A list that pages by offset has the number of items."""


def page(
    call: Call, items: Iterable[T], key: Callable[[T], Position], *, descending: bool = False, by_offset: bool = False
) -> tuple[list[T], str | None]:
    """The requested page, and the cursor of the next one.

    A cursor belongs to the path and to every parameter except ``limit``, and is refused with others.

    Args:
        items: All items, in any order.
        key: Sort key, unique among the items.
        descending: Whether the largest key comes first.
        by_offset: Whether the cursor holds an offset, so that a page shifts when an earlier item is added or deleted.

    Raises:
        Refusal: 400, the cursor belongs to another list, or is malformed.
    """
    in_order = sorted(items, key=key, reverse=descending)
    cursor, size = call.query.get("cursor"), call.query["limit"]
    after = None if cursor is None else _position(call, cursor)
    if by_offset:
        start = 0 if after is None else int(after[0])
        more = len(in_order) > start + size
        return in_order[start : start + size], _cursor(call, (start + size,)) if more else None
    if after is not None:
        in_order = [item for item in in_order if (key(item) < after if descending else key(item) > after)]
    shown = in_order[:size]
    return shown, _cursor(call, key(shown[-1])) if len(in_order) > size else None


def _cursor(call: Call, position: Position) -> str:
    text = jsontext.encode({"after": list(position), "order": _order(call), "of": _filters(call)})
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _position(call: Call, cursor: str) -> Position:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        told = jsontext.loads(raw)
    except ValueError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("after"), list):
        raise Refusal(400, "cursor is not a valid pagination cursor. Restart pagination without a cursor.")
    for part, found, what in (
        ("order", _order(call), "sortBy/sortOrder. Restart pagination without a cursor after changing the sort."),
        ("of", _filters(call), "filters. Restart pagination without a cursor after changing a filter."),
    ):
        if told.get(part) != found:
            raise Refusal(400, f"cursor does not match the requested {what}")
    return tuple(told["after"])


def _order(call: Call) -> list[object]:
    return [call.query.get(name) for name in _ORDER]


def _filters(call: Call) -> str:
    """Hash of the operation, path and filters to which a cursor is bound."""
    asked = {name: value for name, value in call.query.items() if name not in ("limit", "cursor", *_ORDER)}
    text = jsontext.encode([call.operation.id, dict(sorted(call.request.path_params.items())), asked])
    return hashlib.sha256(text).hexdigest()[:16]
