"""The logs of /api/v2."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from simstudio.sandbox import Context, Pause, Sandbox

from .calls import Caller, Serve


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


def ask(call: Caller, path: str = "", **query: str) -> httpx.Response:
    return call.http.get(f"/api/v2/logs{path}", params={"workspaceId": call.sandbox.workspace_id, **query})


def logs(call: Caller, **query: str) -> list[dict]:
    answer = ask(call, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def execute(call: Caller, workflow: str = "hello", body: dict | None = None) -> str:
    return call.http.post(f"/api/v2/workflows/{workflow}/execute", json=body or {}).json()["data"]["runId"]


def test_every_run_leaves_an_entry_newest_first(ticking: Caller) -> None:
    runs = [execute(ticking) for _ in range(3)]
    assert [entry["runId"] for entry in logs(ticking)] == runs[::-1]
    assert [entry["runId"] for entry in logs(ticking, sortOrder="asc")] == runs


def test_an_entry_says_what_ran_and_how_it_ended(call: Caller) -> None:
    run_id = execute(call, "fail")
    (entry,) = logs(call)
    assert (entry["kind"], entry["runId"], entry["workflowId"]) == ("workflow", run_id, "fail")
    assert (entry["status"], entry["level"], entry["hasHandledErrors"]) == ("failed", "error", False)
    assert set(entry) == {
        "kind",
        "runId",
        "workflowId",
        "deploymentVersionId",
        "status",
        "level",
        "trigger",
        "startedAt",
        "endedAt",
        "totalDurationMs",
        "cost",
        "files",
        "hasHandledErrors",
    }


def test_more_is_told_when_asked_for(call: Caller) -> None:
    execute(call)
    assert set(logs(call, details="full")[0]["workflow"]) == {"id", "name", "description", "deleted"}
    (entry,) = logs(call, includeTraceSpans="true", includeFinalOutput="true")
    assert entry["finalOutput"] == {"message": "Hello, world!"}
    assert [span["name"] for span in entry["traceSpans"]] == ["Workflow Execution"]
    assert "finalOutput" not in logs(call, includeFinalOutput="false", details="full")[0]


def test_entries_come_a_page_at_a_time(ticking: Caller) -> None:
    runs = [execute(ticking) for _ in range(5)]
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = ask(ticking, **query).json()
        seen += [entry["runId"] for entry in page["data"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == runs[::-1]


@pytest.mark.parametrize(("limit", "size"), [("0", 1), ("5000", 3)])
def test_a_limit_out_of_range_is_moved_into_it(call: Caller, limit: str, size: int) -> None:
    for _ in range(3):
        execute(call)
    assert len(logs(call, limit=limit)) == size


def test_entries_are_filtered(ticking: Caller) -> None:
    @ticking.sandbox.workflow("ask")
    def ask_somebody(input: dict) -> Iterator[object]:
        yield Pause()

    hello, failed, paused = (execute(ticking, each) for each in ("hello", "fail", "ask"))
    manual = execute(ticking, "count", {"run": {"source": "manual"}})

    def found(**query: str) -> list[str]:
        return [entry["runId"] for entry in logs(ticking, **query)]

    assert found(workflowIds="hello,fail") == [failed, hello]
    assert found(status="failed,paused") == [paused, failed]
    assert found(level="error") == [failed]
    assert found(triggers="manual") == [manual]
    assert len(found(triggers="all")) == 4
    assert found(workflowName="HELL") == [hello]
    assert found(runId=paused) == [paused]
    assert found(folderPaths="/nowhere") == []
    assert found(model="gpt-4o") == []
    assert found(minCost="0.5") == []
    started = logs(ticking, runId=failed)[0]["startedAt"]
    assert found(endDate=started) == [failed, hello]
    assert found(startDate=started, triggers="api") == [paused, failed]


@pytest.mark.parametrize("key", ["durationMs", "cost", "status"])
def test_entries_are_sorted(ticking: Caller, key: str) -> None:
    for workflow in ("hello", "fail", "hello"):
        execute(ticking, workflow)
    assert len(logs(ticking, sortBy=key, sortOrder="asc")) == 3
    if key == "status":
        statuses = [entry["status"] for entry in logs(ticking, sortBy=key, sortOrder="asc")]
        assert statuses == ["completed", "completed", "failed"]


@pytest.mark.parametrize(
    "query",
    [
        {"level": "warn"},
        {"status": "completed,nonsense"},
        {"startDate": "2026-01-01"},
        {"includeJobRuns": "true", "sortBy": "cost"},
        {"minCost": "-1"},
        {"unknown": "1"},
        {"cursor": "zzz"},
    ],
)
def test_what_makes_no_sense_is_refused(call: Caller, query: dict[str, str]) -> None:
    answer = ask(call, **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")


def test_one_entry_is_found_by_its_run(call: Caller) -> None:
    @call.sandbox.workflow("report", fields={"n": 0})
    def report(input: dict, context: Context) -> object:
        context.save_file("a.txt", b"abc", "text/plain")
        return input

    run_id = execute(call, "report", {"input": {"n": 3}})
    answer = call.http.get(f"/api/v2/logs/{run_id}")
    entry = answer.json()["data"]
    assert (entry["runId"], entry["status"], entry["finalOutput"]) == (run_id, "completed", {"n": 3})
    assert (entry["workflowInput"], entry["workflow"]["name"]) == ({"n": 3}, "report")
    assert call.sandbox.block_id("report") in entry["workflowState"]["blocks"]
    (file,) = entry["files"]
    assert call.http.get(file["downloadPath"]).content == b"abc"
    without = call.http.get(f"/api/v2/logs/{run_id}", params={"includeWorkflowState": "false"}).json()["data"]
    assert without["workflowState"] is None


def test_unknown_runs_have_no_entry(call: Caller) -> None:
    answer = call.http.get("/api/v2/logs/unknown")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_statistics_count_runs_in_equal_stretches_of_time(ticking: Caller) -> None:
    for workflow in ("hello", "fail", "hello"):
        execute(ticking, workflow)
    stats = ask(ticking, "/stats").json()["data"]
    assert (stats["totalRuns"], stats["totalErrors"], stats["segmentMs"]) == (3, 1, 60_000)
    assert [(each["totalExecutions"], each["successfulExecutions"]) for each in stats["aggregateSegments"]] == [(3, 2)]
    rates = {each["workflowId"]: each["overallSuccessRate"] for each in stats["workflows"]}
    assert rates == {"hello": 100, "fail": 0}


def test_stretches_without_runs_are_there_when_asked_for(ticking: Caller) -> None:
    execute(ticking)
    bounds = {"startDate": "2027-01-15T08:00:00Z", "endDate": "2027-01-15T09:00:00Z"}
    few = ask(ticking, "/stats", segmentCount="6", **bounds).json()["data"]
    all_of_them = ask(ticking, "/stats", segmentCount="6", includeEmpty="yes", **bounds).json()["data"]
    assert (few["segmentMs"], len(few["aggregateSegments"])) == (600_000, 1)
    assert len(all_of_them["aggregateSegments"]) == 6


def test_without_runs_there_are_empty_statistics(call: Caller) -> None:
    stats = ask(call, "/stats").json()["data"]
    assert (stats["workflows"], stats["totalRuns"], stats["avgLatency"]) == ([], 0, 0)


def test_a_workspace_has_to_be_ones_own(serve: Serve) -> None:
    call = serve(Sandbox(outsider_key="sk-sim-outsider"))
    run_id = execute(call)
    assert ask(call, workspaceId="unknown").status_code == 404
    call.http.headers["x-api-key"] = "sk-sim-outsider"
    assert ask(call).status_code == 404
    assert call.http.get(f"/api/v2/logs/{run_id}").status_code == 404
