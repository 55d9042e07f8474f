"""Background runs, cancelling, and the state of executions."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from simstudio.sandbox import Context, Sandbox, respond

from .calls import Caller, Serve, pause


@pytest.mark.generation("v0.6")
def test_a_job_is_accepted_with_its_ids(call: Caller) -> None:
    accepted = call.submit("hello")
    assert set(accepted) == {"success", "async", "jobId", "executionId", "message", "statusUrl"}
    assert re.fullmatch(r"run_[0-9a-f]{20}", accepted["jobId"])
    assert accepted["statusUrl"] == f"{call.server.base_url}/api/jobs/{accepted['jobId']}"


def test_the_status_url_names_the_configured_host_not_the_one_asked(serve: Serve) -> None:
    call = serve(Sandbox(public_url="https://sim.example/"))
    accepted = call.submit("hello")
    assert accepted["statusUrl"] == f"https://sim.example/api/jobs/{accepted['jobId']}"


def test_a_completed_job_holds_the_output_of_the_workflow(call: Caller) -> None:
    accepted = call.submit("hello", {"name": "Ada"})
    job = call.finished_job(accepted["jobId"])
    assert (job["status"], job["output"]["success"]) == ("completed", True)
    assert job["output"]["output"] == {"message": "Hello, Ada!"}
    assert job["output"]["executionId"] == job["metadata"]["correlation"]["executionId"] == accepted["executionId"]


def test_a_running_job_is_processing_without_output(call: Caller) -> None:
    job = call.job(call.submit("slow", {"seconds": 60})["jobId"])
    assert (job["status"], job["output"]) == ("processing", None)


def test_a_job_that_waits_for_another_is_pending(serve: Serve) -> None:
    call = serve(Sandbox(job_concurrency=1))
    call.submit("slow", {"seconds": 60})
    assert call.job(call.submit("hello")["jobId"])["status"] == "pending"


def test_a_failed_job_has_an_error_text(call: Caller) -> None:
    job = call.finished_job(call.submit("fail", {"message": "no"})["jobId"])
    assert (job["success"], job["status"], job["error"], job["output"]) == (True, "failed", "fail: no", None)


def test_a_response_block_is_the_output_of_its_job(call: Caller) -> None:
    call.sandbox.workflow("tea")(lambda given: respond(418, {"X-A": "b"}, {"short": True}))
    job = call.finished_job(call.submit("tea")["jobId"])
    assert job["output"]["output"] == {
        "data": {"short": True},
        "status": 418,
        "headers": {"Content-Type": "application/json", "X-A": "b"},
    }


def test_a_timed_out_job_is_completed_without_success(serve: Serve) -> None:
    call = serve(Sandbox(execution_timeout=0.02))
    job = call.finished_job(call.submit("slow", {"seconds": 60})["jobId"])
    assert (job["status"], job["output"]["success"], job["output"]["output"]) == ("completed", False, {})


def test_a_cancelled_job_is_completed_without_success(call: Caller) -> None:
    accepted = call.submit("slow", {"seconds": 60})
    answer = call.http.post(f"/api/workflows/slow/executions/{accepted['executionId']}/cancel").json()
    assert answer == {
        "success": True,
        "executionId": accepted["executionId"],
        "redisAvailable": True,
        "durablyRecorded": True,
        "locallyAborted": False,
        "pausedCancelled": False,
        "reason": "recorded",
    }
    job = call.finished_job(accepted["jobId"])
    assert (job["status"], job["output"]["success"], "error" in job) == ("completed", False, False)


def test_a_job_can_be_cancelled_before_it_begins(serve: Serve) -> None:
    call = serve(Sandbox(job_concurrency=1))
    ran: list[object] = []
    call.sandbox.workflow("never")(ran.append)
    first = call.submit("slow", {"seconds": 60})
    second = call.submit("never")
    for workflow, accepted in (("never", second), ("slow", first)):
        call.http.post(f"/api/workflows/{workflow}/executions/{accepted['executionId']}/cancel")
    assert call.finished_job(second["jobId"])["output"]["success"] is False
    assert call.http.get(f"/api/workflows/never/executions/{second['executionId']}").json()["status"] == "cancelled"
    assert not ran


def test_a_cancelled_async_function_is_cancelled_as_tasks_are(call: Caller) -> None:
    cancelled = threading.Event()

    @call.sandbox.workflow("sleeper")
    async def sleeper(input: dict) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    accepted = call.submit("sleeper")
    while call.job(accepted["jobId"])["status"] == "pending":
        pause()
    call.http.post(f"/api/workflows/sleeper/executions/{accepted['executionId']}/cancel")
    assert cancelled.wait(5)


def test_a_cancelled_synchronous_run_answers_200_without_success_or_error(call: Caller) -> None:
    known: list[str] = []
    entered = threading.Event()

    @call.sandbox.workflow("patient")
    def patient(input: dict, context: Context) -> None:
        known.append(context.execution_id)
        entered.set()
        context.cancelled.wait(5)

    def cancel() -> None:
        entered.wait(5)
        call.http.post(f"/api/workflows/patient/executions/{known[0]}/cancel")

    canceller = threading.Thread(target=cancel)
    canceller.start()
    answer = call.execute("patient")
    canceller.join()
    assert answer.status_code == 200
    assert set(answer.json()) == {"success", "executionId", "output", "metadata"}
    assert answer.json()["success"] is False


@pytest.mark.generation("v0.6")
def test_unknown_and_finished_executions_are_cancelled_just_as_well(call: Caller) -> None:
    assert call.http.post("/api/workflows/hello/executions/unknown/cancel").json()["success"] is True
    assert call.http.post("/api/workflows/nowhere/executions/unknown/cancel").status_code == 404


def test_without_redis_nothing_is_cancelled_and_the_answer_is_200_all_the_same(serve: Serve) -> None:
    call = serve(Sandbox(redis=False))
    accepted = call.submit("slow", {"seconds": 60})
    answer = call.http.post(f"/api/workflows/slow/executions/{accepted['executionId']}/cancel")
    assert (answer.status_code, answer.json()["success"], answer.json()["reason"]) == (200, False, "redis_unavailable")
    assert call.job(accepted["jobId"])["status"] == "processing"


def test_an_unknown_job_is_404_and_a_foreign_one_403(serve: Serve) -> None:
    call = serve(Sandbox(outsider_key="outsider"))
    job_id = call.submit("hello")["jobId"]
    assert call.http.get("/api/jobs/x").json() == {"error": "Task not found", "code": "TASK_NOT_FOUND"}
    answer = call.http.get(f"/api/jobs/{job_id}", headers={"X-API-Key": "outsider"})
    assert (answer.status_code, answer.json()) == (403, {"error": "Access denied", "code": "ACCESS_DENIED"})


@pytest.mark.parametrize("key", ["useDraftState", "stopAfterBlockId", "includeFileBase64"])
def test_some_controls_do_not_go_with_background_runs(call: Caller, key: str) -> None:
    value = "x" if key == "stopAfterBlockId" else False
    answer = call.execute("hello", {key: value}, X_Execution_Mode="async")
    error = "Async execution does not support draft or override execution controls"
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_async_wins_over_stream_and_must_be_lower_case(call: Caller) -> None:
    assert call.execute("hello", {"stream": True}, X_Execution_Mode="async").status_code == 202
    assert call.execute("hello", {}, X_Execution_Mode="ASYNC").status_code == 200


def test_the_state_of_an_execution_can_be_read(call: Caller) -> None:
    accepted = call.submit("count", {"to": 2})
    call.finished_job(accepted["jobId"])
    path = f"/api/workflows/count/executions/{accepted['executionId']}"
    body = call.http.get(path, params={"includeOutput": "true", "selectedOutputs": "count.content,no.one"}).json()
    assert (body["status"], body["level"], body["error"], body["paused"]) == ("completed", "info", None, None)
    assert body["finalOutput"] == {"content": "1 2", "count": 2}
    assert body["blockOutputs"] == {"count.content": "1 2"}
    assert "finalOutput" not in call.http.get(path).json()


def test_a_failed_execution_says_why(call: Caller) -> None:
    accepted = call.submit("fail", {"message": "no"})
    call.finished_job(accepted["jobId"])
    body = call.http.get(f"/api/workflows/fail/executions/{accepted['executionId']}").json()
    assert (body["status"], body["level"], body["error"]) == ("failed", "error", "fail: no")


def test_an_execution_belongs_to_its_workflow(call: Caller) -> None:
    execution = call.execute("hello").json()["executionId"]
    assert call.http.get(f"/api/workflows/hello/executions/{execution}").status_code == 200
    assert call.http.get(f"/api/workflows/count/executions/{execution}").status_code == 404
