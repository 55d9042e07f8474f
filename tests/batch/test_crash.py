"""Batches that are killed with ``kill -9``, again and again, and go on: judged by what the server counted.

Each test lets one ledger live through :data:`KILLS` killed processes. The moments are uniform over the run (the order
statistics of one uniform draw: each process lives from one to the next), and every kill is made: the inputs are so many
that the batch cannot be over before the last.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from crashes import CONCURRENCY, LONGEST, SHORTEST, Processes, Server
from ledgers import intact

from simstudio.batch.ledger import Entry, LedgerView

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither fork nor SIGKILL"),
]

KILLS = 14
"""Of each of the four ways to run: 56 in all."""
SEED = 20261120


@attrs.define
class Story:
    """What happened to a ledger that was killed :data:`KILLS` times.

    Attributes:
        fell: Of each state, how many kills found an item in it that the process had brought there, or waited for.
        queued: What any kill found queued on the server.
        last: What the ledger knows after the last kill.
    """

    processes: Processes
    server: Server
    path: Path
    inputs: int
    fell: Counter[str] = attrs.field(factory=Counter)
    queued: set[int] = attrs.field(factory=set)
    last: dict[int, Entry] = attrs.field(factory=dict)

    def live(self, seed: int) -> None:
        chance = random.Random(seed)
        # what cannot be over before its end: each kill may make as many items unknown as were under way
        span = 0.9 * (self.inputs - CONCURRENCY * (KILLS + 1)) * (SHORTEST + LONGEST) / 2 / CONCURRENCY
        moments = sorted(chance.uniform(0, span) for _ in range(KILLS))
        for before, moment in zip([0.0, *moments], moments, strict=False):
            self.processes.kill(moment - before)
            self._look()

    def _look(self) -> None:
        assert intact(self.path)
        known = self.known()
        changed = [entry for index, entry in known.items() if _moved(self.last.get(index), entry)]
        waited_for = [entry for entry in known.values() if entry.state == "submitted"]
        self.queued |= {entry.index for entry in waited_for}
        self.fell.update({entry.state for entry in (*changed, *waited_for)})
        assert set(self.server.begun) <= set(known), "something ran that the ledger does not know of"
        for index, entry in self.last.items():
            if entry.state == "done":
                assert known[index] == entry, "what was done has changed"
        self.last = known

    def known(self) -> dict[int, Entry]:
        with LedgerView(self.path) as view:
            return {entry.index: entry for entry in view.entries()}

    def report(self) -> str:
        fell = ", ".join(f"{self.fell[state]} {state}" for state in ("sending", "submitted", "done"))
        return f"{KILLS} kills of which fell on items that were: {fell} (seed {SEED})"


def _moved(before: Entry | None, now: Entry) -> bool:
    return before is None or (before.state, before.started_at, before.ended_at) != (
        now.state,
        now.started_at,
        now.ended_at,
    )


@pytest.fixture
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Story]:
    """A ledger after its kills, before anything else."""
    version, mode = request.param
    counting, path, inputs = Server(), tmp_path / "runs.sqlite", 220
    if mode == "async":  # else a request is answered too soon for a kill to fall on it
        counting.sandbox.faults.add(latency=0.03, times=None, path="*/execute")
    with counting.sandbox.serve() as server:
        processes = Processes(server, path, inputs, version, mode)
        made = Story(processes, counting, path, inputs)
        try:
            made.live(SEED)
            print(made.report())
            yield made
        finally:
            processes.close()


def ran_once(story: Story) -> None:
    """Each input was executed exactly once and is known with its own output."""
    known = story.known()
    assert sorted(known) == list(range(story.inputs)), story.report()
    assert {entry.state for entry in known.values()} == {"done"}, story.report()
    assert all(entry.output == {"square": index**2} for index, entry in known.items()), story.report()
    assert story.server.begun == Counter(range(story.inputs)), story.report()


@pytest.mark.parametrize("story", [("v1", "sync")], indirect=True)
def test_a_killed_batch_of_v1_reports_what_may_have_run_and_runs_the_rest_once(story: Story) -> None:
    assert min(story.fell["sending"], story.fell["done"]) >= 3, story.report()

    states = story.processes.run()

    begun = story.server.begun.copy()
    known = story.known()
    unknown = {index for index, entry in known.items() if entry.state == "unknown"}
    assert states == {"done": story.inputs - len(unknown), "failed": 0, "unknown": len(unknown)}
    assert sorted(known) == list(range(story.inputs)), story.report()
    for index, entry in known.items():
        if index in unknown:
            assert begun[index] <= 1, story.report()
        else:
            assert (entry.output, begun[index]) == ({"square": index**2}, 1), story.report()
    assert story.processes.run() == states
    assert story.server.begun == begun, "a batch that had come to its end sent something"

    assert story.processes.rerun() == {"done": story.inputs, "failed": 0, "unknown": 0}

    assert story.server.begun == begun + Counter(unknown), story.report()
    assert all(entry.output == {"square": index**2} for index, entry in story.known().items())


@pytest.mark.parametrize("story", [("v1", "async")], indirect=True)
def test_a_killed_batch_of_v1_jobs_waits_for_what_was_queued(story: Story) -> None:
    assert min(story.fell[state] for state in ("sending", "submitted", "done")) >= 3, story.report()

    story.processes.run()

    begun = story.server.begun.copy()
    known = story.known()
    unknown = {index for index, entry in known.items() if entry.state == "unknown"}
    assert not unknown & story.queued, story.report()
    assert sorted(known) == list(range(story.inputs)), story.report()
    for index, entry in known.items():
        if index in unknown:
            assert begun[index] <= 1, story.report()
        else:
            assert (entry.output, begun[index]) == ({"square": index**2}, 1), story.report()

    assert story.processes.rerun() == {"done": story.inputs, "failed": 0, "unknown": 0}

    assert story.server.begun == begun + Counter(unknown), story.report()


@pytest.mark.parametrize("story", [("v2", "sync"), ("v2", "async")], indirect=True, ids=["sync", "async"])
def test_a_killed_batch_of_v2_runs_everything_exactly_once(story: Story) -> None:
    assert min(story.fell["sending"], story.fell["done"]) >= 3, story.report()

    assert story.processes.run() == {"done": story.inputs, "failed": 0, "unknown": 0}

    ran_once(story)
