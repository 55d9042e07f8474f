"""Responses of v2: ``{"data": …}`` and ``{"data": […], "nextCursor": …}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.sandbox.families import PRIVATE
from simstudio.sandbox.http import Headers, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Iterable


def data(value: object, status: int = 200, headers: Headers = ()) -> Reply:
    """A response with one object."""
    return json_reply({"data": value}, status, (*PRIVATE, *headers))


def listing(items: Iterable[object], next_cursor: str | None = None, **extra: object) -> Reply:
    """A response with a list, or one page of it.

    Args:
        next_cursor: Cursor of the next page; None on the last one.
        extra: Further keys beside ``data`` and ``nextCursor``.
    """
    return json_reply({"data": list(items), "nextCursor": next_cursor, **extra}, 200, PRIVATE)
