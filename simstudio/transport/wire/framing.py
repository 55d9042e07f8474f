"""The headers that frame a body belong to the wire, which knows its length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.transport.message import Headers

_FRAMING = frozenset({"content-length", "transfer-encoding"})


def without_framing(headers: Headers) -> Headers:
    """Headers without ``Content-Length`` and ``Transfer-Encoding``, should a user or a middleware have set them."""
    if not headers.any_of(_FRAMING):
        return headers
    rest = headers.copy()
    for name in _FRAMING:
        rest.pop(name, None)
    return rest
