"""The requests that a sandbox received, for tests to read."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox import jsontext
from simstudio.transport.secret_names import rule_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT = 10_000


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


class Recorder:
    """ASGI middleware: reads every request to its end, keeps it (the newest 10 000), and passes it on."""

    def __init__(self, app: ASGIApp, kept: deque[ReceivedRequest]) -> None:
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
        self._kept.append(ReceivedRequest(scope["method"], scope["path"], query, headers, body))
        unread = True

        async def receive_again() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        await self._app(scope, receive_again, send)


def requests_kept() -> deque[ReceivedRequest]:
    """Make an empty record of requests."""
    return deque(maxlen=_KEPT)


def _without_secrets(scope: Scope) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return [(name, value) for name, value in headers if not rule_of(name.decode("latin-1"))]
