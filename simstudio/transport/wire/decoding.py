"""Whole bodies without their content encoding, the same on every wire that reads them itself.

What a client asks for (gzip and deflate) is taken off here, and must be whole; any other encoding is httpx's, which
knows those of packages that are installed, and leaves the others as they came.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from simstudio.transport.fork import unforked
from simstudio.transport.wire.failures import broken

if TYPE_CHECKING:
    from simstudio.transport.message import Request, Response

_GZIP = b"\x1f\x8b"
_GZIP_OR_ZLIB = 47
_RAW_DEFLATE = -15
_KNOWN = frozenset({"gzip", "x-gzip", "deflate", "identity", ""})


class UndecodableBodyError(Exception):
    """A body is not what its encoding says."""


def decode(response: Response, request: Request) -> None:
    """Take the content encoding off a response's content.

    Raises:
        APIConnectionError: It is not what it says.
    """
    encoding = response.headers.get("content-encoding")
    if encoding is not None:
        try:
            response.content = decoded(response.content, encoding)
        except UndecodableBodyError as error:
            raise broken(request, str(error), len(response.content)) from error


def decoded(content: bytes, encoding: str) -> bytes:
    """A body without its content encoding.

    Raises:
        UndecodableBodyError: It is not what it says.
    """
    names = [name.strip() for name in encoding.lower().split(",")]
    if not content:
        return content
    if not _KNOWN.issuperset(names):
        return _decoded_by_httpx(content, encoding)
    for name in reversed(names):
        if name == "deflate":  # zlib's format; some servers send it bare
            content = _inflated(content, _GZIP_OR_ZLIB if _is_zlib(content) else _RAW_DEFLATE)
        elif name in ("gzip", "x-gzip"):
            content = _inflated(content, _GZIP_OR_ZLIB)
    return content


def _is_zlib(content: bytes) -> bool:
    """Whether the first two bytes are a header of zlib's (RFC 1950, section 2.2)."""
    return len(content) > 1 and content[0] & 15 == 8 and (content[0] << 8 | content[1]) % 31 == 0


def _inflated(content: bytes, window: int) -> bytes:
    pieces = []
    try:
        while content:  # gzip may come in several members
            inflater = zlib.decompressobj(window)
            pieces += [inflater.decompress(content), inflater.flush()]
            if not inflater.eof:
                raise UndecodableBodyError("the body is compressed, and cut short")
            content = inflater.unused_data if window == _GZIP_OR_ZLIB and inflater.unused_data[:2] == _GZIP else b""
    except zlib.error as error:
        raise UndecodableBodyError(f"the body cannot be decompressed: {error}") from error
    return b"".join(pieces)


def _decoded_by_httpx(content: bytes, encoding: str) -> bytes:
    with unforked:
        import httpx

    named = [(b"Content-Encoding", encoding.encode("latin-1", "replace"))]
    try:
        return httpx.Response(200, headers=named, content=content).content
    except httpx.DecodingError as error:
        raise UndecodableBodyError(f"the body cannot be decompressed: {error}") from error
