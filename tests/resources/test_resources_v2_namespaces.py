"""``api_version="v2"``: jobs, streams, status, usage, cancelling, and the flat methods, in the words of v1."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from simstudio import (
    APIConnectionError,
    AsyncExecutionResult,
    ConfigurationError,
    ExecutionError,
    ExecutionTimeoutError,
    InvalidInputError,
    InvalidResponseError,
    JobCancelledError,
    JobFailedError,
    JobTimeoutError,
    NotFoundError,
    OtherEvent,
    ResetEvent,
    StreamError,
    ThinkingEvent,
    ToolEvent,
)
from tests.driving import KEY, Both, answer, frames, streamed

V2 = {"api_version": "v2"}
MISSING = {"error": {"code": "NOT_FOUND", "message": "Run not found"}}
RECEIPT = {"data": {"runId": "r1", "statusUrl": "https://elsewhere/api/v2/workflows/wf/runs/r1"}}


def run(status: str = "completed", **changes: Any) -> Any:
    data = {"runId": "r1", "workflowId": "wf", "status": status, "trigger": "api", "output": None, **changes}
    return answer(200, {"data": data})


def started(*data: Any) -> Any:
    return streamed(frames(*data))


class TestJobs:
    async def test_are_found_by_their_receipt(self, both: Both) -> None:
        client = both.client(answer(202, RECEIPT), run(output={"success": False, "output": 1}, durationMs=5), **V2)
        job = await both(client.jobs.get(await both(client.workflows.submit("wf"))))
        assert client.script.requests[1].path == "/api/v2/workflows/wf/runs/r1"
        assert client.script.requests[1].url.endswith("?includeOutput=true")
        assert (job.task_id, job.execution_id, job.workflow_id, job.status) == ("r1", "r1", "wf", "completed")
        # an output that looks like v1's envelope is the workflow's own
        assert (job.succeeded, job.result.output) == (True, {"success": False, "output": 1})
        assert job.metadata == {"duration": 5}

    async def test_need_their_workflow(self, both: Both) -> None:
        with pytest.raises(InvalidInputError, match="workflow_id="):
            await both(both.client(**V2).jobs.get("r1"))

    async def test_of_this_client_are_found_by_their_id(self, both: Both) -> None:
        client = both.client(answer(202, RECEIPT), run(), **V2)
        queued = await both(client.workflows.submit("wf"))
        assert (await both(client.jobs.get(queued.task_id))).workflow_id == "wf"

    async def test_may_not_be_there_at_once(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(answer(202, RECEIPT), answer(404, MISSING), run("queued"), run(output=2), **V2)
        job = await both(client.jobs.wait(await both(client.workflows.submit("wf"))))
        assert (job.result.output, len(no_waiting)) == (2, 2)

    async def test_that_never_were_are_not_waited_for(self, both: Both) -> None:
        client = both.client(answer(404, MISSING), **V2)
        with pytest.raises(NotFoundError):
            await both(client.jobs.wait("typo", workflow_id="wf"))

    @pytest.mark.parametrize(("status", "kind"), [("failed", JobFailedError), ("cancelled", JobCancelledError)])
    async def test_that_failed_raise(self, both: Both, status: str, kind: type[Exception]) -> None:
        client = both.client(run(status, error={"message": "Boom", "code": "EXECUTION_FAILED"}), **V2)
        with pytest.raises(kind, match="Boom") as caught:
            await both(client.jobs.wait("r1", workflow_id="wf"))
        assert caught.value.job.status == status  # type: ignore[attr-defined]

    async def test_that_failed_carry_what_is_known(self, both: Both) -> None:
        sent = {"message": "No", "code": "BLOCK_EXECUTION_FAILED", "blockId": "b1", "blockName": "Boom"}
        with pytest.raises(JobFailedError, match="failed: Boom: No") as caught:
            await both(both.client(run("failed", error=sent), **V2).jobs.wait("r1", workflow_id="wf"))
        error = caught.value
        assert (error.run_id, error.task_id, error.server_code) == ("r1", "r1", "BLOCK_EXECUTION_FAILED")
        assert (error.details, error.block_id, error.block_name, error.block_type) == (sent, "b1", "Boom", None)
        assert (error.code, error.result.success) == ("EXECUTION_ERROR", False)

    async def test_that_met_their_time_limit_are_execution_timeouts(self, both: Both) -> None:
        sent = {"message": "Execution timed out after 1 seconds", "code": "TIMEOUT"}
        client = both.client(run("failed", error=sent), **V2)
        with pytest.raises(ExecutionTimeoutError, match="timed out after 1 seconds") as caught:
            await both(client.jobs.handle("r1", workflow_id="wf").result())
        assert isinstance(caught.value, JobFailedError)
        assert (caught.value.code, caught.value.server_code, caught.value.run_id) == ("TIMEOUT", "TIMEOUT", "r1")
        assert pickle.loads(pickle.dumps(caught.value)).job == caught.value.job

    async def test_that_are_not_done_in_time_name_their_run(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(run("running"), run("running"), **V2)
        with pytest.raises(JobTimeoutError) as caught:
            await both(client.jobs.wait("r1", workflow_id="wf", timeout=0.001))
        assert (caught.value.run_id, caught.value.task_id) == ("r1", "r1")

    async def test_whose_state_python_does_not_read_end_the_wait(self, both: Both) -> None:
        long = answer(200, content=b'{"data": {"status": "completed", "output": ' + b"9" * 5000 + b"}}")
        client = both.client(long, **V2)
        with pytest.raises(InvalidResponseError, match="JSON that Python does not read"):
            await both(client.jobs.wait("r1", workflow_id="wf"))

    async def test_that_wait_for_a_human_are_given_back(self, both: Both) -> None:
        block = {"contextId": "c1", "pausedAt": "t", "pauseKind": "human", "blockedOnBlockId": "b1"}
        job = await both(both.client(run("paused", paused=block), **V2).jobs.wait("r1", workflow_id="wf"))
        assert (job.paused, job.done, job.succeeded) == (True, True, False)
        assert job.pause is not None
        assert (job.pause.context_id, job.pause.kind, job.pause.block_id) == ("c1", "human", "b1")

    async def test_run_waits_and_gives_the_result(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(answer(202, RECEIPT), run("running"), run(output={"a": 1}), **V2)
        result = await both(client.workflows.run("wf"))
        assert (result.success, result.output, result.execution_id) == (True, {"a": 1}, "r1")

    async def test_of_another_version_are_asked_for_in_it(self, both: Both) -> None:
        legacy = answer(202, {"success": True, "async": True, "jobId": "run_1", "executionId": "e1"})
        done = answer(200, {"success": True, "taskId": "run_1", "status": "pending", "metadata": {}, "output": None})
        queued = await both(both.client(legacy).workflows.submit("wf"))
        client = both.client(done, **V2)
        job = await both(client.jobs.get(pickle.loads(pickle.dumps(queued))))
        assert client.script.requests[0].path == "/api/jobs/run_1"
        assert (queued.api_version, job.api_version) == ("v1", "v1")
        other = AsyncExecutionResult(True, "r1", links={"status": "/api/v2/workflows/wf/runs/r1"}, workflow_id="wf")
        client = both.client(run())
        assert (await both(client.jobs.get(other))).api_version == "v2"

    async def test_as_the_documents_tell_them(self, both: Both) -> None:
        client = both.client(answer(202, RECEIPT), run("running"), run(output=1, durationMs=7), **V2)
        queued = await both(client.execute_workflow("wf", async_execution=True))
        assert (await both(client.get_job_status(queued.task_id)))["status"] == "processing"
        assert await both(client.get_job_status(queued.task_id)) == {
            "success": True,
            "taskId": "r1",
            "status": "completed",
            "metadata": {"duration": 7},
            "output": 1,
            "error": None,
        }


class TestStreams:
    async def test_text_and_result(self, both: Both) -> None:
        client = both.client(
            started(
                {"blockId": "b", "chunk": "Hi"},
                {"event": "final", "data": {"success": True, "output": {}}},
                '"[DONE]"',
            ),
            **V2,
        )
        result = await both(client.execute_workflow("wf", {"a": 1}, stream=True, selected_outputs=["b.content"]))
        request = client.script.requests[0]
        assert request.json() == {"input": {"a": 1}, "stream": True, "selectedOutputs": ["b.content"]}
        assert "X-Sim-Stream-Protocol" not in request.headers
        assert result.output == {"b": {"content": "Hi"}}
        assert result.execution_id == request.headers["X-Run-Id"]

    async def test_agent_events_when_asked_for(self, both: Both) -> None:
        client = both.client(
            started(
                {"blockId": "b", "event": "thinking", "data": "hm"},
                {"blockId": "b", "event": "tool", "phase": "start", "id": "t1", "name": "search"},
                {"blockId": "b", "chunk": "wrong"},
                {"blockId": "b", "event": "chunk_reset"},
                {"blockId": "b", "chunk": "right"},
                {"blockId": "b", "event": "output", "data": 1},
                {"event": "final", "data": {"success": True, "output": {}}},
                '"[DONE]"',
            ),
            **V2,
        )
        stream = await both(client.workflows.stream("wf", include_thinking=True, include_tool_calls=True))
        events = [event async for event in stream] if both.asynchronous else list(stream)
        request = client.script.requests[0]
        assert request.json() == {"stream": True, "includeThinking": True, "includeToolCalls": True}
        assert request.headers["X-Sim-Stream-Protocol"] == "agent-events-v1"
        thinking, tool, _, reset, _, other, _ = events
        assert isinstance(thinking, ThinkingEvent)
        assert (thinking.data, thinking.block_id) == ("hm", "b")
        assert isinstance(tool, ToolEvent)
        assert (tool.phase, tool.id, tool.name, tool.status) == ("start", "t1", "search", None)
        assert isinstance(reset, ResetEvent)
        assert isinstance(other, OtherEvent)
        assert (await both(stream.result())).output == {"b": {"content": "right"}}

    async def test_odd_agent_events_are_as_they_came(self, both: Both) -> None:
        odd = [{"event": "tool", "phase": 5}, {"event": "tool"}, {"event": "chunk_reset", "blockId": ["b"]}]
        client = both.client(started(*odd, {"event": "final", "data": {"success": True}}), **V2)
        stream = await both(client.workflows.stream("wf"))
        events = [event async for event in stream] if both.asynchronous else list(stream)
        assert events[:3] == odd
        assert [type(event) for event in events[:3]] == [ToolEvent, ToolEvent, ResetEvent]

    async def test_v1_has_none(self, both: Both) -> None:
        stream = both.client().workflows.stream
        with pytest.raises(InvalidInputError, match='api_version="v2"'):
            await both(stream("wf", include_thinking=True))

    async def test_that_breaks_off_tells_its_run(self, both: Both) -> None:
        client = both.client(started({"blockId": "b", "chunk": "Hi"}), **V2)
        with pytest.raises(StreamError) as caught:
            await both(client.execute_workflow("wf", stream=True))
        assert caught.value.run_id == client.script.requests[0].headers["X-Run-Id"]
        assert caught.value.run_id in str(caught.value)
        assert caught.value.partial == "Hi"

    async def test_that_fails_tells_its_run(self, both: Both) -> None:
        client = both.client(started({"event": "error", "error": "Boom"}), **V2)
        with pytest.raises(ExecutionError, match="Boom") as caught:
            await both(client.execute_workflow("wf", stream=True))
        assert caught.value.run_id == client.script.requests[0].headers["X-Run-Id"]

    async def test_is_not_begun_twice(self, both: Both, no_waiting: list[float]) -> None:
        lost = APIConnectionError("cut", host="h", port=1)
        conflict = {"error": {"code": "CONFLICT", "message": "?", "details": {"code": "RUN_ID_CONFLICT"}}}
        client = both.client(lost, answer(409, conflict), run(output={"a": 1}), **V2)
        stream = await both(client.workflows.stream("wf"))
        assert (await both(stream.result())).output == {"a": 1}

    async def test_that_could_not_begin_is_the_servers_error(self, both: Both) -> None:
        client = both.client(answer(403, {"error": {"code": "FORBIDDEN", "message": "Not deployed"}}), **V2)
        with pytest.raises(Exception, match="Not deployed"):
            await both(client.workflows.stream("wf"))


class TestTheRest:
    async def test_status_is_that_of_the_deployment(self, both: Both) -> None:
        data = {"id": "wf", "isDeployed": True, "deployedAt": "t", "needsRedeployment": True, "isPublicApi": False}
        client = both.client(answer(200, {"data": data}), answer(200, {"data": data}), **V2)
        status = await both(client.workflows.status("wf"))
        assert (status.is_deployed, status.deployed_at, status.needs_redeployment) == (True, "t", True)
        assert client.script.requests[0].path == "/api/v2/workflows/wf/deployment"
        assert await both(client.workflows.validate("wf")) is True

    async def test_cancelling_names_the_run(self, both: Both) -> None:
        data = {"success": False, "runId": "r1", "redisAvailable": True, "reason": "already_completed"}
        client = both.client(answer(200, {"data": data}), **V2)
        cancelled = await both(client.workflows.cancel("wf", "r1"))
        assert client.script.requests[0].path == "/api/v2/workflows/wf/runs/r1/cancel"
        assert (cancelled.success, cancelled.execution_id, cancelled.reason) == (False, "r1", "already_completed")

    async def test_usage_counts_credits(self, both: Both) -> None:
        data = {
            "plan": "pro",
            "status": "active",
            "credits": {"used": 1, "limit": 10, "remaining": 9},
            "storage": {"usedBytes": 1, "limitBytes": 2, "percentUsed": 50},
        }
        client = both.client(answer(200, {"data": data}), **V2)
        limits = await both(client.usage.limits())
        assert client.script.requests[0].path == "/api/v2/billing/status"
        assert (limits.success, limits.usage.plan, limits.usage["plan"]) == (True, "pro", "pro")
        assert limits.credits is not None
        assert (limits.credits.remaining, limits.storage.used_bytes) == (9, 1)
        assert limits.usage.current_period_cost is None  # dollars are not credits

    async def test_the_version_comes_from_the_environment(self, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIM_API_VERSION", "v2")
        client = both.client(run())
        assert client.api_version == "v2"
        assert pickle.loads(pickle.dumps(client)).api_version == "v2"
        assert client.with_options(timeout=5).api_version == "v2"

    async def test_a_version_that_is_none_is_refused(self, both: Both) -> None:
        with pytest.raises(ConfigurationError, match='"v1" or "v2"'):
            both.client(api_version="v3")

    async def test_the_key_is_in_no_error(self, both: Both) -> None:
        echo = {"message": f"bad {KEY}", "code": "EXECUTION_FAILED"}
        client = both.client(run("failed", error=echo), **V2)
        with pytest.raises(ExecutionError) as caught:
            await both(client.workflows.execute("wf"))
        assert KEY not in f"{caught.value!r} {caught.value.details} {caught.value.result!r}"
        assert KEY.encode() not in caught.value.response.content  # type: ignore[union-attr]
