"""Responses as lines of JSON: heartbeats until a result is there, and the result."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from simstudio.sandbox import jsontext
from simstudio.sandbox.http import Headers
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from starlette.types import Send

    from simstudio.sandbox.core import Core

T = TypeVar("T")

NDJSON: Final = "application/x-ndjson"
HEADERS: Final[Headers] = (
    ("content-type", f"{NDJSON}; charset=utf-8"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
    ("vary", "Accept"),
)


async def send_line(send: Send, value: object) -> None:
    """Send one line."""
    await send({"type": "http.response.body", "body": jsontext.encode(value) + b"\n", "more_body": True})


async def send_heartbeats(core: Core, send: Send, work: Awaitable[T]) -> T:
    """Send heartbeats, the first at once, until some work is done; return its result."""
    future: asyncio.Future[Any] = asyncio.ensure_future(work)
    while True:
        await send_line(send, {"type": "heartbeat", "timestamp": iso(core.clock())})
        done, _ = await asyncio.wait([future], timeout=core.settings.heartbeat)
        if done:
            return future.result()  # type: ignore[no-any-return]


def accepts(accept: str, media_type: str) -> bool:
    """Whether a media type is named among those accepted, and not refused by ``q=0``."""
    for each in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        if kind == media_type:
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False
