"""What servers answer, as bytes."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faultserver import Connection, Script

RESULT = {"success": True, "output": {"greeting": "Hello"}}


def head(status: int = 200, *lines: str, **headers: object) -> bytes:
    """The head of an answer; underscores in names are dashes."""
    named = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Any", *lines, *named, "", ""]).encode()


def answer(data: object = RESULT, status: int = 200, **headers: object) -> bytes:
    """A whole answer; ``data`` is bytes, or sent as JSON."""
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    kind = {} if isinstance(data, bytes) else {"Content_Type": "application/json"}
    return head(status, **{**kind, "Content_Length": len(content), **headers}) + content


def answering(*answers: bytes) -> Script:
    """Keep the connection and give these answers, then the last one again and again."""
    rest = list(answers) or [answer()]

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(rest.pop(0) if len(rest) > 1 else rest[0])

    return script


def frame(data: object) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def text(chunk: str, block: str = "agent") -> bytes:
    """An event with text."""
    return frame({"blockId": block, "chunk": chunk})


FINAL = frame({"event": "final", "data": {"success": True, "output": {}}})
DONE = frame("[DONE]")
STREAM = head(Content_Type="text/event-stream", Transfer_Encoding="chunked")
LAST_CHUNK = b"0\r\n\r\n"


def chunked(*pieces: bytes) -> bytes:
    """Pieces in the framing of ``Transfer-Encoding: chunked``, without its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def streaming(*events: bytes, ended: bool = True) -> bytes:
    """A whole streamed answer."""
    return STREAM + chunked(*events) + (LAST_CHUNK if ended else b"")


def gzipped(*pieces: bytes) -> list[bytes]:
    """Pieces compressed one by one, each flushed, so that each can be inflated when it comes; then the end."""
    packer = zlib.compressobj(wbits=31)
    return [*(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces), packer.flush()]


def packed(data: Any) -> bytes:
    """JSON, compressed as a whole."""
    return gzip.compress(json.dumps(data).encode())
