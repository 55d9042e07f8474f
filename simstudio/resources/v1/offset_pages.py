"""Lists of v1 that are paged by ``limit`` and ``offset``, as pages with a cursor.

The cursor is the offset of the next item as text: ``"200"`` after the first 200 items. Items inserted or deleted in the
meantime shift the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.core.endpoint import read_page
from simstudio.core.paging import Page, Pages
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from simstudio.core.endpoint import Sender
    from simstudio.transport.flow import Flow

T = TypeVar("T")


class OffsetPages(Pages[T]):
    """The pages of a list whose request has ``limit`` and ``offset``.

    The last page is empty or reaches the total (``totalCount`` or ``pagination.total``); without a total it has
    ``pagination.hasMore: false``. ``extra["totalCount"]`` is a number if the total is known.

    Args:
        send: Request of the list; its arguments ``offset`` and ``cursor`` set the start.
        at: Path of keys to the items in the response.

    Raises:
        InvalidInputError: ``cursor`` is not an offset.
    """

    def __init__(self, send: Sender, into: type[T], *at: str) -> None:
        cursor = send.arguments.get("cursor")
        if cursor is not None and not (isinstance(cursor, str) and cursor.isascii() and cursor.isdigit()):
            raise InvalidInputError(f"cursor must be next_cursor of an earlier page of this list, not {cursor!r}.")
        super().__init__(into, cursor)
        self._send = send
        self._at = at

    def fetch(self, cursor: str | None) -> Flow[Page[T]]:
        """The flow of the page at a cursor."""
        send = self._send
        query = send.query if cursor is None else {**send.query, "offset": cursor}
        response = yield from send.resource._call(
            send.resource._request("GET", send.path, params=query, headers=send.headers, resend="read")
        )
        page = read_page(response, self.into, self._at)
        count = total_of(page.extra)
        after = int(query.get("offset", 0)) + len(page.items)
        more = bool(page.items) and (has_more(page.extra) if count is None else after < count)
        extra = page.extra if count is None else {**page.extra, "totalCount": count}
        return attrs.evolve(page, next_cursor=str(after) if more else None, extra=extra)


def total_of(extra: Mapping[str, Any]) -> int | None:
    """The number of items over all pages, which the server sends as a number or as text; None if it is missing."""
    for value in (extra.get("totalCount"), _pagination(extra).get("total")):
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def has_more(extra: Mapping[str, Any]) -> bool:
    """Whether more items may follow, for a response without a total; True if the response does not say."""
    return _pagination(extra).get("hasMore") is not False


def _pagination(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    value = extra.get("pagination")
    return value if isinstance(value, Mapping) else {}
