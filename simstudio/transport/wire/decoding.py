"""Bodies without their content encoding, within a bound.

What a client asks for (gzip and deflate) is decoded here, and must be whole; any other encoding is left to httpx, which
decodes those whose packages are installed, and leaves the others as they came.
"""

from __future__ import annotations

import zlib

_GZIP = b"\x1f\x8b"
_GZIP_OR_ZLIB = 47
_RAW_DEFLATE = -15
_KNOWN = frozenset({"gzip", "x-gzip", "deflate", "identity", ""})
_PACKED = 64 * 1024
"""Bytes that are decompressed at once."""
_PACKED_UNKNOWN = 256
"""Bytes that httpx decodes at once: what one of its decoders makes of them has no bound."""


class UndecodableBodyError(Exception):
    """A body is not what its encoding says."""


class BodyTooLargeError(Exception):
    """A decoded body is larger than allowed."""


def decode(content: bytes, encoding: str, limit: int | None = None) -> bytes:
    """A body without its content encoding.

    Args:
        content: As it came.
        encoding: The header ``Content-Encoding``.
        limit: Bytes that it may have, None for no bound.

    Raises:
        UndecodableBodyError: The body is not what its encoding says.
        BodyTooLargeError: The body is larger than ``limit``.
    """
    names = [name.strip() for name in encoding.lower().split(",")]
    if not content:
        return content
    if not _KNOWN.issuperset(names):
        return _decode_by_httpx(content, encoding, limit)
    for name in reversed(names):
        if name == "deflate":  # zlib's format; some servers send it bare
            content = _inflate(content, _GZIP_OR_ZLIB if _is_zlib(content) else _RAW_DEFLATE, limit)
        elif name in ("gzip", "x-gzip"):
            content = _inflate(content, _GZIP_OR_ZLIB, limit)
    return content


def is_bounded(encoding: str) -> bool:
    """Whether what httpx decodes at once has a bound: one layer of gzip or deflate, which expand a thousandfold."""
    return encoding.strip().lower() in _KNOWN


def _is_zlib(content: bytes) -> bool:
    """Whether the first two bytes are a header of zlib's (RFC 1950, section 2.2)."""
    return len(content) > 1 and content[0] & 15 == 8 and (content[0] << 8 | content[1]) % 31 == 0


def _inflate(content: bytes, window: int, limit: int | None) -> bytes:
    pieces: list[bytes] = []
    size = 0
    left = memoryview(content)
    try:
        while True:  # gzip may come in several members
            inflater = zlib.decompressobj(window)
            while left and not inflater.eof:
                packed = left[:_PACKED]
                # One byte more than may come shows that there is more; 0 would mean that there is no bound.
                pieces.append(inflater.decompress(packed, 0 if limit is None else limit - size + 1))
                size += len(pieces[-1])
                if limit is not None and size > limit:
                    raise BodyTooLargeError
                left = left[len(packed) - len(inflater.unused_data) :]
            if not inflater.eof:
                raise UndecodableBodyError("the body is compressed, and cut short")
            if window != _GZIP_OR_ZLIB or left[:2] != _GZIP:
                return b"".join(pieces)
    except zlib.error as error:
        raise UndecodableBodyError(f"the body cannot be decompressed: {error}") from error


def _decode_by_httpx(content: bytes, encoding: str, limit: int | None) -> bytes:
    import httpx  # which a wire over another library need not import

    named = [(b"Content-Encoding", encoding.encode("latin-1", "replace"))]
    slices = (content[start : start + _PACKED_UNKNOWN] for start in range(0, len(content), _PACKED_UNKNOWN))
    pieces = []
    size = 0
    try:
        for piece in httpx.Response(200, headers=named, content=slices).iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if limit is not None and size > limit:
                raise BodyTooLargeError
    except httpx.DecodingError as error:
        raise UndecodableBodyError(f"the body cannot be decompressed: {error}") from error
    return b"".join(pieces)
