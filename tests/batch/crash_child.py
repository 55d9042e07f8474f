"""A process of the crash tests: ``python crash_child.py`` runs a batch in a child for each line of JSON that it reads.

It forks them, with everything imported: a batch process costs milliseconds, and fifty of them can be killed.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

import httpx  # noqa: F401 - imported before the fork

import simstudio.resources.batch_execution
import simstudio.resources.jobs
import simstudio.resources.v2.execution
from simstudio import SimStudioClient
from simstudio.batch import batch, engine, pace, plan, sender  # noqa: F401 - as above
from simstudio.batch.items import Prepared
from simstudio.batch.ledger import Entry, Ledger
from simstudio.core.polling import Poller, PollSchedule


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def say_when_it_begins() -> None:
    """Say so at the first question to the ledger: the connection is open, and nothing was sent."""
    find = Ledger.find

    def first(ledger: Ledger, prepared: Prepared) -> Entry | None:
        Ledger.find = find  # type: ignore[method-assign]
        say("begun", os.getpid())
        return find(ledger, prepared)

    Ledger.find = first  # type: ignore[method-assign]


def run(command: dict[str, Any]) -> None:
    quick = Poller(PollSchedule(initial=0.01, maximum=0.02))
    simstudio.resources.jobs.Jobs.poller = quick  # type: ignore[assignment, method-assign]
    simstudio.resources.v2.execution.Poller = lambda **_: quick  # type: ignore[assignment, misc]
    inputs = [{"n": n} for n in range(command.pop("inputs"))]
    states = dict.fromkeys(("done", "failed", "unknown"), 0)
    with SimStudioClient(**command.pop("client")) as client:
        say_when_it_begins()
        for item in client.workflows.map("work", inputs, **command):
            states[item.state] += 1
    say("over", json.dumps(states))


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(json.loads(line))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        _, end = os.waitpid(child, 0)
        say("ended", os.waitstatus_to_exitcode(end))


if __name__ == "__main__":
    main()
