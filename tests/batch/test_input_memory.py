"""Inputs of each format at a million rows, read in memory that does not grow with them: in processes of their own."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc"),
]

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("input_memory_child.py")
COUNT, WARM_UP = 1_000_000, 2_000
MOST = 50_000_000
"""Bytes that a million inputs may add: most add 3 MB, Parquet 30 MB for its pages. As rows they would take 400 MB."""


def rows(count: int) -> Iterator[tuple[int, str]]:
    return ((n, f"text {n:>40}") for n in range(count))


def lines(path: Path, count: int) -> None:
    path.write_text("".join(f'{{"n": {n}, "text": "{text}"}}\n' for n, text in rows(count)))


def array(path: Path, count: int) -> None:
    path.write_text("[" + ",\n".join(f'{{"n": {n}, "text": "{text}"}}' for n, text in rows(count)) + "]")


def table(path: Path, count: int) -> None:
    path.write_text("n,text\n" + "".join(f"{n},{text}\n" for n, text in rows(count)))


def packed(path: Path, count: int) -> None:
    table(path, count)
    path.write_bytes(gzip.compress(path.read_bytes(), 1))


def zstd(path: Path, count: int) -> None:
    table(path, count)
    path.write_bytes(pytest.importorskip("zstandard").compress(path.read_bytes()))


def batches(count: int) -> Iterator[Any]:
    arrow = pytest.importorskip("pyarrow")
    every = rows(count)
    while some := list(islice(every, 10_000)):
        yield arrow.RecordBatch.from_pydict({"n": [n for n, _ in some], "text": [text for _, text in some]})


def parquet(path: Path, count: int) -> None:
    every = batches(count)
    first = next(every)
    with pytest.importorskip("pyarrow.parquet").ParquetWriter(path, first.schema) as writer:
        writer.write_batch(first)
        for batch in every:
            writer.write_batch(batch)


def one_group(path: Path, count: int) -> None:
    """As pandas and polars write it."""
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_batches(batches(count)), path)


def arrow_file(path: Path, count: int) -> None:
    every = batches(count)
    first = next(every)
    with pytest.importorskip("pyarrow").ipc.new_stream(str(path), first.schema) as writer:
        writer.write(first)
        for batch in every:
            writer.write(batch)


def database(path: Path, count: int) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE rows (n INTEGER, text TEXT)")
        connection.executemany("INSERT INTO rows VALUES (?, ?)", rows(count))
    connection.close()


@pytest.mark.parametrize(
    ("form", "suffix", "write"),
    [
        ("file", ".jsonl", lines),
        ("file", ".json", array),
        ("file", ".csv", table),
        ("file", ".csv.gz", packed),
        ("file", ".csv.zst", zstd),
        ("file", ".parquet", parquet),
        ("file", ".parquet", one_group),
        ("file", ".arrow", arrow_file),
        ("batches", ".arrow", arrow_file),
        ("address", ".csv", table),
        ("cursor", ".sqlite", database),
        ("data set", ".csv", table),
    ],
)
def test_a_million_rows_are_read_in_little_memory(
    tmp_path: Path, form: str, suffix: str, write: Callable[[Path, int], None]
) -> None:
    if form == "data set":
        pytest.importorskip("datasets")
    for name, count in (("warm", WARM_UP), ("all", COUNT)):
        write(tmp_path / f"{name}{suffix}", count)
    command = [sys.executable, str(CHILD), form, str(tmp_path / f"all{suffix}"), str(tmp_path / f"warm{suffix}")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
    print(f"{form} {suffix} {write.__name__}: {told['added'] / 1e6:.1f} MB")
    assert told["count"] == COUNT
    assert told["added"] <= MOST
