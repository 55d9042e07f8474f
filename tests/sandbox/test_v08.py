"""Sim v0.8: what differs from v0.6 about the ids and the refusals of unversioned executions.

The expected answers are those of the recordings in ``cassettes/sim-v0.8.9-claims``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from simstudio.sandbox import RateLimits, Sandbox
from tests.recorded import recording

from .calls import Caller, Serve

SET = "sim-v0.8.9-claims"
MODES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "sync": ({}, {}),
    "stream": ({"stream": True}, {}),
    "async": ({}, {"X_Execution_Mode": "async"}),
}


def recorded(number: int) -> tuple[int, Any]:
    found = recording(SET, number)
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
    call = serve(Sandbox())
    for given in ("mine", "mine", "not a valid id"):
        assert call.execute("hello", X_Execution_Id=given).json()["executionId"] != given
    assert call.execute("nowhere", X_Execution_Id="not a valid id").status_code == 404
