"""The file of ``out=`` over many lives of a batch: killed anywhere, ended early, with other inputs, with mended ones.

The batch is a plain model here: a ledger that knows the end of each item before the file does, and gives it again as
replayed in the next life.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from simstudio import ExecutionError, WorkflowExecutionResult
from simstudio.batch.formats import FileFormat, read_rows
from simstudio.batch.items import BatchItem
from simstudio.batch.ledger import Counts
from simstudio.batch.results import Results, lines_path
from tests.properties import examples

FOREIGN = b"what another program wrote\n"
STATES = st.sampled_from(["done", "done", "done", "failed", "unknown"])


LIVES = {
    "count": st.integers(0, 6),
    "ends": st.lists(STATES, min_size=6, max_size=6),
    "order": st.randoms(use_true_random=False),
    "rerun": st.booleans(),
}


class FakeEntry:
    """An entry of the fake ledger."""

    fingerprint = "known"

    def __init__(self, item: BatchItem) -> None:
        self._item = item
        self.state = item.state

    def to_item(self) -> BatchItem:
        return attrs.evolve(self._item, replayed=True)


class FakeLedger:
    """What :class:`Results` uses of a ledger."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.items: dict[int, BatchItem] = {}

    def recall(self, name: str) -> Any:
        return self.notes.get(name)

    def remember(self, name: str, value: Any) -> None:
        self.notes[name] = value

    def counts(self) -> Counts:
        return Counts(done=len(self.items))

    def entries(self, state: str | None = None) -> Any:
        return iter([FakeEntry(item) for _, item in sorted(self.items.items()) if state in (None, item.state)])


class ResultsMachine(RuleBasedStateMachine):
    @initialize(
        name=st.sampled_from(["r.jsonl", "r.jsonl", "r.jsonl", "r.csv", "r.jsonl.gz", "r.csv.gz"]),
        flat=st.booleans(),
        ordered=st.booleans(),
    )
    def begin(self, name: str, flat: bool, ordered: bool) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="results-"))
        self.path = self.root / name
        self.flat, self.ordered = flat, ordered
        self.ledger = FakeLedger()
        self.runs = 0
        self.path.write_bytes(FOREIGN)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    def item(self, index: int, state: str) -> BatchItem:
        self.runs += 1
        result = WorkflowExecutionResult(True, {"a": {"b": self.runs}}) if state == "done" else None
        error = None if state == "done" else ExecutionError(f"no {self.runs}")
        return BatchItem(index, {"n": index}, result, error, 1, 0.5, state, str(index), f"run-{self.runs}")  # type: ignore[arg-type]

    def results(self) -> Results:
        ledger: Any = self.ledger
        return Results(self.path, flat=self.flat, ordered=self.ordered, ledger=ledger)

    def life(self, count: int, ends: list[str], order: Any, rerun: bool, killed_before: int | None = None) -> Results:
        """Items of one run, up to the one before whose line the process is killed."""
        results = self.results()
        indexes = list(range(count))
        if not self.ordered:
            order.shuffle(indexes)
        for number, index in enumerate(indexes):
            known = self.ledger.items.get(index)
            if known is None or (rerun and known.state != "done"):
                item = self.ledger.items[index] = self.item(index, ends[index])
            else:
                item = attrs.evolve(known, replayed=True)
            if number == killed_before:
                break
            results.add(item)
        return results

    @rule(**LIVES, at=st.integers(0, 5), cut=st.integers(0, 40))
    def killed(self, count: int, ends: list[str], order: Any, rerun: bool, at: int, cut: int) -> None:
        """The process dies: its last line may be half written."""
        self.life(count, ends, order, rerun, at).close()
        path = lines_path(self.path)
        last = path.read_bytes().splitlines(keepends=True)[-1:] if path.exists() else []
        if last and last[0].startswith(b'{"index"'):
            with path.open("r+b") as file:
                file.truncate(path.stat().st_size - min(cut, len(last[0]) - 1))

    @rule(**LIVES, steps=st.integers(0, 3))
    def killed_at_its_end(self, count: int, ends: list[str], order: Any, rerun: bool, steps: int) -> None:
        """The process dies while the file is made of its lines."""
        results = self.life(count, ends, order, rerun)
        ending = results.finish(complete=True)
        for _ in range(steps):
            next(ending, None)
        ending.close()
        self.path.with_name(f"{self.path.name}.part").write_bytes(b"PAR")
        results.close()

    @rule(**LIVES, at=st.integers(0, 5))
    def ended_early(self, count: int, ends: list[str], order: Any, rerun: bool, at: int) -> None:
        results = self.life(count, ends, order, rerun, at)
        list(results.finish(complete=False))
        results.close()

        keys = [row["key"] for row in self.rows()]
        assert len(keys) == len(set(keys))

    @rule(**LIVES)
    def completed(self, count: int, ends: list[str], order: Any, rerun: bool) -> None:
        """Each item that the ledger knows is in the file once, as it ended last."""
        results = self.life(count, ends, order, rerun)
        list(results.finish(complete=True))
        results.close()

        if not count and self.ledger.items and not self.ledger.notes:
            assert self.path.read_bytes() == FOREIGN
            return
        rows = self.rows()
        assert sorted((int(row["index"]), row["state"], row["run_id"]) for row in rows) == [
            (index, item.state, item.run_id) for index, item in sorted(self.ledger.items.items())
        ]
        if self.ordered:
            assert [int(row["index"]) for row in rows][:count] == list(range(count))
        if lines_path(self.path) != self.path:
            assert not lines_path(self.path).exists()

    def rows(self) -> list[Any]:
        form = FileFormat.of(self.path)
        assert form is not None
        if self.path.read_bytes() == FOREIGN:
            return []
        return list(read_rows(self.path, form))


ResultsMachine.TestCase.settings = settings(
    max_examples=examples(40), stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestResultsMachine = ResultsMachine.TestCase
