"""A minimal loopback server, run in a process of its own so that its CPU is not counted.

``python -m tests.benchmarks.server`` prints its port and serves until its input closes:

* ``/api/v2/tables/t/rows``: pages of rows, and with POST the same rows as inserted ones;
* POST: a fixed envelope, as small and fast as an answer can be made, of v2 under ``/api/v2/``;
* ``/stream?size=N&frame=M``: N bytes of text in frames of M, then the final event;
* ``/ticks?count=N``: N chunks, each holding the monotonic time at which it was written.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import parse_qs, urlsplit

BODY = json.dumps({
    "success": True,
    "executionId": "0b5ed8a4-0000-4000-8000-000000000000",
    "output": {"result": {"doubled": 42, "message": "hi"}, "stdout": "computing 21"},
    "metadata": {"duration": 50.41, "startTime": "2026-01-01T08:00:00.000Z", "endTime": "2026-01-01T08:00:00.050Z"},
}).encode()  # fmt: skip
BODY_V2 = json.dumps({
    "data": {
        "runId": "0b5ed8a4-0000-4000-8000-000000000000",
        "status": "completed",
        "output": {"result": {"doubled": 42, "message": "hi"}, "stdout": "computing 21"},
        "durationMs": 50.41,
        "startedAt": "2026-01-01T08:00:00.000Z",
        "endedAt": "2026-01-01T08:00:00.050Z",
    }
}).encode()  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
ANSWER = HEAD % len(BODY) + BODY
ANSWER_V2 = HEAD % len(BODY_V2) + BODY_V2
PAGES, ROWS_PER_PAGE = 20, 1000
ROWS = json.dumps([
    {
        "id": f"row_{number}",
        "data": {"sku": "A-10293", "size": 42, "price": 19.9, "active": True, "note": "zwölf Boxkämpfer jagen Viktor"},
        "createdAt": "2026-01-01T08:00:00.000Z",
        "updatedAt": "2026-01-01T08:00:00.000Z",
    }
    for number in range(ROWS_PER_PAGE)
]).encode()  # fmt: skip
INSERTED = b'{"data": {"rows": %s, "insertedCount": %d}}' % (ROWS, ROWS_PER_PAGE)
ANSWER_INSERTED = HEAD % len(INSERTED) + INSERTED
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            lower = head.lower()
            if b"content-length:" in lower:
                await reader.readexactly(int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]))
            texts = parse_qs(urlsplit(path).query)
            if "/rows" in path:
                page = int(texts.get("cursor", ["1"])[0])
                writer.write(_page(page) if head.startswith(b"GET ") else ANSWER_INSERTED)
                continue
            query = {name: int(values[0]) for name, values in texts.items()}
            if "size" in query:
                await _stream(writer, query["size"], query["frame"])
            elif "count" in query:
                await _ticks(writer, query["count"])
            else:
                writer.write(ANSWER_V2 if path.startswith("/api/v2/") else ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _page(number: int) -> bytes:
    following = b'"%d"' % (number + 1) if number < PAGES else b"null"
    rows = ROWS.replace(b'"row_', b'"row_%d_' % number)  # a page that came before would be an error
    body = b'{"data": %s, "nextCursor": %s}' % (rows, following)
    return HEAD % len(body) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _frame(payload: object) -> bytes:
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


async def _stream(writer: asyncio.StreamWriter, size: int, frame: int) -> None:
    writer.write(STREAM)
    piece = _chunk(_frame({"blockId": "b", "chunk": "x" * frame}))
    for _ in range(size // frame):
        writer.write(piece)
        await writer.drain()
    await _end(writer)


async def _ticks(writer: asyncio.StreamWriter, count: int) -> None:
    writer.write(STREAM)
    for _ in range(count):
        await asyncio.sleep(0.02)
        writer.write(_chunk(_frame({"blockId": "b", "chunk": repr(time.monotonic())})))
    await _end(writer)


async def _end(writer: asyncio.StreamWriter) -> None:
    final = _frame({"event": "final", "data": {"success": True, "output": {}}}) + b'data: "[DONE]"\n\n'
    writer.write(_chunk(final) + b"0\r\n\r\n")
    await writer.drain()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
