"""The requests that a sandbox received, for tests to read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox import jsontext
from simstudio.transport.secret_names import rule_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST = 10_000
"""Largest number of requests that are kept."""
_MOST_BYTES = 256 * 1024**2
"""Largest size of their bodies together."""


@attrs.frozen
class ReceivedRequest:
    """One request as it arrived.

    Attributes:
        path: decoded.
        query: as sent, without the question mark.
        headers: lower-case names; keys, tokens and cookies are left out.
        body: the whole body, also if Sim would have cut it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> object:
        """The parsed body.

        Raises:
            ValueError: it is not JSON.
        """
        return jsontext.loads(self.body)


class ReceivedRequests:
    """The newest requests that a sandbox received: at most 10 000 with 256 MiB of bodies, and always the last one."""

    def __init__(self) -> None:
        self._kept: deque[ReceivedRequest] = deque()
        self._size = 0
        self._lock = Lock()

    def add(self, request: ReceivedRequest) -> None:
        """Keep a request, in place of the oldest ones if need be."""
        with self._lock:
            self._kept.append(request)
            self._size += len(request.body)
            while len(self._kept) > _MOST or (self._size > _MOST_BYTES and len(self._kept) > 1):
                self._size -= len(self._kept.popleft().body)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def __iter__(self) -> Iterator[ReceivedRequest]:
        return iter(tuple(self._kept))


class Recorder:
    """ASGI middleware: reads every request to its end, keeps it, and passes it on."""

    def __init__(self, app: ASGIApp, kept: ReceivedRequests) -> None:
        self._app = app
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":  # the client disconnected before the end of the body
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        body = b"".join(parts)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in _without_secrets(scope)}
        query = scope["query_string"].decode("latin-1")
        self._kept.add(ReceivedRequest(scope["method"], scope["path"], query, headers, body))
        unread = True

        async def receive_again() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        await self._app(scope, receive_again, send)


def _without_secrets(scope: Scope) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return [(name, value) for name, value in headers if not rule_of(name.decode("latin-1"))]
