"""Runs of v2: listed, read, cancelled, resumed, their files downloaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simstudio.sandbox import Block, Context, Pause, Sandbox
from simstudio.sandbox.sqlite import SQLiteStore

from .calls import Caller, Serve
from .hitl_scenes import until


def execute(call: Caller, workflow: str, body: dict | None = None, **headers: str) -> dict:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = call.http.post(f"/api/v2/workflows/{workflow}/execute", json=body or {}, headers=names)
    assert answer.status_code < 300, answer.text
    return answer.json()["data"] if "data:" not in answer.text[:5] else {"runId": answer.headers["x-run-id"]}


def get(call: Caller, path: str, **query: str) -> httpx.Response:
    return call.http.get(f"/api/v2/workflows/{path}", params=query)


def run_of(call: Caller, workflow: str, run_id: str, **query: str) -> dict:
    answer = get(call, f"{workflow}/runs/{run_id}", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def listed(call: Caller, workflow: str = "hello", **query: str) -> list[str]:
    answer = get(call, f"{workflow}/runs", **query)
    assert answer.status_code == 200, answer.text
    return [run["runId"] for run in answer.json()["data"]]


def post(call: Caller, path: str, body: dict | None = None) -> httpx.Response:
    return call.http.post(f"/api/v2/workflows/{path}", json=body)


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


class Clock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def ticking(serve: Serve) -> Caller:
    return serve(Sandbox(clock=Clock()))


# Reading


def test_a_run_is_told_in_full(call: Caller) -> None:
    run_id = execute(call, "hello")["runId"]
    run = run_of(call, "hello", run_id)
    assert (run["runId"], run["workflowId"], run["status"], run["trigger"]) == (run_id, "hello", "completed", "api")
    assert {key: run[key] for key in ("paused", "error", "output", "blockOutputs", "files")} == {
        "paused": None,
        "error": None,
        "output": None,
        "blockOutputs": None,
        "files": None,
    }
    assert run["cost"] == {"total": 0}
    assert isinstance(run["durationMs"], int)


def test_its_output_is_there_when_asked_for(call: Caller) -> None:
    run_id = execute(call, "hello")["runId"]
    run = run_of(call, "hello", run_id, includeOutput="true")
    assert (run["output"], run["files"]) == ({"message": "Hello, world!"}, [])


def test_values_are_selected_by_block_ids(call: Caller) -> None:
    @call.sandbox.workflow("steps")
    def steps(input: dict) -> Iterator[object]:
        yield Block({"n": 1}, name="first")
        yield Block({"n": 2}, name="second")

    run_id = execute(call, "steps")["runId"]
    first, second = (call.sandbox.block_id("steps", name) for name in ("first", "second"))
    run = run_of(call, "steps", run_id, selectedOutputs=f"{first}.n,{second}")
    assert run["blockOutputs"] == {f"{first}.n": 1, second: {"n": 2}}
    answer = get(call, f"steps/runs/{run_id}", selectedOutputs="first.n")
    assert refused(answer)[:2] == (400, "BAD_REQUEST")
    assert "block ids only" in refused(answer)[2]


def test_a_failed_run_tells_what_went_wrong(call: Caller) -> None:
    result = execute(call, "fail", {"input": {"message": "no"}})
    run = run_of(call, "fail", result["runId"], includeOutput="true")
    assert (run["status"], run["error"], run["output"]) == ("failed", result["error"], None)


def test_unknown_runs_and_those_of_other_workflows_are_not_found(call: Caller) -> None:
    run_id = execute(call, "hello")["runId"]
    assert refused(get(call, "hello/runs/unknown")) == (404, "NOT_FOUND", "Run not found")
    assert refused(get(call, f"count/runs/{run_id}")) == (404, "NOT_FOUND", "Run not found")
    assert refused(get(call, f"nowhere/runs/{run_id}"))[:2] == (404, "NOT_FOUND")


def test_a_run_that_waits_for_its_turn_is_queued(serve: Serve) -> None:
    call = serve(Sandbox(job_concurrency=1))
    execute(call, "slow", {"async": True, "input": {"seconds": 60}})
    run_id = execute(call, "hello", {"async": True})["runId"]
    run = run_of(call, "hello", run_id)
    assert (run["status"], run["endedAt"], run["cost"]) == ("queued", None, None)
    assert listed(call, status="pending") == [run_id]


def test_a_running_run_is_running(call: Caller) -> None:
    run_id = execute(call, "slow", {"async": True, "input": {"seconds": 60}})["runId"]
    until(lambda: run_of(call, "slow", run_id)["status"] == "running")
    assert listed(call, "slow", status="running") == [run_id]


def test_a_run_that_was_refused_before_it_began_failed(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db", job_concurrency=1))
    call.sandbox.workflow("passing")(lambda given: None)
    execute(call, "slow", {"async": True, "input": {"seconds": 60}})
    run_id = execute(call, "passing", {"async": True})["runId"]
    call.server.close()
    sandbox = Sandbox(state=tmp_path / "state.db")
    sandbox.workflow("passing", deployed=False)(lambda given: None)
    call = serve(sandbox)
    until(lambda: run_of(call, "passing", run_id)["status"] == "failed")
    message = "Workflow passing has no active deployment"
    assert run_of(call, "passing", run_id)["error"] == {"message": message, "code": "EXECUTION_FAILED"}


@pytest.mark.parametrize(
    "query",
    [{"includeFileBase64": "true"}, {"includeOutput": "true", "base64MaxBytes": "5"}, {"includeOutput": "perhaps"}],
)
def test_parameters_that_make_no_sense_are_refused(call: Caller, query: dict[str, str]) -> None:
    run_id = execute(call, "hello")["runId"]
    assert refused(get(call, f"hello/runs/{run_id}", **query))[:2] == (400, "BAD_REQUEST")


def test_runs_are_there_after_a_restart(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db"))
    done = execute(call, "fail", {"input": {"message": "no"}})
    orphan = execute(call, "slow", {"async": True, "input": {"seconds": 60}})["runId"]
    until(lambda: run_of(call, "slow", orphan)["status"] == "running")
    call.server.close()
    call = serve(Sandbox(state=tmp_path / "state.db"))
    assert run_of(call, "fail", done["runId"])["error"] == done["error"]
    message = "The server was restarted while this job was running"
    assert run_of(call, "slow", orphan)["error"] == {"message": message, "code": "EXECUTION_FAILED"}


# Listing


def test_runs_are_listed_newest_first(ticking: Caller) -> None:
    runs = [execute(ticking, "hello")["runId"] for _ in range(3)]
    assert listed(ticking) == runs[::-1]
    assert listed(ticking, order="asc") == runs
    assert listed(ticking, "count") == []


def test_a_listed_run_has_no_output(call: Caller) -> None:
    execute(call, "hello")
    (run,) = get(call, "hello/runs").json()["data"]
    assert set(run) == {"runId", "workflowId", "status", "trigger", "startedAt", "endedAt", "durationMs", "cost"}


def test_runs_are_filtered(ticking: Caller) -> None:
    first = execute(ticking, "hello")["runId"]
    manual = execute(ticking, "hello", {"run": {"source": "manual"}})["runId"]
    assert listed(ticking, trigger="manual") == [manual]
    assert listed(ticking, status="completed") == [manual, first]
    assert listed(ticking, status="failed") == []
    started = run_of(ticking, "hello", manual)["startedAt"]
    assert listed(ticking, startDate=started) == [manual]
    assert listed(ticking, endDate=started) == [manual, first]


def test_runs_come_a_page_at_a_time(ticking: Caller) -> None:
    runs = [execute(ticking, "hello")["runId"] for _ in range(5)]
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = get(ticking, "hello/runs", **query).json()
        seen += [run["runId"] for run in page["data"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == runs[::-1]


@pytest.mark.parametrize("query", [{"sortBy": "startedAt"}, {"status": "queued"}, {"limit": "0"}, {"startDate": "now"}])
def test_what_a_list_does_not_know_is_refused(call: Caller, query: dict[str, str]) -> None:
    assert refused(get(call, "hello/runs", **query))[:2] == (400, "BAD_REQUEST")


# Cancelling


@pytest.mark.parametrize(("workflow", "ending"), [("hello", "completed"), ("fail", "failed")])
def test_a_run_that_has_ended_is_not_cancelled(call: Caller, workflow: str, ending: str) -> None:
    run_id = execute(call, workflow)["runId"]
    answer = post(call, f"{workflow}/runs/{run_id}/cancel")
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "success": False,
        "runId": run_id,
        "redisAvailable": True,
        "durablyRecorded": False,
        "locallyAborted": False,
        "pausedCancelled": False,
        "reason": f"already_{ending}",
    }


def test_a_running_run_is_cancelled_once(call: Caller) -> None:
    run_id = execute(call, "slow", {"async": True, "input": {"seconds": 60}})["runId"]
    body = post(call, f"slow/runs/{run_id}/cancel").json()["data"]
    assert (body["success"], body["reason"], body["durablyRecorded"]) == (True, "recorded", True)
    until(lambda: run_of(call, "slow", run_id)["status"] == "cancelled")
    assert run_of(call, "slow", run_id)["error"]["code"] == "CANCELLED"
    assert post(call, f"slow/runs/{run_id}/cancel").json()["data"]["reason"] == "already_cancelled"


def test_a_run_that_waits_for_its_turn_can_be_cancelled(serve: Serve) -> None:
    call = serve(Sandbox(job_concurrency=1))
    execute(call, "slow", {"async": True, "input": {"seconds": 60}})
    run_id = execute(call, "hello", {"async": True})["runId"]
    assert post(call, f"hello/runs/{run_id}/cancel").json()["data"]["success"] is True
    assert run_of(call, "hello", run_id)["status"] == "cancelled"


def test_without_redis_nothing_is_cancelled(serve: Serve) -> None:
    call = serve(Sandbox(redis=False))
    run_id = execute(call, "slow", {"async": True, "input": {"seconds": 60}})["runId"]
    body = post(call, f"slow/runs/{run_id}/cancel").json()["data"]
    assert (body["success"], body["redisAvailable"], body["reason"]) == (False, False, "redis_unavailable")


def test_an_unknown_run_is_not_cancelled(call: Caller) -> None:
    assert refused(post(call, "hello/runs/unknown/cancel")) == (404, "NOT_FOUND", "Run not found")


# Pausing and resuming


@pytest.fixture
def ask(call: Caller) -> Caller:
    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        answers = [(yield Pause("First?", {"n": int})), (yield Pause("Second?", {"n": int}, block="Review"))]
        return [each["n"] for each in answers]

    return call


def resume(call: Caller, run_id: str, **body: object) -> httpx.Response:
    return post(call, f"ask/runs/{run_id}/resume", body)


def test_a_paused_run_says_where_it_waits(ask: Caller) -> None:
    run_id = execute(ask, "ask")["runId"]
    paused = run_of(ask, "ask", run_id)["paused"]
    block = ask.sandbox.block_id("ask", "Approval")
    assert paused.pop("pausedAt").endswith("Z")
    assert paused == {
        "contextId": block,
        "resumeAt": None,
        "pauseKind": "human",
        "blockedOnBlockId": block,
        "automaticResumeWaitingReason": None,
        "pausePointCount": 1,
        "resumedCount": 0,
    }
    assert listed(ask, "ask", status="paused") == [run_id]


@pytest.mark.generation("v0.6")
def test_a_run_is_resumed_under_a_new_id(ask: Caller) -> None:
    first = execute(ask, "ask")["runId"]
    answer = resume(ask, first, contextId=run_of(ask, "ask", first)["paused"]["contextId"], input={"n": 1})
    assert answer.status_code == 200
    second = answer.json()["data"]
    assert (second["status"], second["blockOutputs"], answer.headers["x-run-id"]) == ("paused", None, second["runId"])
    assert second["runId"] != first
    context = run_of(ask, "ask", second["runId"])["paused"]["contextId"]
    third = resume(ask, second["runId"], contextId=context, input={"n": 2}).json()["data"]
    assert (third["status"], third["output"], third["error"]) == ("completed", [1, 2], None)
    for run_id in (first, second["runId"], third["runId"]):
        run = run_of(ask, "ask", run_id, includeOutput="true")
        assert (run["runId"], run["status"], run["output"], run["paused"]) == (run_id, "completed", [1, 2], None)
    assert listed(ask, "ask") == [first]


@pytest.mark.generation("v0.6")
@pytest.mark.parametrize("body", [{"async": True}, {"stream": True}])
def test_what_was_not_begun_synchronously_is_resumed_in_the_background(ask: Caller, body: dict) -> None:
    first = execute(ask, "ask", body)["runId"]
    until(lambda: run_of(ask, "ask", first)["status"] == "paused")
    answer = resume(ask, first, contextId=run_of(ask, "ask", first)["paused"]["contextId"], input={"n": 1})
    assert answer.status_code == 202
    second = answer.json()["data"]
    url = f"{ask.server.base_url}/api/v2/workflows/ask/runs/{second['runId']}"
    assert second == {"runId": answer.headers["x-run-id"], "statusUrl": url}
    until(lambda: (run_of(ask, "ask", second["runId"])["paused"] or {}).get("resumedCount") == 1)


def test_a_resumption_may_fail(call: Caller) -> None:
    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        yield Pause()
        raise RuntimeError("no")

    run_id = execute(call, "ask")["runId"]
    result = resume(call, run_id, contextId=call.sandbox.block_id("ask", "Approval")).json()["data"]
    assert (result["status"], result["error"]["message"]) == ("failed", "no")


def test_a_pause_is_answered_once(ask: Caller) -> None:
    run_id = execute(ask, "ask")["runId"]
    context = run_of(ask, "ask", run_id)["paused"]["contextId"]
    assert resume(ask, run_id, contextId=context).status_code == 200
    again = resume(ask, run_id, contextId=context)
    assert refused(again) == (409, "CONFLICT", "Pause point already resumed or in progress")


@pytest.mark.generation("v0.6")
def test_what_does_not_wait_cannot_be_resumed(ask: Caller) -> None:
    run_id = execute(ask, "ask")["runId"]
    assert refused(resume(ask, run_id, contextId="nope"))[:2] == (404, "NOT_FOUND")
    assert refused(resume(ask, "unknown", contextId="nope"))[:2] == (404, "NOT_FOUND")
    assert refused(resume(ask, run_id))[:2] == (400, "BAD_REQUEST")
    post(ask, f"ask/runs/{run_id}/cancel")
    context = ask.sandbox.block_id("ask", "Approval")
    assert refused(resume(ask, run_id, contextId=context)) == (409, "CONFLICT", "Execution has been cancelled")


def test_a_paused_run_can_be_cancelled(ask: Caller) -> None:
    run_id = execute(ask, "ask")["runId"]
    body = post(ask, f"ask/runs/{run_id}/cancel").json()["data"]
    assert (body["success"], body["pausedCancelled"]) == (True, True)
    assert run_of(ask, "ask", run_id)["status"] == "cancelled"


def test_both_versions_resume_the_same_runs(ask: Caller) -> None:
    run_id = execute(ask, "ask")["runId"]
    context = ask.sandbox.block_id("ask", "Approval")
    body = ask.http.post(f"/api/resume/ask/{run_id}/{context}", json={"n": 1}).json()
    assert body["status"] == "paused"
    context = body["output"]["data"]["_resume"]["contextId"]
    assert resume(ask, run_id, contextId=context, input={"n": 2}).json()["data"]["output"] == [1, 2]


# Files


@pytest.fixture(params=[False, True], ids=["memory", "sqlite"])
def report(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Caller:
    call = serve(Sandbox(state=tmp_path / "state.db" if request.param else None))

    @call.sandbox.workflow("report")
    def report(input: dict, context: Context) -> object:
        assert threading.current_thread() is not threading.main_thread()
        context.save_file("one.bin", b"\x00\x01")
        return context.save_file("zwei ü.txt", "Grüße".encode(), "text/plain; charset=utf-8")

    return call


def test_files_of_a_run_are_listed_and_downloaded(report: Caller) -> None:
    result = execute(report, "report")
    one, two = run_of(report, "report", result["runId"], includeOutput="true")["files"]
    assert (one["name"], one["size"], one["type"], one["base64"]) == ("one.bin", 2, "application/octet-stream", None)
    assert two["id"] == result["output"]["id"]
    answer = report.http.get(two["downloadPath"])
    assert (answer.status_code, answer.text) == (200, "Grüße")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "zwei%20%C3%BC.txt" in answer.headers["content-disposition"]


def test_files_are_inlined_when_asked_for_unless_they_are_too_large(report: Caller) -> None:
    run_id = execute(report, "report")["runId"]
    query = {"includeOutput": "true", "includeFileBase64": "true"}
    one, two = run_of(report, "report", run_id, **query)["files"]
    assert (one["base64"], two["base64"]) == ("AAE=", "R3LDvMOfZQ==")
    one, two = run_of(report, "report", run_id, **query, base64MaxBytes="2")["files"]
    assert (one["base64"], two["base64"]) == ("AAE=", None)


def test_unknown_files_are_not_found(report: Caller) -> None:
    run_id = execute(report, "report")["runId"]
    assert refused(get(report, f"report/runs/{run_id}/files/unknown")) == (404, "NOT_FOUND", "File not found")
    assert refused(get(report, "report/runs/unknown/files/unknown")) == (404, "NOT_FOUND", "Run not found")


def test_a_file_too_large_to_be_inlined_names_its_path(call: Caller) -> None:
    @call.sandbox.workflow("large")
    def large(input: dict, context: Context) -> object:
        return context.save_file("large.bin", bytes(16 * 1024 * 1024 + 1))["id"]

    result = execute(call, "large")
    answer = get(call, f"large/runs/{result['runId']}", includeOutput="true", includeFileBase64="true")
    assert refused(answer)[:2] == (413, "PAYLOAD_TOO_LARGE")
    assert f"/api/v2/workflows/large/runs/{result['runId']}/files/{result['output']}" in refused(answer)[2]


# Access


def test_without_a_key_or_with_an_outsiders_there_are_no_runs(serve: Serve) -> None:
    call = serve(Sandbox(outsider_key="sk-sim-outsider"))
    run_id = execute(call, "hello")["runId"]
    for key, status in (("sk-sim-wrong", 401), ("sk-sim-outsider", 404)):
        headers = {"X-API-Key": key}
        for path in ("hello/runs", f"hello/runs/{run_id}"):
            assert call.http.get(f"/api/v2/workflows/{path}", headers=headers).status_code == status
        assert call.http.post(f"/api/v2/workflows/hello/runs/{run_id}/cancel", headers=headers).status_code == status


# The file of the SQLite store


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "state.db"
    with sqlite3.connect(path) as old:
        old.execute(
            "CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, began REAL NOT NULL, ended REAL, "
            "document TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
        )
        job = (
            '{"id":"run_1","execution_id":"e1","workflow_id":"hello","request_id":"r","received":{},"raw":{},'
            '"trigger":"api","created":1.0,"state":"done","ending":"refused","output":null,"response":false,'
            '"error":"no","block":"","started":1.0,"ended":2.0}'
        )
        execution = (
            '{"id":"e2","workflow_id":"hello","trigger":"api","started":1.0,"state":"completed","ended":2.0,'
            '"output":1,"error":null,"blocks":[]}'
        )
        old.execute("INSERT INTO records VALUES ('job', 'run_1', 1.0, 2.0, ?)", (job,))
        old.execute("INSERT INTO records VALUES ('execution', 'e2', 1.0, 2.0, ?)", (execution,))
    old.close()
    store = SQLiteStore(path)
    store.open()
    found = store.job_of("e1")
    assert found is not None
    assert (found.id, [each.id for each in store.executions("hello")]) == ("run_1", ["e2"])
    store.close()


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    import sqlite3

    from simstudio.errors import ConfigurationError

    path = tmp_path / "state.db"
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(ConfigurationError, match="later version"):
        Sandbox(state=path).serve().start()
