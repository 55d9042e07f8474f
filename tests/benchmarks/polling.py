"""How late the end of a job is seen, and how many questions that takes: ``client.workflows.run`` on a simulated clock.

Workflows whose typical durations lie evenly over the orders of magnitude from 0.1 s to 10 min run many times each,
every run taking up to 20 % more or less. The same runs are waited for at fixed intervals (``poll_interval=``, the first
question at once, as always) and as the client does by itself. The first run of each workflow counts too, and is shown
alone: of it nothing is known. Nothing here is random but by a seed, and no time passes: the numbers are the same on
every machine.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import attrs

from tests.benchmarks.measures import Row

SHORTEST, LONGEST = 0.1, 600.0
WORKFLOWS = 150
RUNS = 20
ANSWER = {"success": True, "taskId": "job", "status": "queued"}


@attrs.frozen
class Found:
    """Of many runs.

    Attributes:
        delay: Seconds from a job's end to the answer that tells of it, on average.
        questions: Questions a job, on average.
    """

    delay: float
    questions: float

    def __str__(self) -> str:
        return f"{self.delay:.2f} s, {self.questions:.1f} requests"


class Server:
    """A wire to a server whose jobs take what they are told, on a clock that only sleeping moves."""

    def __init__(self) -> None:
        from simstudio import Headers

        self.now = 0.0
        self.ends = 0.0
        self.takes = 0.0
        self.questions = 0
        self._headers = Headers.decode([(b"content-type", b"application/json")])

    def send(self, request: Any) -> Any:
        from simstudio import Response

        if request.method == "POST":
            self.ends, self.questions = self.now + self.takes, 0
            return Response(202, self._headers, json.dumps(ANSWER).encode(), request.method, request.url, 1)
        self.questions += 1
        body: dict[str, Any] = {"taskId": "job", "status": "processing"}
        if self.now >= self.ends:
            body = {"taskId": "job", "status": "completed", "output": {"success": True, "output": {}}}
        return Response(200, self._headers, json.dumps(body).encode(), request.method, request.url, 1)

    def close(self) -> None: ...

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@contextmanager
def simulated() -> Iterator[tuple[Any, Server]]:
    """A client whose wire and clock are simulated."""
    import simstudio.transport.flow as flow
    from simstudio import SimStudioClient
    from simstudio.core.polling import Poller
    from tests.driving import context_of

    server = Server()
    client = SimStudioClient("key", "http://127.0.0.1:1")
    context_of(client).session.sync_wire.use(server)
    client.jobs.poller = Poller(clock=lambda: server.now, random=random.Random(1).random)
    real, flow.time = flow.time, SimpleNamespace(sleep=server.sleep, monotonic=lambda: server.now)
    try:
        yield client, server
    finally:
        flow.time = real


def workload(vary: Callable[[random.Random], float]) -> list[list[float]]:
    """What the runs of each workflow take."""
    chance = random.Random(2)
    ratio = LONGEST / SHORTEST
    typical = [SHORTEST * ratio ** ((number + 0.5) / WORKFLOWS) for number in range(WORKFLOWS)]
    return [[seconds * vary(chance) for _ in range(RUNS)] for seconds in typical]


def wait_for(runs: list[list[float]], poll_interval: float | None = None) -> tuple[Found, Found]:
    """Of all runs, and of the first of each workflow."""
    late: list[list[float]] = []
    asked: list[list[int]] = []
    with simulated() as (client, server):
        for number, durations in enumerate(runs):
            late.append([])
            asked.append([])
            for server.takes in durations:
                client.workflows.run(f"wf{number}", {}, timeout=None, poll_interval=poll_interval)
                late[-1].append(server.now - server.ends)
                asked[-1].append(server.questions)
    return (
        Found(_mean([x for row in late for x in row]), _mean([x for row in asked for x in row])),
        Found(_mean([row[0] for row in late]), _mean([row[0] for row in asked])),
    )


def _mean(values: list[Any]) -> float:
    return sum(values) / len(values)


def _by_a_fifth(chance: random.Random) -> float:
    return chance.uniform(0.8, 1.2)


def _wildly(chance: random.Random) -> float:
    """A lognormal spread of 20 %; one run of twenty fails early, one of twenty takes two to four times as long."""
    kind = chance.random()
    if kind < 0.05:
        return chance.uniform(0.01, 0.5)
    return chance.uniform(2, 4) if kind < 0.1 else chance.lognormvariate(0, 0.2)


def job_detection() -> list[Row]:
    """Better on both counts than a fixed 2 s and a fixed 5 s poll; and the first run of a workflow than the latter."""
    rows: list[Row] = []
    alone: list[Row] = []
    for what, vary in (("±20 %", _by_a_fifth), ("±20 %, one run in ten far off", _wildly)):
        runs = workload(vary)
        (own, first), (two, _), (five, first_five) = wait_for(runs), wait_for(runs, 2.0), wait_for(runs, 5.0)
        name = f"job seen done, workflows of 0.1 s–10 min that run again ({what})"
        detail = f"{own}; every 2 s: {two}; every 5 s: {five}"
        rows.append(Row(f"{name}: delay ÷ 2 s poll's", own.delay / two.delay, 0.99, "", detail))
        rows.append(Row(f"{name}: requests ÷ 5 s poll's", own.questions / five.questions, 0.99, "", detail))
        assert two.delay < five.delay
        assert two.questions > five.questions
        if vary is _by_a_fifth:
            name = "the same, first run of each only, of which nothing is known"
            detail = f"{first}; every 5 s: {first_five}"
            alone = [
                Row(f"{name}: delay ÷ 5 s poll's", first.delay / first_five.delay, 0.99, "", detail),
                Row(f"{name}: requests ÷ 5 s poll's", first.questions / first_five.questions, 0.99, "", detail),
            ]
    return rows + alone


MEASURES = (job_detection,)
