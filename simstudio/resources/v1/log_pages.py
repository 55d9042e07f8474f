"""Paging by time for ``client.v1.logs.list``, because the server's own cursors do not work.

The server responds with 500 to each of its own cursors. The list is ordered by ``startedAt``, however, and takes the
inclusive bounds ``endDate`` and ``startDate``. Each page is therefore requested from the time of the last log on,
without the logs of that time that were returned before; the cursors made here carry both. Logs that start while the
list is read appear in ascending order only. See ``tests/resources/v1/test_v1_resource_logs.py``.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import Any, Literal, TypeAlias

import attrs

from simstudio.core.endpoint import Sender, read_page
from simstudio.core.paging import Page, Pages
from simstudio.models.v1.logs import LogEntry
from simstudio.transport.errors import InvalidInputError, InvalidResponseError
from simstudio.transport.flow import Flow
from simstudio.transport.message import Response

Order: TypeAlias = Literal["desc", "asc"]

_MARK = "sim-py-log."
_DEFAULT_LIMIT = 100
_LARGEST_PAGE = 100_000
"""Logs. A page that holds so many old ones and no new one ends the list."""


@attrs.frozen
class Position:
    """The end of a page.

    Attributes:
        order: Order of the list.
        started_at: ``startedAt`` of the last log, as sent.
        time: ``started_at``, parsed.
        seen: Ids of all logs returned so far that started at that time.
    """

    order: Order
    started_at: str
    time: datetime
    seen: frozenset[str]

    @classmethod
    def read(cls, cursor: str | None) -> Position | None:
        """The position in a cursor; None if the cursor was not made here."""
        if cursor is None or not cursor.startswith(_MARK):
            return None
        try:
            order, started_at, *seen = json.loads(base64.urlsafe_b64decode(cursor[len(_MARK) :].encode()))
        except (ValueError, TypeError):
            return None
        time = _parse_time(started_at)
        if time is None or order not in ("desc", "asc") or not all(isinstance(each, str) for each in seen):
            return None
        return cls(order, started_at, time, frozenset(seen))

    def __str__(self) -> str:
        content = json.dumps([self.order, self.started_at, *sorted(self.seen)], separators=(",", ":"))
        return _MARK + base64.urlsafe_b64encode(content.encode()).decode()

    def precedes(self, log: LogEntry, time: datetime) -> bool:
        """Whether a log that started at ``time`` comes after this position."""
        if time == self.time:
            return _id_of(log) not in self.seen
        return time < self.time if self.order == "desc" else time > self.time


class LogPages(Pages[LogEntry]):
    """The pages of ``client.v1.logs.list``; ``send`` carries the user's filters."""

    def __init__(self, send: Sender, order: Order) -> None:
        super().__init__(LogEntry, send.query.pop("cursor", None))
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
            response = yield from self._request_page({} if cursor is None else {"cursor": cursor})
            page = read_page(response, LogEntry)
            return self._make_page(page.items, page, response, None)
        limit, before = self._limit, -1
        while limit <= len(position.seen):  # a page must hold at least one new log
            limit *= 2
        while True:
            bound = {"endDate" if self._order == "desc" else "startDate": position.started_at}
            response = yield from self._request_page(bound if limit == self._limit else {**bound, "limit": str(limit)})
            page = read_page(response, LogEntry)
            fresh = [log for log in page.items if position.precedes(log, _start_of(log, response))]
            if fresh or page.next_cursor is None:
                return self._make_page(fresh, page, response, position)
            if len(page.items) <= before or limit > _LARGEST_PAGE:
                raise _paging_error(
                    response,
                    f"more than {len(page.items):,} logs began at {position.started_at}, and no page holds them all",
                )
            before, limit = len(page.items), limit * 2

    def _request_page(self, bound: dict[str, Any]) -> Flow[Response]:
        send = self._send
        resource = send.resource
        return resource._call(
            resource._request("GET", send.path, params={**send.query, **bound}, headers=send.headers, resend="read")
        )

    def _make_page(
        self, logs: list[LogEntry], page: Page[LogEntry], response: Response, position: Position | None
    ) -> Page[LogEntry]:
        """A page, with a cursor if the server says that more logs follow."""
        following = None
        if page.next_cursor is not None and logs:
            end = _start_of(logs[-1], response)
            seen = {_id_of(log) for log in logs if _start_of(log, response) == end}
            if position is not None and position.time == end:
                seen |= position.seen
            following = str(Position(self._order, str(logs[-1].started_at), end, frozenset(seen)))
        return Page(logs, following, page.extra)


def _start_of(log: LogEntry, response: Response) -> datetime:
    """The time at which a log started.

    Raises:
        InvalidResponseError: ``startedAt`` is missing or is not a time.
    """
    started_at = getattr(log, "started_at", None)  # an item that is no object stays in the list as it came
    time = _parse_time(started_at)
    if time is None:
        why = f"the log {_id_of(log)!r} says that it began at {started_at!r}, which is no moment"
        raise _paging_error(response, why)
    return time


def _id_of(log: LogEntry) -> str:
    return str(getattr(log, "id", None))


def _paging_error(response: Response, why: str) -> InvalidResponseError:
    return InvalidResponseError(
        f"The logs cannot be read on page by page: {why}. Ask for more of them at once (limit=…), or for those of a "
        "shorter time (start_date=…, end_date=…).",
        status=response.status,
        response=response,
        history=response.history,
    )


def _parse_time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return None if time.tzinfo is None else time.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
