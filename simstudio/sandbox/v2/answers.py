"""The envelope of v2: ``{"data": …}``, ``{"data": […], "nextCursor": …}``, ``{"error": {code, message, details?}}``.

Who may ask is `simstudio.sandbox.v2.access`, what may be asked `simstudio.sandbox.v2.operation`, and how lists are
cut into pages `simstudio.sandbox.v2.paging`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.sandbox.http import Headers, Refusal, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Iterable

PRIVATE: Headers = (("cache-control", "private, no-store"),)
"""On every answer."""

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    402: "USAGE_LIMIT_EXCEEDED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    408: "BAD_REQUEST",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    423: "LOCKED",
    429: "RATE_LIMITED",
    499: "CLIENT_CLOSED_REQUEST",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
"""The code that goes with a status."""


def data(value: object, status: int = 200, headers: Headers = ()) -> Reply:
    """One thing."""
    return json_reply({"data": value}, status, (*PRIVATE, *headers))


def listing(items: Iterable[object], next_cursor: str | None = None, **extra: object) -> Reply:
    """A list, or one page of it.

    Args:
        items: what is on the page.
        next_cursor: where the next page begins; None on the last one.
        **extra: further keys beside ``data`` and ``nextCursor``.
    """
    return json_reply({"data": list(items), "nextCursor": next_cursor, **extra}, 200, PRIVATE)


def error(status: int, code: str | None, message: str, details: object = None, headers: Headers = ()) -> Reply:
    """An error; it may be returned, or raised as ``Refusal(error(...))``.

    Args:
        status: the HTTP status.
        code: None for the one that goes with the status.
        message: for people.
        details: issues of a request, or an object that usually has a ``code``; left out when None.
        headers: further ones.
    """
    shown: dict[str, object] = {"code": code or CODES[status], "message": message}
    if details is not None:
        shown["details"] = details
    return json_reply({"error": shown}, status, (*PRIVATE, *headers))


def refused(status: int, message: str, details: object = None, code: str | None = None) -> Refusal:
    """`error`, to be raised."""
    return Refusal(error(status, code, message, details))


def not_found(what: str | None = None) -> Refusal:
    """404, to be raised; with no ``what`` the answer of an unknown path, and of every path while v2 is switched off."""
    return refused(404, "Not found" if what is None else f"{what} not found")
