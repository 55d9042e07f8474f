"""Many rows become a frame, and many rows of a frame are inserted, while few are in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.external

ALLOWED = 32 * 1024 * 1024
"""Bytes beside the frame itself, whose parts may be there twice. A million rows need no more, but take five times as
long; 200,000 rows as dicts take seven times as many."""
PROGRAM = """
import json, sys
import pyarrow as pa
from simstudio import SimStudioClient
from simstudio.transport.message import Headers, Response
from tests.memory import memory

client = SimStudioClient("key", "https://sim.test")
stamp = "2026-01-01T00:00:00.000Z"
rules = {"required": False, "unique": False}
names = {"sku": "string", "qty": "number", "due": "date", "new": "boolean"}
table = {
    "id": "tbl_1", "name": "t", "ownerEmail": "", "rowCount": 0, "maxRows": 9, "folderPath": "/", "createdAt": stamp,
    "updatedAt": stamp, "locks": {}, "schema": {"columns": [{"name": n, "type": t, **rules} for n, t in names.items()]},
}


def respond(request, count):
    if "/rows" not in request.url:
        data = {"data": table}
    elif request.method == "POST":
        data = {"data": {"rows": [], "insertedCount": 1000}}
    else:
        first = int(request.url.partition("cursor=")[2] or 0)
        rows = [
            {"id": f"row_{n}", "createdAt": stamp, "updatedAt": stamp,
             "data": {"sku": f"A{n}", "qty": n / 2, "due": "2026-01-01", "new": n % 2 == 0}}
            for n in range(first, first + 1000)
        ]
        data = {"data": rows, "nextCursor": str(first + 1000) if first + 1000 < count else None}
    headers = Headers({"Content-Type": "application/json"})
    return Response(200, headers, json.dumps(data).encode(), method=request.method, url=request.url)


class Wire:
    def __init__(self, count):
        self.count = count

    def send(self, request):
        return respond(request, self.count)


def use(count):
    client._context.session.sync_wire.use(Wire(count))


def insert(count):
    use(count)
    schema = pa.schema([("sku", pa.string()), ("qty", pa.float64()), ("due", pa.date32()), ("new", pa.bool_())])
    part = pa.record_batch([[f"A{n}" for n in range(10_000)], [0.5] * 10_000, [0] * 10_000, [True] * 10_000], schema)
    frame = pa.RecordBatchReader.from_batches(schema, (part for _ in range(count // 10_000)))
    assert client.v2.tables.rows.insert_dataframe("tbl_1", frame, workspace_id="ws").count == count


def read(count):
    use(count)
    frame = client.v2.tables.rows.list("tbl_1", workspace_id="ws", limit=1000).to_dataframe(sys.argv[1])
    assert len(frame) == count
    return frame.nbytes if sys.argv[1] == "arrow" else int(frame.memory_usage(deep=True).sum())


insert(20_000), read(20_000)
before = memory("VmHWM")
insert(200_000)
inserted = memory("VmHWM")
size = read(200_000)
print(inserted - before, memory("VmHWM") - inserted - 2 * size)
"""


@pytest.mark.parametrize("library", ["pandas", "arrow"])
def test_many_rows_need_little_memory(library: str) -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM, library], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    added_in, added_out = map(int, ran.stdout.split())
    assert added_in < ALLOWED
    assert added_out < ALLOWED
