"""Sim v0.8: what differs from v0.6.

The expected answers are those of the recordings in ``cassettes/sim-v0.8.9-claims`` and ``cassettes/sim-v0.8.9``.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from simstudio.sandbox import Context, Pause, RateLimits, Sandbox
from tests.recorded import SELECTION, recording

from .calls import Caller, Serve

SET = "sim-v0.8.9-claims"
MODES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "sync": ({}, {}),
    "stream": ({"stream": True}, {}),
    "async": ({}, {"X_Execution_Mode": "async"}),
}


def recorded(number: int | str) -> tuple[int, Any]:
    """The answer with that number in the set of claims, or that part and number in the selection."""
    found = recording(SET if isinstance(number, int) else SELECTION, number)
    return found.status, json.loads(found.body)


def conflict(execution_id: str) -> tuple[int, Any]:
    status, body = recorded(2)
    return status, {**body, "executionId": execution_id}


@pytest.fixture
def call(serve: Serve) -> Caller:
    return serve(Sandbox(generation="v0.8"))


@pytest.fixture
def limited(serve: Serve) -> Caller:
    """Takes two executions, and refuses all others."""
    return serve(Sandbox(generation="v0.8", rate_limits=RateLimits(sync_per_minute=1), clock=lambda: 0.0))


def said(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


@pytest.mark.parametrize("first", MODES)
@pytest.mark.parametrize("second", MODES)
def test_an_id_runs_once(call: Caller, first: str, second: str) -> None:
    (body, headers), (again, more) = MODES[first], MODES[second]
    assert call.execute("hello", body, X_Execution_Id="mine", **headers).status_code in (200, 202)
    assert said(call.execute("hello", again, X_Execution_Id="mine", **more)) == conflict("mine")
    body = {"input": {}, "async": more != {}}
    v2 = call.http.post("/api/v2/workflows/hello/execute", json=body, headers={"X-Run-Id": "mine"})
    assert v2.json()["error"]["details"] == {"code": "RUN_ID_CONFLICT", "runId": "mine"}


def test_the_header_wins_over_the_body(call: Caller) -> None:
    call.sandbox.workflow("echo")(lambda given: given)
    body = {"executionId": "body", "n": 1}
    first = call.execute("echo", body, X_Execution_Id="header").json()
    assert (first["executionId"], first["output"]) == ("header", {"n": 1})
    assert call.execute("echo", body).json()["executionId"] == "body"
    nested = call.execute("echo", {"input": {"executionId": "body"}})
    assert nested.json()["output"] == {"input": {"executionId": "body"}}


@pytest.mark.parametrize("workflow", ["hello", "nowhere"])
def test_a_malformed_id_is_400_even_for_a_workflow_that_is_none(call: Caller, workflow: str) -> None:
    assert said(call.execute(workflow, X_Execution_Id="not a valid id")) == recorded(768)
    assert call.execute(workflow, X_Execution_Id="a" * 129).json()["details"][0]["message"] == "Execution ID too long"
    for wrong in ("a b", None, 5, ""):
        answer = call.execute(workflow, {"executionId": wrong})
        assert (answer.status_code, answer.json()["details"][0]["path"]) == (400, "executionId")


def test_a_job_is_named_after_its_execution(call: Caller) -> None:
    accepted = call.execute("hello", {}, X_Execution_Id="mine", X_Execution_Mode="async").json()
    assert accepted == {
        **recorded(29)[1],
        "jobId": "workflow-execution:mine",
        "executionId": "mine",
        "statusUrl": f"{call.server.base_url}/api/jobs/workflow-execution:mine",
    }
    assert call.finished_job("workflow-execution:mine")["output"]["executionId"] == "mine"


@pytest.mark.parametrize("mode", MODES)
def test_a_refusal_of_the_rate_limit_uses_the_id_up(limited: Caller, mode: str) -> None:
    body, headers = MODES[mode]
    for _ in range(2):
        assert limited.execute("hello", body, **headers).status_code in (200, 202)
    refused = limited.execute("hello", body, X_Execution_Id="mine", **headers)
    assert (said(refused), "retry-after" in refused.headers) == (recorded(68), False)
    assert said(limited.execute("hello", body, X_Execution_Id="mine", **headers)) == conflict("mine")
    run = limited.http.get("/api/v2/workflows/hello/runs/mine").json()["data"]
    told = recorded(71)[1]["data"]
    assert {name: run[name] for name in ("status", "durationMs", "cost")} == {
        name: told[name] for name in ("status", "durationMs", "cost")
    }
    assert run["error"]["message"].startswith("Rate limit exceeded. 0 requests remaining.")
    assert said(limited.http.get("/api/jobs/workflow-execution:mine")) == recorded(85)


def test_a_background_run_takes_one_execution(limited: Caller) -> None:
    jobs = [limited.submit("hello")["jobId"] for _ in range(2)]
    assert [limited.finished_job(job)["status"] for job in jobs] == ["completed"] * 2


def test_a_refusal_of_the_concurrency_limit_uses_the_id_up(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.8", rate_limits=RateLimits(concurrent=1)))
    first = call.submit("slow", {"seconds": 60})
    while call.job(first["jobId"])["status"] != "processing":
        pass
    assert said(call.execute("hello", X_Execution_Id="mine")) == recorded(124)
    assert said(call.execute("hello", X_Execution_Id="mine")) == conflict("mine")


def test_the_admission_gate_leaves_the_id_unused(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.8", admission_limit=0))
    refused = call.execute("hello", X_Execution_Id="mine")
    assert (said(refused), refused.headers["retry-after"]) == (recorded(115), "5")
    assert call.http.get("/api/v2/workflows/hello/runs/mine").status_code == 404


def test_nothing_is_claimed_without_a_key_or_a_deployment(call: Caller) -> None:
    call.sandbox.workflow("open", public=True)(lambda given: given)
    call.sandbox.workflow("shelf", deployed=False)(lambda given: given)
    del call.http.headers["X-API-Key"]
    assert call.execute("open", X_Execution_Id="mine").json()["executionId"] != "mine"
    call.http.headers["X-API-Key"] = call.sandbox.api_key
    assert call.execute("shelf", X_Execution_Id="mine").status_code == 403
    assert call.execute("hello", X_Execution_Id="mine").json()["executionId"] == "mine"


def test_a_stream_that_fails_says_done(call: Caller) -> None:
    assert call.frames("fail")[-1] == '"[DONE]"'


def test_v0_6_ignores_the_id(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.6"))
    for given in ("mine", "mine", "not a valid id"):
        assert call.execute("hello", X_Execution_Id=given).json()["executionId"] != given
    assert call.execute("nowhere", X_Execution_Id="not a valid id").status_code == 404


@pytest.mark.parametrize(
    "number",
    ["423", "426", "427", "449", "457", "458", "461", "465", "470", "475", "482"],
)
def test_a_request_is_refused_as_recorded(call: Caller, number: str) -> None:
    given = recording(SELECTION, f"live-{number}")
    path = re.sub(r"/workflows/[0-9a-f-]{36}", "/workflows/hello", given.path)
    ours = {"workspaceId": call.sandbox.workspace_id} if "cursor" in given.query or "limit" in given.query else {}
    headers = {name: value for name, value in given.request_headers.items() if name.lower() not in HOP}
    answer = call.http.request(
        given.method, path, params={**given.query, **ours}, content=given.request_body, headers=headers
    )
    assert said(answer) == (given.status, json.loads(given.body))


HOP = {"x-api-key", "host", "content-length", "connection", "accept-encoding"}


def test_a_body_over_10_mib_is_refused(call: Caller) -> None:
    answer = call.execute("hello", {"text": "y" * (10 * 1024 * 1024)})
    assert said(answer) == recorded("live-472")


class Paused:
    """A run that waits for two answers, and how it is asked about."""

    def __init__(self, call: Caller) -> None:
        @call.sandbox.workflow("two")
        def two(input: dict) -> Iterator[object]:
            yield Pause("First?")
            yield Pause("Second?")

        self.http = call.http
        self.run_id = call.execute("two").json()["executionId"]

    def context(self) -> str:
        run = self.http.get(f"/api/v2/workflows/two/runs/{self.run_id}").json()["data"]
        return run["paused"]["contextId"]

    def resume(self, route: str, context: str, run_id: str | None = None) -> Any:
        run_id = run_id or self.run_id
        if route == "legacy":
            return self.http.post(f"/api/resume/two/{run_id}/{context}", json={"input": {}})
        return self.http.post(f"/api/v2/workflows/two/runs/{run_id}/resume", json={"contextId": context, "input": {}})

    def new_id(self, route: str, context: str) -> str:
        answer = self.resume(route, context).json()
        return answer["executionId"] if route == "legacy" else answer["data"]["runId"]


@pytest.fixture
def paused(call: Caller) -> Paused:
    return Paused(call)


ROUTES = pytest.mark.parametrize("route", ["legacy", "v2"])


@ROUTES
def test_the_id_of_a_resume_can_neither_be_read_nor_resumed(call: Caller, paused: Paused, route: str) -> None:
    new_id = paused.new_id(route, paused.context())
    assert new_id != paused.run_id
    assert call.http.get(f"/api/v2/workflows/two/runs/{new_id}").status_code == 404
    assert call.http.get(f"/api/v1/logs/executions/{new_id}").status_code == 404
    refused = recorded("claims-203") if route == "legacy" else recorded("claims-196")
    assert said(paused.resume(route, paused.context(), new_id)) == refused


@ROUTES
def test_a_pause_is_answered_once(paused: Paused, route: str) -> None:
    first = paused.context()
    paused.new_id(route, first)
    assert said(paused.resume(route, first)) == recorded({"legacy": "live-432", "v2": "claims-189"}[route])
    assert said(paused.resume("v2", "nope")) == recorded("tables-0794")


def test_a_finished_run_can_neither_be_resumed_nor_cancelled(call: Caller, paused: Paused) -> None:
    for _ in range(2):
        paused.new_id("legacy", paused.context())
    assert said(paused.resume("legacy", "nope")) == recorded("live-506")
    cancelled = call.http.post(f"/api/workflows/two/executions/{paused.run_id}/cancel")
    assert said(cancelled) == recorded("live-507")
    assert said(call.http.post("/api/workflows/two/executions/nobody/cancel")) == recorded("live-423")


def test_a_run_that_never_paused_is_not_resumed(call: Caller) -> None:
    run_id = call.execute("hello").json()["executionId"]
    answer = call.http.post(f"/api/v2/workflows/hello/runs/{run_id}/resume", json={"contextId": "x"})
    assert said(answer) == recorded("live-295")


def test_paused_runs_are_listed_without_a_status(call: Caller, paused: Paused) -> None:
    listed = call.http.get("/api/workflows/two/paused").json()["pausedExecutions"]
    assert [each["executionId"] for each in listed] == [paused.run_id]


def test_the_cursors_of_logs_lead_to_the_end(call: Caller) -> None:
    runs = [call.execute("hello").json()["executionId"] for _ in range(3)]
    query = {"workspaceId": call.sandbox.workspace_id, "limit": "2"}
    seen, cursor = [], None
    while True:
        page = call.http.get("/api/v1/logs", params=query if cursor is None else {**query, "cursor": cursor}).json()
        seen += [each["executionId"] for each in page["data"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert sorted(seen) == sorted(runs)
    assert call.http.get("/api/v1/logs", params={**query, "model": "gpt"}).json()["data"] == []


def test_rows_are_not_updated_in_batches(call: Caller) -> None:
    assert call.http.patch("/api/v1/tables/tbl_x/rows", json={}).status_code == 405


def test_a_stream_of_v2_does_not_name_its_run(call: Caller) -> None:
    answer = call.http.post("/api/v2/workflows/count/execute", json={"input": {"to": 1}, "stream": True})
    assert (answer.status_code, "x-run-id" in answer.headers) == (200, False)


def test_unknown_outputs_are_left_out(call: Caller) -> None:
    body = {"input": {}, "selectedOutputs": ["nobody.result"]}
    assert call.http.post("/api/v2/workflows/hello/execute", json=body).json()["data"]["status"] == "completed"


def test_long_texts_are_cut_for_later_readers_and_whole_in_the_job(call: Caller) -> None:
    call.sandbox.workflow("long")(lambda given: {"text": "x" * 15_001})
    whole = {"text": "x" * 15_001}
    cut = {"text": "x" * 15_000 + "... [truncated 1 chars]"}
    accepted = call.submit("long")
    assert call.finished_job(accepted["jobId"])["output"]["output"] == whole
    run_id = accepted["executionId"]
    run = call.http.get(f"/api/v2/workflows/long/runs/{run_id}", params={"includeOutput": "true"}).json()["data"]
    assert run["output"] == cut
    assert call.http.get(f"/api/v2/logs/{run_id}").json()["data"]["finalOutput"] == cut
    query = {"workspaceId": call.sandbox.workspace_id, "details": "full", "includeFinalOutput": "true"}
    assert call.http.get("/api/v1/logs", params=query).json()["data"][0]["finalOutput"] == cut


def test_values_over_8_mib_are_references(call: Caller) -> None:
    call.sandbox.workflow("large")(lambda given: {"text": "x" * 9_000_000})
    found = call.execute("large").json()["output"]["text"]
    assert (found["__simLargeValueRef"], found["kind"], found["size"]) == (True, "string", 9_000_002)


@pytest.mark.parametrize("path", ["/api/users/me/usage-limits", "/api/v1/logs/nobody", "/api/v2/workflows/hello"])
def test_every_response_has_a_request_id(call: Caller, path: str) -> None:
    first, second = (call.http.get(path).headers["x-request-id"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{8}", first)
    assert first != second


def test_a_nul_character_fails_the_run(call: Caller) -> None:
    answer = call.execute("hello", {"x": "a\0b"})
    status, body = recorded("live-384")
    assert (answer.status_code, answer.json()["error"].partition(": ")[2]) == (status, body["error"].partition(": ")[2])


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("path", ["/api/workflows/careful/execute", "/api/v2/workflows/careful/execute"])
def test_a_run_may_be_cancelled_when_its_caller_disconnects(serve: Serve, path: str, accept: str) -> None:
    call = serve(Sandbox(generation="v0.8", cancel_on_disconnect=True))
    entered, cancelled = threading.Event(), threading.Event()

    @call.sandbox.workflow("careful")
    def careful(input: dict, context: Context) -> None:
        entered.set()
        if context.cancelled.wait(5):
            cancelled.set()

    request = call.http.build_request("POST", path, json={"input": {}}, headers={"Accept": accept})
    head = [f"{name}: {value}" for name, value in request.headers.items()]
    with socket.create_connection((request.url.host, request.url.port)) as connection:
        connection.sendall("\r\n".join([f"POST {path} HTTP/1.1", *head, "", request.content.decode()]).encode())
        assert entered.wait(5)
    assert cancelled.wait(5)
