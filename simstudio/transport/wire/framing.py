"""The headers of a request as they travel. Those that frame its body belong to the wire, which knows the length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.transport.message import Headers, Request

_FRAMING = frozenset({"content-length", "transfer-encoding"})


def without_framing(headers: Headers) -> Headers:
    """Headers without ``Content-Length`` and ``Transfer-Encoding``, should a user or a middleware have set them."""
    if not headers.any_of(_FRAMING):
        return headers
    rest = headers.copy()
    for name in _FRAMING:
        rest.pop(name, None)
    return rest


def framed(request: Request, host: bytes) -> list[tuple[bytes, bytes]]:
    """A request's headers as httpx and httpcore take them.

    Args:
        request: Its framing headers are replaced.
        host: For the header ``Host``, unless the request has one.
    """
    given = without_framing(request.headers)
    headers = [] if "host" in given else [(b"Host", host)]
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in given.pairs()]
    if request.content or request.method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        headers.append((b"Content-Length", b"%d" % len(request.content)))
    return headers
