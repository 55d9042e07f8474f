"""The headers of a request as they are sent. The wire sets those that frame the body: it knows the length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.transport.message import Headers, Request

_FRAMING = frozenset({"content-length", "transfer-encoding"})


def without_framing(headers: Headers) -> Headers:
    """Headers without ``Content-Length`` and ``Transfer-Encoding``, which a user or a middleware may have set."""
    if not headers.has_any(_FRAMING):
        return headers
    rest = headers.copy()
    for name in _FRAMING:
        rest.pop(name, None)
    return rest


def frame_headers(request: Request, host: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a request, as httpx takes them; ``host`` is for the header ``Host`` if the request has none."""
    given = without_framing(request.headers)
    headers = [] if "host" in given else [(b"Host", host)]
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in given.pairs()]
    if request.content or request.method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        headers.append((b"Content-Length", b"%d" % len(request.content)))
    return headers
