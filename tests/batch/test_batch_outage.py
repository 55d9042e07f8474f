"""A server that goes away in the middle of a batch: what was not sent waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim
from simstudio.batch import outage as module
from simstudio.batch.ledger import status
from simstudio.batch.outage import Outage, is_miss
from simstudio.batch.progress import Progress
from simstudio.sandbox import RateLimits, Sandbox

REFUSED = sim.APIConnectionError("refused", sent=False)
BROKEN = sim.APIConnectionError("broken")
GATEWAY = sim.ServerError("bad gateway", status=502)
LATE = sim.APITimeoutError("late")


# -- what is a miss ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "miss"),
    [
        (REFUSED, True),
        (BROKEN, True),
        (sim.APIConnectionError("refused, of Oomol", status=0, sent=False), True),
        (sim.APITimeoutError("no connection", sent=False), True),
        (GATEWAY, True),
        (sim.ServerError("at capacity", status=503), True),
        (LATE, False),
        (sim.ServerError("the workflow failed", status=500), False),
        (sim.NotFoundError("no such workflow", status=404), False),
        (sim.RateLimitError("slow down", status=429), False),
        (sim.InvalidInputError("no JSON"), False),
        (sim.SimStudioError("of a middleware"), False),
    ],
    ids=str,
)
def test_what_says_that_nobody_was_there(error: sim.SimStudioError, miss: bool) -> None:
    assert is_miss(error) is miss


# -- when it begins and ends -------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gone(clock: Clock) -> Outage:
    """One that was reached before."""
    outage = Outage(clock, patience=60)
    outage.record()
    return outage


@pytest.mark.parametrize("missed", [REFUSED, sim.APIConnectionError("refused, of Oomol", status=0, sent=False)])
def test_an_address_where_nobody_ever_was_is_no_outage(missed: sim.SimStudioError, clock: Clock) -> None:
    outage = Outage(clock)
    for _ in range(100):
        outage.record(missed)
    assert (outage.since, outage.reached) == (None, False)


@pytest.mark.parametrize("answer", [sim.NotFoundError("none", status=404), sim.ExecutionError("Boom")])
def test_an_error_that_is_an_answer_shows_that_the_server_is_there(clock: Clock, answer: sim.SimStudioError) -> None:
    outage = Outage(clock)
    outage.record(answer)
    assert outage.reached


def test_it_takes_several_misses_in_a_row(gone: Outage) -> None:
    for _ in range(10):
        gone.record(REFUSED)
        gone.record(BROKEN)
        assert gone.since is None
        gone.record()
    for error in (REFUSED, GATEWAY, BROKEN):
        assert gone.since is None
        gone.record(error)
    assert gone.since == 0.0


@pytest.mark.parametrize("error", [LATE, sim.InvalidInputError("no JSON"), sim.SimStudioError("a bug")])
def test_what_says_nothing_of_the_server_counts_neither_way(gone: Outage, error: sim.SimStudioError) -> None:
    for answer in (REFUSED, error, REFUSED, error, REFUSED):
        gone.record(answer)
    assert gone.since is not None


@pytest.mark.parametrize("answer", [None, sim.NotFoundError("no", status=404), sim.ServerError("no", status=500)])
def test_any_answer_ends_it(gone: Outage, clock: Clock, answer: sim.SimStudioError | None) -> None:
    for _ in range(3):
        gone.record(REFUSED)
    clock.now = 5.0
    assert gone.duration == 5.0
    gone.record(answer)
    assert (gone.since, gone.duration) == (None, 0.0)


def test_the_server_is_asked_at_once_and_then_less_and_less_often(gone: Outage) -> None:
    for _ in range(3):
        gone.record(REFUSED)
    pauses = [gone.next_probe() for _ in range(12)]
    assert pauses[0] == 0.0
    assert 0.3 <= pauses[1] <= 0.7
    assert all(10 <= pause <= 20 for pause in pauses[8:])


def test_a_workflow_that_apologises_like_a_gateway_holds_up_less_and_less(gone: Outage) -> None:
    """A Response block may answer 503 each time: the server is there, and says so when it is asked."""
    needed = []
    for _ in range(5):
        misses = 0
        while gone.since is None:
            gone.record(sim.ServerError("of a block", status=503))
            misses += 1
        needed.append(misses)
        gone.next_probe()
        gone.record()
    assert needed == [3, 6, 12, 24, 48]


def test_one_that_lasts_too_long_ends_the_batch_and_says_why(gone: Outage, clock: Clock) -> None:
    for _ in range(3):
        gone.record(REFUSED)
    clock.now = 59.9
    gone.check()
    clock.now = 60.0
    with pytest.raises(sim.APIConnectionError, match=r"not reached for 60 s.+same ledger goes on.+refused") as caught:
        gone.check()
    assert not caught.value.sent


# -- batches -----------------------------------------------------------------------------------------------------


class Restarted:
    """A server whose port closes in the middle of a batch, and opens again."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ran: list[int] = []
        sandbox.workflow("work")(self._work)
        self._serving = sandbox.serve()
        server = self._serving.__enter__()
        self.url, self.port, self.key = server.base_url, int(server.base_url.rpartition(":")[2]), sandbox.api_key

    async def _work(self, input: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.005)
        self.ran.append(input["n"])
        return input

    def stop(self) -> None:
        self._serving.__exit__(None, None, None)

    def start(self) -> None:
        self._serving = self.sandbox.serve(port=self.port)
        self._serving.__enter__()


