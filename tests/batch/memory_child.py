"""A process of the tests of memory: ``python memory_child.py INPUTS ordered|unordered quick|slow [LEDGER]``.

It runs a batch whose executions cost nothing over so many inputs, and tells what that added to its memory. With a
ledger, that is filled first, and the batch is given everything from it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from fakes import Fake, options_of

from simstudio.batch.batch import Batch
from simstudio.batch.delivery import Outbox
from simstudio.batch.engine import Engine
from simstudio.batch.items import BatchItem, prepare
from simstudio.batch.ledger import Intent, Ledger
from simstudio.batch.pace import Pace
from simstudio.batch.sources import Relay
from simstudio.models.execution import WorkflowExecutionResult
from tests.memory import memory

WARM_UP = 5_000
CONCURRENCY = 200


class Sender(Fake):
    """Executes without a server; one input in a thousand takes longer, so that order costs something."""

    async def execute(self, value: Any, claim: str | None, queued: Any) -> WorkflowExecutionResult:
        for _ in range(50 if value["n"] % 1000 == 0 else 1):
            await asyncio.sleep(0)
        return WorkflowExecutionResult(True, {"n": value["n"], "text": "x" * 100})


def value(n: int) -> dict[str, Any]:
    return {"n": n, "text": "x" * 100}


def batch(count: int, *, ordered: bool, ledger: Ledger | None = None) -> Batch:
    def inputs() -> Iterator[dict[str, Any]]:
        for n in range(count):
            yield value(n)

    relay = Relay(inputs())

    def make(outbox: Outbox) -> Engine:
        pace = Pace(concurrency=CONCURRENCY)
        return Engine(
            sender=Sender(),  # type: ignore[arg-type]
            source=relay,
            outbox=outbox,
            pace=pace,
            options=options_of(ordered=ordered),
            ledger=ledger,
            total=count,
        )

    return Batch(make, lambda: None, relay)


def fill(path: str, count: int) -> None:
    """A ledger in which everything is done."""
    with opened(path) as ledger:
        for begin in range(0, count, 1000):
            prepared = [prepare(n, value(n)) for n in range(begin, min(begin + 1000, count))]
            ledger.intend([Intent(each) for each in prepared])
            for each in prepared:
                result = WorkflowExecutionResult(True, each.input)
                ledger.finish(BatchItem(each.index, each.input, result, key=each.key, attempts=1))


def opened(path: str) -> Ledger:
    return Ledger.open(path, workflow_id="wf", mode="sync", api_version="v1")


def consume(count: int, *, ordered: bool, slow: bool, ledger: Ledger | None = None) -> int:
    """Take everything; a slow consumer takes the next thousand only when no more can be waiting for it."""
    taken = 0
    running = batch(count, ordered=ordered, ledger=ledger)
    for item in running:
        taken += item.ok
        if slow and taken % 1000 == 1:
            wait_until_it_stands(running)
    return taken


def wait_until_it_stands(running: Batch) -> None:
    seen = -1
    while seen != running.progress.finished:
        seen = running.progress.finished
        time.sleep(0.002)


def main() -> None:
    count, ordered, slow = int(sys.argv[1]), sys.argv[2] == "ordered", sys.argv[3] == "slow"
    consume(WARM_UP, ordered=ordered, slow=False)
    ledger = None
    if len(sys.argv) > 4:
        fill(sys.argv[4], count)
        ledger = opened(sys.argv[4])
    before = memory("VmRSS")
    began = time.process_time()
    taken = consume(count, ordered=ordered, slow=slow, ledger=ledger)
    spent = time.process_time() - began
    print(json.dumps({"taken": taken, "added": memory("VmHWM") - before, "each": spent / count}))


if __name__ == "__main__":
    main()
