"""The file of ``out=`` of batches that are killed with ``kill -9``, anywhere and at the places where it hurts most."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crashes import LONGEST, SHORTEST, Processes, Server

from simstudio.batch.formats import FileFormat, read_rows
from simstudio.batch.results import lines_path

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither fork nor SIGKILL"),
]

INPUTS, CONCURRENCY = 160, 8
KILLS = 5
SEED = 20261130
FOREIGN = "what another program wrote\n"


class Batch:
    """The processes of one batch, and the file of its results."""

    def __init__(self, processes: Processes, server: Server, out: Path) -> None:
        self.processes = processes
        self.server = server
        self.out = out

    def rows(self) -> list[Any]:
        form = FileFormat.of(self.out)
        assert form is not None
        return list(read_rows(self.out, form))

    def complete(self) -> None:
        """Let a process come to the end; the file then has each item once, and nothing is beside it."""
        assert self.processes.run() == {"done": INPUTS, "failed": 0, "unknown": 0}

        rows = self.rows_by_index()
        assert [int(row["index"]) for row in rows] == [*range(INPUTS)]
        assert self.server.begun == Counter(range(INPUTS))
        assert [path.name for path in self.out.parent.iterdir() if ".part" in path.name] == []

    def rows_by_index(self) -> list[Any]:
        return sorted(self.rows(), key=lambda row: int(row["index"]))


@pytest.fixture
def batch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Batch]:
    name, options = request.param
    counting, out = Server(), tmp_path / "results" / name
    out.parent.mkdir()
    out.write_text(FOREIGN)
    with counting.sandbox.serve() as server:
        processes = Processes(
            server, tmp_path / "runs.sqlite", INPUTS, "v2", "sync", out=str(out), concurrency=CONCURRENCY, **options
        )
        try:
            yield Batch(processes, counting, out)
        finally:
            processes.close()


WAYS = [
    ("out.jsonl", {}),
    ("out.jsonl", {"ordered": False}),
    ("out.csv", {"flatten": True}),
    ("out.jsonl.gz", {"ordered": False}),
    ("out.parquet", {"flatten": True}),
]
ways = pytest.mark.parametrize("batch", WAYS, indirect=True, ids=lambda way: "-".join([way[0], *way[1]]))


@ways
def test_a_batch_that_is_killed_at_any_moments_completes_its_file(batch: Batch) -> None:
    chance = random.Random(SEED)
    span = 0.8 * (INPUTS - CONCURRENCY * (KILLS + 1)) * (SHORTEST + LONGEST) / 2 / CONCURRENCY
    moments = sorted(chance.uniform(0, span) for _ in range(KILLS))
    for before, moment in zip([0.0, *moments], moments, strict=False):
        batch.processes.kill(moment - before)

    batch.complete()


PLACES = {"jsonl": ["note", "line"], "made": ["note", "line", "file", "replace", "remove"]}


@pytest.mark.parametrize(
    ("batch", "place"),
    [
        pytest.param(way, place, id="-".join([way[0], *way[1], place]))
        for way in WAYS
        for place in PLACES["jsonl" if way[0].endswith("jsonl") else "made"]
    ],
    indirect=["batch"],
)
def test_a_batch_that_dies_in_the_middle_of_a_write_completes_its_file(batch: Batch, place: str) -> None:
    lines = lines_path(batch.out)
    batch.processes.die(place)

    if lines != batch.out and place != "remove":
        assert batch.out.read_text() == FOREIGN, "the file is not replaced before it is complete"
    if place == "line":
        assert not lines.read_bytes().endswith(b"\n")
    batch.complete()
    before = batch.rows_by_index()
    batch.complete()
    assert batch.rows_by_index() == before
