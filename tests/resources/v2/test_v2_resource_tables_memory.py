"""A million rows are inserted, listed and written to a file, a page at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.external

ROWS = 1_000_000
ALLOWED = 4 * 1024 * 1024
"""Bytes beside those of 20,000 rows; a page of 1,000 rows has 1 MiB, and a million rows have 900."""
PROGRAM = """
import json, sys, warnings
from simstudio import SimStudioClient
from simstudio.transport.message import Headers, Response
from tests.memory import memory

client = SimStudioClient("key", "https://sim.test")
stamp = "2026-01-01T00:00:00.000Z"
names = {"sku": "string", "qty": "number", "due": "date", "new": "boolean"}
columns = [{"name": name, "type": type, "required": False, "unique": False} for name, type in names.items()]
table = {
    "id": "t", "name": "t", "ownerEmail": "", "rowCount": 0, "maxRows": 9, "folderPath": "/", "createdAt": stamp,
    "updatedAt": stamp, "locks": {}, "schema": {"columns": columns},
}
export = {
    "id": "e", "tableId": "t", "workspaceId": "ws", "format": "csv", "status": "completed", "rowsProcessed": 0,
    "createdAt": stamp, "updatedAt": stamp,
}
file = {"url": "https://sim.test/api/files/serve/e", "fileName": "t.csv", "expiresAt": stamp}
values = {"sku": "A1", "qty": 0.5, "due": "2026-01-01", "new": True}
row = {"id": "row_", "data": values, "createdAt": stamp, "updatedAt": stamp}
others = json.dumps([row] * 999)[1:-1]


class Wire:
    def __init__(self, count):
        self.count, self.inserted = count, 0

    def send(self, request):
        path, _, query = request.url.removeprefix("https://sim.test/api/v2/tables/t").partition("?")
        status = 200
        if path == "/rows":
            first = int(query.partition("cursor=")[2] or 0)
            rows = f'[{json.dumps({**row, "id": f"row_{first}"})}, {others}]'
            if request.method == "POST":
                self.inserted += len(json.loads(request.content)["rows"])
                status, body = 201, f'{{"data": {{"rows": {rows}, "insertedCount": 1000}}}}'
            else:
                following = json.dumps(str(first + 1000) if first + 1000 < self.count else None)
                body = f'{{"data": {rows}, "nextCursor": {following}}}'
        else:
            body = json.dumps({"data": file if path.endswith("/download") else export if "/exports" in path else table})
        headers = Headers({"Content-Type": "application/json"})
        return Response(status, headers, body.encode(), method=request.method, url=request.url)


def use(count):
    wire = Wire(count)
    client._context.session.sync_wire.use(wire)
    return wire


def insert(count):
    wire = use(count)
    rows = ({"sku": f"A{n}", "qty": n / 2, "due": "2026-01-01", "new": n % 2 == 0} for n in range(count))
    assert client.v2.tables.rows.insert_many("t", rows, workspace_id="ws").count == wire.inserted == count


def walk(count):
    use(count)
    assert sum(1 for _ in client.v2.tables.rows.list("t", workspace_id="ws", limit=1000)) == count


def write(count):
    use(count)
    path = client.v2.tables.export_csv("t", sys.argv[1], workspace_id="ws", overwrite=True)
    with open(path, "rb") as lines:
        assert sum(1 for _ in lines) == count + 1


warnings.simplefilter("ignore")  # the export itself cannot be fetched: the rows are written
for job in (insert, walk, write):
    job(20_000)
    before = memory("VmHWM")
    job(int(sys.argv[2]))
    print(memory("VmHWM") - before)
"""


def test_a_million_rows_need_the_memory_of_a_page(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "t.csv"), str(ROWS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert max(map(int, ran.stdout.split())) < ALLOWED