@pytest.fixture
def server() -> Iterator[Restarted]:
    server = Restarted(Sandbox(generation="v0.6", rate_limits=RateLimits(60_000, 60_000, 60_000)))
    yield server
    server.stop()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions follow soon after one another."""
    monkeypatch.setattr(Outage, "next_probe", lambda self: 0.02)


@pytest.mark.external
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_was_not_sent_waits_for_a_server_that_restarts(
    version: str, asynchronous: bool, server: Restarted, tmp_path: Path
) -> None:
    path, inputs, shown = tmp_path / "runs.sqlite", [{"n": n} for n in range(60)], []
    starting: list[threading.Thread] = []

    def look(progress: Progress) -> None:
        shown.append(str(progress))
        if "waiting for it" in shown[-1] and not starting:
            starting.append(threading.Thread(target=server.start))
            starting[0].start()

    def stop(item: sim.BatchItem) -> None:
        if item.index == 10:
            server.stop()

    options: dict[str, Any] = {"concurrency": 10, "ledger": path, "progress": look, "on_result": stop}
    if asynchronous:

        async def run() -> list[sim.BatchItem]:
            async with sim.AsyncSimStudioClient(server.key, server.url, api_version=version) as client:
                return [item async for item in client.workflows.map("work", inputs, **options)]

        items = asyncio.run(run())
    else:
        with sim.SimStudioClient(server.key, server.url, api_version=version) as client:
            items = list(client.workflows.map("work", inputs, **options))

    for thread in starting:
        thread.join()
    states = [item.state for item in items]
    assert all("was restarted" in str(item.error) for item in items if item.state == "failed")  # it said so itself
    assert states.count("unknown") + states.count("failed") <= 10  # what was under way when the port closed
    assert version == "v1" or "unknown" not in states
    assert len(items) == 60
    assert any("waiting for it" in line for line in shown)
    assert "waiting for it" not in shown[-1]
    assert status(path).done == states.count("done")


@pytest.mark.external
@pytest.mark.usefixtures("quick")
def test_one_that_does_not_come_back_ends_the_batch_and_nothing_is_burnt(
    server: Restarted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    monkeypatch.setattr(Outage.__init__, "__defaults__", (0.2,))
    path = tmp_path / "runs.sqlite"

    def stop(item: sim.BatchItem) -> None:
        if item.index == 40:
            server.stop()

    inputs = [{"n": n} for n in range(400)]
    with sim.SimStudioClient(server.key, server.url) as client:
        with pytest.raises(sim.APIConnectionError, match="same ledger goes on"):
            client.workflows.map("work", inputs, concurrency=10, ledger=path, on_result=stop).run()
        found = status(path)
        assert (found.failed, found.sending) == (0, 0)
        server.start()
        progress = client.workflows.map("work", inputs, concurrency=10, ledger=path).run()
    assert progress.done + progress.unknown == 400
    assert progress.unknown == found.unknown


@pytest.mark.external
@pytest.mark.usefixtures("quick")
def test_ctrl_c_does_not_wait_for_the_server(server: Restarted) -> None:
    def inputs() -> Iterator[dict[str, int]]:
        for n in range(100):
            yield {"n": n}

    gone = threading.Event()

    def stop(item: sim.BatchItem) -> None:
        if item.index == 5:
            server.stop()
            gone.set()

    with sim.SimStudioClient(server.key, server.url) as client:
        batch = client.workflows.map("work", inputs(), concurrency=2, on_result=stop)
        next(batch)
        gone.wait(10)
        end = time.monotonic() + 10
        while not batch.progress.away and time.monotonic() < end:
            time.sleep(0.005)
        batch.close()
        assert batch.progress.over
    server.start()


def test_a_server_that_never_was_there_is_told_at_once(tmp_path: Path) -> None:
    with (
        sim.SimStudioClient("key", "http://127.0.0.1:9", max_retries=0) as client,
        pytest.raises(sim.APIConnectionError) as caught,
    ):
        client.workflows.map("work", [{"n": 1}] * 20, ledger=tmp_path / "runs.sqlite").run()
    assert "127.0.0.1:9" in str(caught.value)


@pytest.mark.external
@pytest.mark.usefixtures("quick")
def test_queued_runs_are_asked_for_again_when_the_server_is_back(
    server: Restarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simstudio.core.polling import Poller, PollSchedule

    monkeypatch.setattr("simstudio.resources.jobs.Jobs.poller", Poller(PollSchedule(initial=0.01, maximum=0.01)))

    def restart(item: sim.BatchItem) -> None:
        if item.index == 10:
            server.stop()
            threading.Timer(0.3, server.start).start()

    with sim.SimStudioClient(server.key, server.url) as client:
        inputs = [{"n": n} for n in range(60)]
        items = list(client.workflows.map("work", inputs, mode="async", concurrency=10, on_result=restart))
    assert all("was restarted" in str(item.error) for item in items if item.state == "failed")  # it said so itself
    assert len(items) == 60
