"""Whole bodies without their content encoding: what every client can ask for, gzip and deflate."""

from __future__ import annotations

import zlib

_GZIP = b"\x1f\x8b"
_GZIP_OR_ZLIB = 47
_RAW_DEFLATE = -15


class UndecodableBodyError(Exception):
    """A body is not what its encoding says."""


def decoded(content: bytes, encoding: str) -> bytes:
    """A body without its content encoding; what is encoded in a way that was not asked for stays as it came.

    Raises:
        UndecodableBodyError: It is not what it says.
    """
    for name in reversed(encoding.lower().split(",")):
        match name.strip():
            case "gzip" | "x-gzip":
                content = _inflated(content, _GZIP_OR_ZLIB)
            case "deflate":  # zlib's format; some servers send it bare
                content = _inflated(content, _GZIP_OR_ZLIB if content[:1] == b"\x78" else _RAW_DEFLATE)
            case "identity" | "":
                pass
            case _:
                break
    return content


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
