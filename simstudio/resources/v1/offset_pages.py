"""Lists of v1 that are paged by ``limit`` and ``offset``, as pages that name their successor.

The cursor of such a list is the offset of the next item, as text: ``Page.next_cursor`` is ``"200"`` after the first
two hundred. What is inserted or deleted meanwhile shifts the rest, as always with offsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.core.endpoint import read_page
from simstudio.core.paging import Page, Pages
from simstudio.errors import InvalidInputError

if TYPE_CHECKING:
    from simstudio.core.endpoint import Sender
    from simstudio.transport.flow import Flow

T = TypeVar("T")


class OffsetPages(Pages[T]):
    """The pages of a list whose request has ``limit`` and ``offset``.

    The end is an empty page, or the page that reaches the total (``totalCount``, ``pagination.total``) where the answer
    has one; where it has none, ``pagination.hasMore: false``. ``extra["totalCount"]`` is a number wherever it is known.

    Args:
        send: Of the list; its arguments ``offset`` (on the wire) and ``cursor`` (here only) say where to begin.
        into: The model of an item.
        at: Where in the answer the items are.

    Raises:
        InvalidInputError: ``cursor`` is none of a list that is paged by offsets.
    """

    def __init__(self, send: Sender, into: type[T], *at: str) -> None:
        cursor = send.arguments.get("cursor")
        if cursor is not None and not (isinstance(cursor, str) and cursor.isascii() and cursor.isdigit()):
            raise InvalidInputError(f"cursor must be next_cursor of an earlier page of this list, not {cursor!r}.")
        super().__init__(cursor)
        self._send = send
        self._into = into
        self._at = at

    def fetch(self, cursor: str | None) -> Flow[Page[T]]:
        """The flow of the page at a cursor."""
        send = self._send
        query = send.query if cursor is None else {**send.query, "offset": cursor}
        response = yield from send.resource._call(
            send.resource._request("GET", send.path, params=query, headers=send.headers, resend="read")
        )
        page = read_page(response, self._into, self._at)
        count = total_of(page.extra)
        after = int(query.get("offset", 0)) + len(page.items)
        more = bool(page.items) and (has_more(page.extra) if count is None else after < count)
        extra = page.extra if count is None else {**page.extra, "totalCount": count}
        return attrs.evolve(page, next_cursor=str(after) if more else None, extra=extra)


def total_of(extra: Mapping[str, Any]) -> int | None:
    """How many items a list has over all pages: a number, or its digits (recording 296); None where nothing says."""
    for value in (extra.get("totalCount"), _pagination(extra).get("total")):
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def has_more(extra: Mapping[str, Any]) -> bool:
    """Whether more may follow, as far as an answer without a total says; yes where it does not."""
    return _pagination(extra).get("hasMore") is not False


def _pagination(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    given = extra.get("pagination")
    return given if isinstance(given, Mapping) else {}
