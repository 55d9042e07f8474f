"""A process of the crash tests: ``python crash_child.py`` runs a batch in a child for each line of JSON that it reads.

It forks them, with everything imported: a batch process costs milliseconds, and fifty of them can be killed.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import httpx  # noqa: F401 - imported before the fork

import simstudio.resources.batch_execution
import simstudio.resources.jobs
import simstudio.resources.v2.execution
from simstudio import SimStudioClient
from simstudio.batch import batch, engine, pace, plan, sender  # noqa: F401 - as above
from simstudio.batch.items import Prepared
from simstudio.batch.ledger import Entry, Ledger
from simstudio.batch.result_lines import ResultLines
from simstudio.batch.results import Results
from simstudio.core.disk import PartialFile
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


def kill_self(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_in_the_middle_of_a_line() -> None:
    """At the 40th line of results."""
    write, count = os.write, itertools.count(1)

    def half(fd: int, data: Any) -> int:
        if bytes(data[:9]) == b'{"index":' and next(count) == 40:
            write(fd, bytes(data)[: len(data) // 2])
            kill_self()
        return write(fd, data)

    os.write = half


def kill_in_the_middle_of_the_file() -> None:
    """While CSV, Parquet or gzip is made of the lines."""
    converted = Results._row
    count = itertools.count(1)

    def row(results: Results, *given: Any) -> Any:
        if next(count) == 40:
            kill_self()
        return converted(results, *given)

    Results._row = row  # type: ignore[method-assign]


def kill_before_the_note() -> None:
    Ledger.remember = kill_self  # type: ignore[method-assign]


def kill_before_the_file_appears() -> None:
    PartialFile.replace_target = kill_self  # type: ignore[method-assign]


def kill_before_the_lines_are_removed() -> None:
    ResultLines.remove = kill_self  # type: ignore[method-assign]


PLACES: dict[str, Callable[[], None]] = {
    "line": kill_in_the_middle_of_a_line,
    "note": kill_before_the_note,
    "file": kill_in_the_middle_of_the_file,
    "replace": kill_before_the_file_appears,
    "remove": kill_before_the_lines_are_removed,
}


def run(command: dict[str, Any]) -> None:
    quick = Poller(PollSchedule(initial=0.01, maximum=0.02))
    simstudio.resources.jobs.Jobs.poller = quick  # type: ignore[assignment, method-assign]
    simstudio.resources.v2.execution.Poller = lambda **_: quick  # type: ignore[assignment, misc]
    inputs = [{"n": n} for n in range(command.pop("inputs"))]
    place = command.pop("place", None)
    if place is not None:
        PLACES[place]()
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
