"""With a seed, ids, times and durations are the same in every run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simstudio.sandbox import Context, Sandbox

from .calls import Caller, Serve


def answers(call: Caller, *, polls: int = 0) -> list[object]:
    """What requests of several kinds are answered with, ids, dates and durations included."""
    workspace = {"workspaceId": call.sandbox.workspace_id}
    found = [call.execute("stores", {"name": "Ada"}).json()]
    job = call.submit("hello")
    for _ in range(polls):
        call.job(job["jobId"])
    table = call.http.post(
        "/api/v2/tables", json={**workspace, "name": "t", "schema": {"columns": [{"name": "a", "type": "string"}]}}
    ).json()
    return [*found, job, call.finished_job(job["jobId"]), table, call.http.get("/api/v2/logs", params=workspace).json()]


def seeded(seed: int) -> Sandbox:
    sandbox = Sandbox(seed=seed, public_url="http://sim.test")

    @sandbox.workflow("stores")
    def stores(input: dict[str, str], context: Context) -> dict[str, object]:
        with context.step("Step"):
            return context.save_file("a.txt", b"abc")

    return sandbox


def test_the_same_requests_get_the_same_answers_however_often_a_job_is_polled(serve: Serve) -> None:
    first, second, other = (answers(serve(seeded(seed)), polls=polls) for seed, polls in ((7, 0), (7, 5), (8, 0)))

    assert json.dumps(first) == json.dumps(second)
    assert json.dumps(first) != json.dumps(other)


def test_a_reset_begins_again(serve: Serve) -> None:
    call = serve(seeded(7))
    first = answers(call)
    call.server.reset()

    assert answers(call) == first


def test_its_clock_moves_with_requests_that_change_something_and_by_hand(serve: Serve) -> None:
    call = serve(Sandbox(seed=1))
    times = [call.execute("hello").json()["metadata"]["startTime"]]
    call.http.get("/api/users/me/usage-limits")
    times.append(call.execute("hello").json()["metadata"]["startTime"])
    call.sandbox.clock.advance(60)
    times.append(call.execute("hello").json()["metadata"]["startTime"])

    assert times == ["2026-01-01T00:00:00.001Z", "2026-01-01T00:00:00.002Z", "2026-01-01T00:01:00.003Z"]


def test_a_restart_with_a_state_goes_on_with_other_ids(serve: Serve, tmp_path: Path) -> None:
    def create(name: str) -> list[str]:
        call = serve(Sandbox(seed=7, state=tmp_path / "state.db"))
        workspace = call.sandbox.workspace_id
        made = call.http.post("/api/v2/workflows", json={"workspaceId": workspace, "name": name})
        assert made.status_code == 201
        found = [each.name for each in call.sandbox._definitions.all_of(workspace)]
        call.server.close()
        return found

    create("first")
    assert {"first", "second"} <= {*create("second")}


@pytest.mark.parametrize("seed", [None, 7])
def test_ids_differ_from_each_other(serve: Serve, seed: int | None) -> None:
    call = serve(Sandbox(seed=seed))

    assert len({call.execute("hello").json()["executionId"] for _ in range(5)}) == 5
