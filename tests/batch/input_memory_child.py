"""A process of the tests of memory: ``python input_memory_child.py FORM PATH WARM_UP``.

It reads all inputs of a file or table, after those of a small one, and prints how many there were and what that added
to its memory. The rows are examined as a batch does, and not kept.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import deque
from collections.abc import Iterator
from typing import Any

from simstudio.batch.inputs import read
from simstudio.batch.items import Examiner
from tests.memory import memory


def source_of(form: str, path: str) -> Any:
    """A file by its path; of other forms, what gives its rows: a connection, a stream."""
    if form == "cursor":
        return sqlite3.connect(path).execute("SELECT n, text FROM rows")
    if form == "batches":
        arrow = __import__("pyarrow")
        return arrow.ipc.open_stream(arrow.OSFile(path))
    if form == "data set":
        return __import__("datasets").load_dataset("csv", data_files=path, split="train", streaming=True)
    if form == "address":
        return f"file://{path}"
    return path


def consume(source: Any) -> int:
    rows: Any = read(source)
    count = 0

    def counted() -> Iterator[Any]:
        nonlocal count
        for count, row in enumerate(rows, 1):  # noqa: B007 - returned
            yield row

    deque(map(Examiner(), counted()), 0)
    return count


def main() -> None:
    form, path, warm_up = sys.argv[1:]
    consume(source_of(form, warm_up))
    before = memory("VmRSS")
    count = consume(source_of(form, path))
    print(json.dumps({"count": count, "added": memory("VmHWM") - before}))


if __name__ == "__main__":
    main()
