"""A request that is in no cassette is vcrpy's own error, unchanged, whatever would have been done with an answer."""

from __future__ import annotations

from typing import Any

import pytest
from vcr.errors import CannotOverwriteExistingCassetteException

from simstudio.core.polling import Poller, PollSchedule
from simstudio.testing import NetworkBlockedError, assert_all_played, block_network
from tests.integration.replaying import V06, cassette, of, play, read, run, workflow_of
from tests.modes import both_modes
from tests.recorded import recording

EXECUTED = recording(V06, 1)
WORKFLOW = workflow_of(EXECUTED)
HI = {"message": "hi", "count": 21}


def read_whole(client: Any) -> Any:
    return read(client.workflows.stream(WORKFLOW, HI))


CALLS = {
    "workflows.execute": lambda client: client.workflows.execute(WORKFLOW, {"message": "other"}),
    "workflows.submit": lambda client: client.workflows.submit(WORKFLOW, {"message": "other"}),
    "workflows.run": lambda client: client.workflows.run(WORKFLOW, {"message": "other"}),
    "workflows.stream": read_whole,
    "workflows.status": lambda client: client.workflows.status(WORKFLOW),
    "workflows.validate": lambda client: client.workflows.validate(WORKFLOW),
    "workflows.cancel": lambda client: client.workflows.cancel(WORKFLOW, "e"),
    "jobs.get": lambda client: client.jobs.get("run_1"),
    "jobs.wait": lambda client: client.jobs.wait("run_1"),
    "usage.limits": lambda client: client.usage.limits(),
    "request": lambda client: client.request("GET", "/api/workflows"),
    "execute_workflow": lambda client: client.execute_workflow(WORKFLOW, {"message": "other"}),
    "execute_workflow, streamed": lambda client: client.execute_workflow(WORKFLOW, HI, stream=True),
    "execute_workflow, queued": lambda client: client.execute_workflow(WORKFLOW, {}, async_execution=True),
    "execute_with_retry": lambda client: client.execute_with_retry(WORKFLOW, {"message": "other"}),
    "get_workflow_status": lambda client: client.get_workflow_status(WORKFLOW),
    "validate_workflow": lambda client: client.validate_workflow(WORKFLOW),
    "get_job_status": lambda client: client.get_job_status("run_1"),
    "get_usage_limits": lambda client: client.get_usage_limits(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_mismatch_surfaces_as_itself(mode, call):
    with pytest.raises(CannotOverwriteExistingCassetteException) as raised:
        play(mode, EXECUTED, call, played=False)

    assert type(raised.value) is CannotOverwriteExistingCassetteException
    assert EXECUTED.file.name in str(raised.value)


@both_modes
@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda client: client.workflows.execute(WORKFLOW, {"message": "other", "count": 21}), '"message": "other"'),
        (lambda client: client.workflows.execute("elsewhere", HI), "/api/workflows/elsewhere/execute"),
        (lambda client: client.request("PUT", EXECUTED.path, json=HI), "PUT"),
        (lambda client: client.request("POST", f"{EXECUTED.path}?a=1", json=HI), "a=1"),
    ],
    ids=["body", "path", "method", "query"],
)
def test_it_tells_what_differs(mode, call, text):
    with pytest.raises(CannotOverwriteExistingCassetteException) as raised:
        play(mode, EXECUTED, call, played=False)

    assert text in str(raised.value)


@both_modes
def test_an_exchange_is_not_played_twice(mode):
    def script(client):
        yield client.workflows.execute(WORKFLOW, HI)
        yield client.workflows.execute(WORKFLOW, HI)

    with pytest.raises(CannotOverwriteExistingCassetteException):
        play(mode, EXECUTED, script)


@both_modes
def test_a_mismatch_in_the_middle_of_waiting_is_not_borne_as_a_failed_question(mode):
    first, *_ = of(V06, 55)

    def script(client):
        client.jobs.poller = Poller(schedule=PollSchedule(initial=0.001, maximum=0.001))
        return client.jobs.wait(first.path.rpartition("/")[2])

    with pytest.raises(CannotOverwriteExistingCassetteException):
        play(mode, first, script)


def test_a_cassette_that_is_not_played_to_its_end_is_told(mode):
    exchanges = of(V06, 55, 56)

    with pytest.raises(AssertionError, match=r"1 of 2 exchanges .* were replayed"):
        play(mode, exchanges, lambda client: client.jobs.get(exchanges[0].path.rpartition("/")[2]))


@both_modes
def test_without_a_cassette_nothing_leaves_the_machine(mode):
    with block_network(), pytest.raises(NetworkBlockedError, match=r"sim\.ai"):
        run(mode, lambda client: client.usage.limits(), base_url="https://sim.ai")


@both_modes
def test_a_cassette_serves_any_base_address(mode):
    recorded = EXECUTED

    with cassette([recorded]) as tape, block_network(loopback=False):
        result = run(mode, lambda client: client.workflows.execute(WORKFLOW, HI), base_url="https://sim.example.com")
        assert_all_played(tape)

    assert result.success
