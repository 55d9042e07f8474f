"""Pages of a list whose own cursors break the server.

Any valid cursor of v1's log list answers 500 (recordings 167, 369, 399). But the list is in the order of ``startedAt``
and takes ``endDate`` and ``startDate``, both inclusive, so the next page is asked for by the moment at which the last
one ended, and what was seen at that very moment is left out (recording 368). Logs that begin while an older-first list
is read are on it; those that begin while a newer-first list is read are not.

The cursors of these pages are ours: they carry that moment and what was seen at it.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import Any, Literal, TypeAlias

import attrs

from simstudio.core.endpoint import Sender, read_page
from simstudio.core.paging import Page, Pages
from simstudio.errors import InvalidInputError, InvalidResponseError
from simstudio.models.v1.logs import LogEntry
from simstudio.transport.flow import Flow
from simstudio.transport.message import Response

Order: TypeAlias = Literal["desc", "asc"]

_MARK = "sim-py-log."
_DEFAULT_LIMIT = 100


@attrs.frozen
class Position:
    """Where a page ended.

    Attributes:
        order: Of the list.
        moment: ``startedAt`` of the last log, as the server wrote it.
        when: The same, understood.
        seen: The ids of all logs so far that began at that moment.
    """

    order: Order
    moment: str
    when: datetime
    seen: frozenset[str]

    @classmethod
    def read(cls, cursor: str | None) -> Position | None:
        """The position in a cursor; None where it is no cursor of ours."""
        if cursor is None or not cursor.startswith(_MARK):
            return None
        try:
            order, moment, *seen = json.loads(base64.urlsafe_b64decode(cursor[len(_MARK) :].encode()))
        except (ValueError, TypeError):
            return None
        when = _when(moment)
        if when is None or order not in ("desc", "asc") or not all(isinstance(each, str) for each in seen):
            return None
        return cls(order, moment, when, frozenset(seen))

    def __str__(self) -> str:
        told = json.dumps([self.order, self.moment, *sorted(self.seen)], separators=(",", ":"))
        return _MARK + base64.urlsafe_b64encode(told.encode()).decode()

    def precedes(self, log: LogEntry, when: datetime) -> bool:
        """Whether a log of this moment comes after the position."""
        if when == self.when:
            return _id_of(log) not in self.seen
        return when < self.when if self.order == "desc" else when > self.when


class LogPages(Pages[LogEntry]):
    """The pages of ``client.v1.logs.list``; see the module.

    Args:
        send: With the filters of the user.
        order: Of the list.
    """

    def __init__(self, send: Sender, order: Order) -> None:
        super().__init__(send.query.pop("cursor", None))
        position = Position.read(self.start)
        if position is not None and position.order != order:
            raise InvalidInputError(
                f"cursor is that of a list with order={position.order!r}: go on with it in the same order."
            )
        self._send = send
        self._order: Order = order
        self._limit = int(send.query.get("limit", _DEFAULT_LIMIT))

    def fetch(self, cursor: str | None) -> Flow[Page[LogEntry]]:
        """The flow of the page at a cursor."""
        position = Position.read(cursor)
        if position is None:
            response = yield from self._ask({} if cursor is None else {"cursor": cursor})
            page = read_page(response, LogEntry)
            return self._page(page.items, page, response, None)
        limit, before = self._limit, -1
        while limit <= len(position.seen):  # a page of nothing but what was seen would lead nowhere
            limit *= 2
        while True:
            bound = {"endDate" if self._order == "desc" else "startDate": position.moment}
            response = yield from self._ask(bound if limit == self._limit else {**bound, "limit": str(limit)})
            page = read_page(response, LogEntry)
            fresh = [log for log in page.items if position.precedes(log, _moment_of(log, response))]
            if fresh or page.next_cursor is None:
                return self._page(fresh, page, response, position)
            if len(page.items) <= before:
                raise _stuck(
                    response,
                    f"more than {len(page.items):,} logs began at {position.moment}, and no page holds them all",
                )
            before, limit = len(page.items), limit * 2

    def _ask(self, bound: dict[str, Any]) -> Flow[Response]:
        send = self._send
        resource = send.resource
        return resource._call(
            resource._request("GET", send.path, params={**send.query, **bound}, headers=send.headers, resend="read")
        )

    def _page(
        self, logs: list[LogEntry], page: Page[LogEntry], response: Response, position: Position | None
    ) -> Page[LogEntry]:
        """A page with a cursor of ours, where the server says that more follows."""
        following = None
        if page.next_cursor is not None and logs:
            end = _moment_of(logs[-1], response)
            seen = {_id_of(log) for log in logs if _moment_of(log, response) == end}
            if position is not None and position.when == end:
                seen |= position.seen
            following = str(Position(self._order, str(logs[-1].started_at), end, frozenset(seen)))
        return Page(logs, following, page.extra)


def _moment_of(log: LogEntry, response: Response) -> datetime:
    """When a log began.

    Raises:
        InvalidResponseError: It does not say.
    """
    started_at = getattr(log, "started_at", None)  # an item that is no object is on the page too
    when = _when(started_at)
    if when is None:
        raise _stuck(response, f"the log {_id_of(log)!r} says that it began at {started_at!r}, which is no moment")
    return when


def _id_of(log: LogEntry) -> str:
    return str(getattr(log, "id", None))


def _stuck(response: Response, why: str) -> InvalidResponseError:
    return InvalidResponseError(
        f"The logs cannot be read on page by page: {why}. Ask for more of them at once (limit=…), or for those of a "
        "shorter time (start_date=…, end_date=…).",
        status=response.status,
        response=response,
        history=response.history,
    )


def _when(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return None if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
