"""The families of ``client.v2``: what the first use of each costs, and rows of a table in and out."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys

from tests.benchmarks.measures import Row, alternate, cpu_per_call, server
from tests.benchmarks.server import PAGES, ROWS_PER_PAGE

ROUNDS = 9
ROW = {"sku": "A-10293", "size": 42, "price": 19.9, "active": True, "note": "zwölf Boxkämpfer jagen Viktor"}

FIRST_TOUCH = """
import sys, time
from simstudio import ANONYMOUS, SimStudioClient

v2 = SimStudioClient(ANONYMOUS).v2
started = time.process_time()
getattr(v2, sys.argv[1])
print((time.process_time() - started) * 1e3)
"""


def families() -> Row:
    """CPU of the first use of each namespace of ``client.v2``, in processes of their own."""
    from simstudio.core.resource import namespace
    from simstudio.resources.v2 import V2

    names = [name for name, member in vars(V2).items() if isinstance(member, namespace)]

    def touch(name: str) -> float:
        command = [sys.executable, "-I", "-c", FIRST_TOUCH, name]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    # The least of some: other processes on the machine can only add to the CPU of an import.
    runs = {name: [touch(name) for _ in range(ROUNDS + 1)][1:] for name in names}  # the first may write bytecode
    found = sorted(((min(times), name) for name, times in runs.items()), reverse=True)
    longest = ", ".join(f"{name} {taken:.1f}" for taken, name in found[:3])
    detail = f"{longest}; median of {len(found)}: {statistics.median(taken for taken, _ in found):.1f} ms"
    return Row("CPU of the import of a family (first use of a namespace of `client.v2`)", found[0][0], 25, "ms", detail)


def table_rows() -> list[Row]:
    """CPU of ``rows.insert_many`` and of a walk over ``rows.list``, beside bare httpx sending the same requests."""
    import httpx

    from simstudio import SimStudioClient

    count = PAGES * ROWS_PER_PAGE
    with server() as base, SimStudioClient("key", base) as client, httpx.Client(headers={"X-API-Key": "key"}) as bare:
        url, own = f"{base}/api/v2/tables/t/rows", client.v2.tables.rows

        def insert() -> None:
            report = own.insert_many("t", itertools.repeat(ROW, count), workspace_id="ws")
            assert report.count == count

        def insert_bare() -> None:
            for _ in range(PAGES):
                body = {"workspaceId": "ws", "rows": [ROW] * ROWS_PER_PAGE}
                assert bare.post(f"{url}/bulk", json=body).json()["data"]["insertedCount"] == ROWS_PER_PAGE

        def read() -> None:
            assert sum(row.data["active"] for row in own.list("t", workspace_id="ws", limit=ROWS_PER_PAGE)) == count

        def read_bare() -> None:
            seen, query = 0, {"workspaceId": "ws", "limit": str(ROWS_PER_PAGE)}
            while True:
                page = bare.get(url, params=query).json()
                seen += sum(row["data"]["active"] for row in page["data"])
                if page["nextCursor"] is None:
                    break
                query["cursor"] = page["nextCursor"]
            assert seen == count

        sides = {"in": insert, "bare in": insert_bare, "out": read, "bare out": read_bare}
        timed = {name: cpu_per_call(side, 1) for name, side in sides.items()}
        alternate(timed, 1)
        found = alternate(timed, ROUNDS)
    return [
        Row(
            f"CPU of {count:,} rows of a table {way} ÷ bare httpx with the same requests",
            found[way] / found[f"bare {way}"],
            bound,
            "",
            f"{count / found[way] * 1e6:,.0f} ÷ {count / found[f'bare {way}'] * 1e6:,.0f} rows a CPU second",
        )
        for way, bound in (("in", 2.5), ("out", 2.5))
    ]


MEASURES = (families, table_rows)
