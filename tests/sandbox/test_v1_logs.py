"""The logs of /api/v1, their faults included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simstudio.sandbox import Block, Context, Pause, RateLimits, Sandbox

from .calls import Caller, Serve

pytestmark = pytest.mark.generation("v0.6")


class Clock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def ticking(serve: Serve) -> Caller:
    return serve(Sandbox(generation="v0.6", clock=Clock()))


def ask(call: Caller, path: str = "", **query: str) -> httpx.Response:
    return call.http.get(f"/api/v1/logs{path}", params={"workspaceId": call.sandbox.workspace_id, **query})


def logs(call: Caller, **query: str) -> list[dict]:
    answer = ask(call, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def runs(call: Caller, workflow: str = "hello", times: int = 1) -> list[str]:
    return [call.execute(workflow).json()["executionId"] for _ in range(times)]


def test_every_run_leaves_an_entry_newest_first(ticking: Caller) -> None:
    first, second = runs(ticking, times=2)
    assert [entry["executionId"] for entry in logs(ticking)] == [second, first]
    assert [entry["executionId"] for entry in logs(ticking, order="asc")] == [first, second]


def test_an_entry_has_an_id_of_its_own_and_names_what_ran(call: Caller) -> None:
    (run,) = runs(call)
    (entry,) = logs(call)
    assert entry["id"] not in (run, entry["deploymentVersionId"])
    assert (entry["workflowId"], entry["level"], entry["trigger"]) == ("hello", "info", "api")
    assert (entry["cost"], entry["files"]) == ({"total": 0}, None)
    assert entry["deploymentVersionId"] is not None


def test_failed_runs_are_of_the_level_error_and_all_others_info(call: Caller) -> None:
    call.execute("fail")
    call.execute("hello")
    assert [entry["workflowId"] for entry in logs(call, level="error")] == ["fail"]
    assert [entry["workflowId"] for entry in logs(call, level="info")] == ["hello"]


def test_a_run_that_was_refused_for_its_rate_leaves_an_error(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.6", rate_limits=RateLimits(sync_per_minute=1)))
    statuses = [call.execute("hello").status_code for _ in range(3)]
    (entry,) = logs(call, level="error")
    assert (statuses, entry["deploymentVersionId"]) == ([200, 200, 429], None)


def test_a_paused_run_has_not_ended(call: Caller) -> None:
    @call.sandbox.workflow("ask")
    def ask_somebody(input: dict) -> Iterator[object]:
        yield Pause()

    call.execute("ask")
    (entry,) = logs(call)
    assert (entry["level"], entry["endedAt"], entry["totalDurationMs"], entry["cost"]) == ("info", None, None, None)


def test_entries_are_filtered(ticking: Caller) -> None:
    (hello,) = runs(ticking)
    ticking.execute("count", {"triggerType": "manual"})
    assert [entry["executionId"] for entry in logs(ticking, workflowIds="hello,slow")] == [hello]
    assert [entry["workflowId"] for entry in logs(ticking, triggers="manual,chat")] == ["count"]
    assert [entry["workflowId"] for entry in logs(ticking, executionId=hello)] == ["hello"]
    assert logs(ticking, folderIds="nowhere") == []
    assert logs(ticking, minCost="0.5") == []
    assert logs(ticking, minDurationMs="3600000") == []
    assert len(logs(ticking, maxDurationMs="3600000", maxCost="1")) == 2


def test_more_is_told_when_asked_for(call: Caller) -> None:
    call.execute("hello", {"name": "Ada"})
    (entry,) = logs(call, details="full")
    assert entry["workflow"] == {
        "id": "hello",
        "name": "hello",
        "description": "Greets `name` (default `world`).",
        "deleted": False,
    }
    assert ("finalOutput" in entry, "traceSpans" in entry) == (False, False)
    (entry,) = logs(call, details="full", includeFinalOutput="true", includeTraceSpans="false")
    assert entry["finalOutput"] == {"message": "Hello, Ada!"}
    (root,) = entry["traceSpans"]  # "false" is a text, and so true
    assert (root["name"], root["status"]) == ("Workflow Execution", "success")
    start, block = root["children"]
    assert (start["type"], start["output"]) == ("start_trigger", {"name": "Ada"})
    assert (block["name"], block["output"], block["status"]) == ("hello", {"message": "Hello, Ada!"}, "success")
    assert "def hello" in block["input"]["code"]


def test_a_failure_is_the_last_span(call: Caller) -> None:
    @call.sandbox.workflow("two", block="Last")
    def two(input: dict) -> Iterator[object]:
        yield Block({"n": 1}, name="First")
        raise RuntimeError("no")

    call.execute("two")
    (entry,) = logs(call, details="full", includeFinalOutput="true", includeTraceSpans="true")
    (root,) = entry["traceSpans"]
    assert [(span["name"], span["status"]) for span in root["children"]] == [
        ("Start", "success"),
        ("First", "success"),
        ("Last", "error"),
    ]
    assert (root["status"], entry["finalOutput"]) == ("error", {"error": "Last: no"})


def test_nothing_more_is_told_without_details(call: Caller) -> None:
    runs(call)
    (entry,) = logs(call, includeFinalOutput="true", includeTraceSpans="true")
    assert not entry.keys() & {"workflow", "finalOutput", "traceSpans"}


# The faults


def test_every_cursor_the_server_gives_breaks_it(ticking: Caller) -> None:
    runs(ticking, times=3)
    body = ask(ticking, limit="2").json()
    answer = ask(ticking, limit="2", cursor=body["nextCursor"])
    assert (len(body["data"]), answer.status_code) == (2, 500)
    assert answer.json() == {"error": "Internal server error"}
    assert len(logs(ticking, limit="2", cursor="zzz")) == 2


def test_what_works_is_to_go_on_from_the_last_date_which_is_inclusive(ticking: Caller) -> None:
    all_runs = runs(ticking, times=4)
    page = logs(ticking, limit="2")
    rest = logs(ticking, endDate=page[-1]["startedAt"])
    assert [entry["executionId"] for entry in page] == all_runs[:1:-1]
    assert [entry["executionId"] for entry in rest] == all_runs[2::-1]
    upwards = logs(ticking, order="asc", startDate=page[-1]["startedAt"])
    assert [entry["executionId"] for entry in upwards] == all_runs[2:]


@pytest.mark.parametrize("query", [{"model": "gpt-4o"}, {"startDate": "yesterday"}, {"endDate": "2026-99-99"}])
def test_other_things_break_it_too(call: Caller, query: dict[str, str]) -> None:
    assert ask(call, **query).status_code == 500


def test_a_limit_has_no_bounds(ticking: Caller) -> None:
    all_runs = runs(ticking, times=7)
    assert logs(ticking, limit="0") == []
    assert [entry["executionId"] for entry in logs(ticking, limit="-5")] == all_runs[:4:-1]
    assert len(logs(ticking, limit="1000")) == 7


@pytest.mark.parametrize(
    ("query", "path"), [({"level": "warn"}, "level"), ({"limit": "many"}, "limit"), ({"order": "up"}, "order")]
)
def test_some_values_are_refused(call: Caller, query: dict[str, str], path: str) -> None:
    answer = ask(call, **query)
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid parameters")
    assert [issue["path"] for issue in answer.json()["details"]] == [[path]]


# One entry, one execution


def test_one_entry_is_found_by_its_own_id(call: Caller) -> None:
    (run,) = runs(call)
    (listed,) = logs(call)
    entry = ask(call, f"/{listed['id']}").json()["data"]
    assert (entry["executionId"], entry["workflow"]["name"]) == (run, "hello")
    assert entry["executionData"]["finalOutput"] == {"message": "Hello, world!"}
    assert ask(call, f"/{run}").json() == {"error": "Log not found"}


def test_an_execution_keeps_the_graph_that_ran(call: Caller) -> None:
    (run,) = runs(call)
    body = ask(call, f"/executions/{run}").json()
    assert (body["executionId"], body["workflowId"], body["executionMetadata"]["trigger"]) == (run, "hello", "api")
    assert set(body["workflowState"]) == {"blocks", "edges", "loops", "parallels", "variables"}
    assert call.sandbox.block_id("hello") in body["workflowState"]["blocks"]
    answer = ask(call, "/executions/unknown")
    assert (answer.status_code, answer.json()) == (404, {"error": "Workflow execution not found"})


def test_files_are_listed(call: Caller) -> None:
    @call.sandbox.workflow("report")
    def report(input: dict, context: Context) -> object:
        return context.save_file("a.txt", b"abc", "text/plain")

    output = call.execute("report").json()["output"]
    (entry,) = logs(call)
    assert entry["files"] == [{name: output[name] for name in ("id", "key", "url", "name", "size", "type")}]


def test_entries_survive_a_restart(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(generation="v0.6", state=tmp_path / "state.db"))
    runs(call, times=2)
    before = [{**entry, "deploymentVersionId": None} for entry in logs(call)]
    call.server.close()
    after = [
        {**entry, "deploymentVersionId": None}
        for entry in logs(serve(Sandbox(generation="v0.6", state=tmp_path / "state.db")))
    ]
    assert after == before


# Access


def test_an_unknown_workspace_and_somebody_elses_key_see_no_entries(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.6", outsider_key="sk-sim-outsider"))
    (run,) = runs(call)
    assert logs(call, workspaceId="unknown") == []
    call.http.headers["x-api-key"] = "sk-sim-outsider"
    assert logs(call) == []
    assert ask(call, f"/executions/{run}").status_code == 404
    del call.http.headers["x-api-key"]
    assert ask(call).status_code == 401
