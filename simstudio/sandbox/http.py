"""Responses as plain values, each the ASGI application that sends it, and the exception for refused requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox import jsontext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import Receive, Scope, Send

Headers = tuple[tuple[str, str], ...]

_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
_BODILESS = frozenset({204, 205, 304})


@attrs.frozen
class Reply:
    """A complete response. Like those of Node, it is sent chunked, without Content-Length."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """The same response with more headers."""
        return attrs.evolve(self, headers=(*self.headers, *headers.items()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del receive
        await send(head(self.status, self.headers))
        body = b"" if self.status in _BODILESS or scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


def head(status: int, headers: Iterable[tuple[str, str]]) -> dict[str, object]:
    """The ASGI message that begins a response, without headers that would break the framing."""
    encoded = [
        (name.lower().encode("ascii"), value.encode("latin-1"))
        for name, value in headers
        if name.lower() not in _FRAMING
    ]
    return {"type": "http.response.start", "status": status, "headers": encoded}


def json_reply(body: object, status: int = 200, headers: Headers = ()) -> Reply:
    """Make a JSON response.

    Raises:
        TypeError: the body has no JSON form.
    """
    return Reply(status, jsontext.encode(body), (("content-type", "application/json"), *headers))


class Refusal(Exception):  # noqa: N818 - a response, not a failure of the program
    """A request that is refused: raised by stores, the engine and operations alike.

    The family of the operation writes it (:mod:`simstudio.sandbox.families`), as every family has an envelope of its
    own.

    Attributes:
        details: More for programs: the issues of a request, or an object that usually has a ``code``.
        code: Code of the error; None for the family's usual one.
        body: The whole JSON body, where it is not the envelope of the family.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        details: object = None,
        *,
        code: str | None = None,
        headers: Headers = (),
        body: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details
        self.code = code
        self.headers: Headers = headers
        self.body = body
