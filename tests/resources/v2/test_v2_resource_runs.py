"""``client.v2.runs``: all that an execution can be told, and what its runs tell."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v2.runs import Run, RunReceipt, RunResult
from tests.driving import Answer, Both, answer, frames, streamed
from tests.modes import both_modes

RUN: dict[str, Any] = {"runId": "r1", "workflowId": "wf", "status": "completed", "output": {"n": 1}, "durationMs": 5}


def run(**changes: Any) -> Answer:
    return answer(200, {"data": {**RUN, **changes}})


class TestExecute:
    async def test_says_all_that_can_be_said(self, both: Both) -> None:
        client = both.client(run())
        manual = {"source": "manual", "entry": {"type": "trigger", "blockId": "b1"}}
        result = await both(
            client.v2.runs.execute(
                "wf",
                input={"name": "Ada"},
                run=manual,
                selected_outputs=["a.b"],
                include_file_base64=False,
                base64_max_bytes=10,
                run_id="mine",
                sim_via="wf0",
                accept="application/x-ndjson",
            )
        )
        (request,) = client.script.requests
        assert request.json() == {
            "input": {"name": "Ada"},
            "run": manual,
            "selectedOutputs": ["a.b"],
            "includeFileBase64": False,
            "base64MaxBytes": 10,
        }
        sent = {name: request.headers[name] for name in ("x-run-id", "x-sim-via", "accept")}
        assert sent == {"x-run-id": "mine", "x-sim-via": "wf0", "accept": "application/x-ndjson"}
        assert isinstance(result, RunResult)
        assert (result.run_id, result.succeeded, result.output, result.duration_ms) == ("r1", True, {"n": 1}, 5)

    async def test_gives_a_failed_run_as_it_is(self, both: Both) -> None:
        why = {"message": "Boom", "code": "SOMETHING_NEW", "blockName": "B", "more": 1}
        result = await both(both.client(run(status="failed", error=why)).v2.runs.execute("wf"))
        assert (result.status, result.succeeded) == ("failed", False)
        assert (result.error.message, result.error.code, result.error.block_name) == ("Boom", "SOMETHING_NEW", "B")
        assert result.error["more"] == 1

    async def test_in_the_background_gives_a_receipt(self, both: Both) -> None:
        client = both.client(answer(202, {"data": {"runId": "r1", "statusUrl": "u"}}))
        receipt = await both(client.v2.runs.submit("wf", execution_timeout_seconds=60))
        assert client.script.requests[0].json() == {"async": True, "executionTimeoutSeconds": 60}
        assert receipt == RunReceipt("r1", "u")

    async def test_queued_before_gives_the_receipt_again(self, both: Both) -> None:
        conflict = {"error": {"code": "CONFLICT", "message": "?", "details": {"code": "RUN_ID_CONFLICT"}}}
        client = both.client(answer(409, conflict), run(status="queued"))
        receipt = await both(client.v2.runs.submit("wf", run_id="mine"))
        assert receipt.run_id == "mine"

    @both_modes
    async def test_streamed_gives_the_result_at_its_end(self, both: Both) -> None:
        text, final = {"blockId": "b", "chunk": "Hi"}, {"event": "final", "data": {"success": True, "output": {}}}
        client = both.client(streamed(frames(text, final, '"[DONE]"')))
        result = await both(client.v2.runs.execute("wf", stream=True, include_thinking=True, run_id="mine"))
        (request,) = client.script.requests
        assert request.json() == {"stream": True, "includeThinking": True}
        assert request.headers["x-sim-stream-protocol"] == "agent-events-v1"
        assert (result.run_id, result.status, result.output) == ("mine", "completed", {"b": {"content": "Hi"}})

    @both_modes
    async def test_sends_files(self, both: Both) -> None:
        client = both.client(run())
        await both(client.v2.runs.execute("wf", input={"doc": sim.File(b"hi", name="a.txt")}))
        assert client.script.requests[0].json()["input"]["doc"]["data"] == "data:text/plain;base64,aGk="

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"selected_outputs": ["a"] * 101}, "from 0 to 100 items"),
            ({"base64_max_bytes": 0}, "from 1 to 16,777,216"),
            ({"accept": "text/html"}, "'application/json', 'application/x-ndjson'"),
            ({"input": [1]}, "input must be"),
            ({"stream": None}, "stream must be True or False"),
        ],
    )
    async def test_refuses_what_the_server_would(self, both: Both, wrong: dict[str, Any], says: str) -> None:
        client = both.client()
        with pytest.raises(sim.InvalidInputError, match=says):
            await both(client.v2.runs.execute("wf", **wrong))
        assert client.script.requests == []

    async def test_names_the_run_in_its_errors(self, both: Both) -> None:
        client = both.client(answer(402, {"error": {"code": "USAGE_LIMIT_EXCEEDED", "message": "No"}}))
        with pytest.raises(sim.UsageLimitExceededError) as caught:
            await both(client.v2.runs.execute("wf", run_id="mine"))
        assert caught.value.run_id == "mine"


class TestRuns:
    @both_modes
    async def test_are_streamed(self, both: Both) -> None:
        text, final = {"blockId": "b", "chunk": "Hi"}, {"event": "final", "data": {"success": True}}
        client = both.client(streamed(frames(text, final)))
        stream = await both(client.v2.runs.stream("wf", input={"a": 1}))
        assert (await both(stream.result())).output == {"b": {"content": "Hi"}}

    @both_modes
    async def test_are_listed_over_all_pages(self, both: Both) -> None:
        first = answer(200, {"data": [{**RUN, "cost": {"total": 2}}], "nextCursor": "n"})
        client = both.client(first, answer(200, {"data": [RUN], "nextCursor": None}))
        pager = client.v2.runs.list("wf", status="failed", order="asc")
        runs = [each async for each in pager] if both.asynchronous else list(pager)
        assert [each.run_id for each in runs] == ["r1", "r1"]
        assert runs[0].cost.total == 2
        assert client.script.requests[1].url.endswith("/workflows/wf/runs?status=failed&order=asc&cursor=n")

    async def test_are_read_with_what_was_asked_for(self, both: Both) -> None:
        files = [{"id": "f1", "name": "a.csv", "size": 3, "type": "text/csv", "downloadPath": "/x", "base64": None}]
        client = both.client(run(files=files, paused=None, blockOutputs={"b": 1}))
        found = await both(
            client.v2.runs.get("wf", "r1", include_output=True, selected_outputs=["b1", "b2.x"], base64_max_bytes=5)
        )
        assert client.script.requests[0].url.endswith(
            "/runs/r1?includeOutput=true&selectedOutputs=b1%2Cb2.x&base64MaxBytes=5"
        )
        assert isinstance(found, Run)
        assert (found.files[0].name, found.block_outputs, found.done, found.paused) == ("a.csv", {"b": 1}, True, None)

    async def test_say_what_they_wait_for(self, both: Both) -> None:
        block = {"contextId": "c1", "pausedAt": "t", "pauseKind": "human", "pausePointCount": 1, "resumedCount": 0}
        found = await both(both.client(run(status="paused", paused=block)).v2.runs.get("wf", "r1"))
        assert (found.paused.context_id, found.paused.execution_id) == ("c1", "r1")
        assert (found.pause_state.pause_point_count, found["paused"]["pauseKind"]) == (1, "human")

    @both_modes
    async def test_are_waited_for(self, both: Both, no_waiting: list[float]) -> None:
        missing = answer(404, {"error": {"code": "NOT_FOUND", "message": "Run not found"}})
        client = both.client(missing, run(status="running"), run(status="failed"))
        seen: list[str] = []
        found = await both(client.v2.runs.wait("wf", "r1", on_progress=lambda each: seen.append(each.status)))
        assert (found.status, seen, len(no_waiting)) == ("failed", ["running", "failed"], 2)

    async def test_have_a_handle(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(run(status="running"), run(status="running"), run())
        handle = pickle.loads(pickle.dumps(client.v2.runs.handle("wf", "r1")))
        assert (handle.id, handle.status, handle.done) == ("r1", "unknown", False)
        handle = client.v2.runs.handle("wf", "r1")
        await both(handle.refresh())
        assert (handle.status, handle.done) == ("running", False)
        assert (await both(handle.result(timeout=60))).output == {"n": 1}
        assert (handle.done, len(no_waiting), len(client.script.requests)) == (True, 1, 3)
        assert (await both(handle.result())).output == {"n": 1}

    @pytest.mark.parametrize(
        ("answered", "kind", "message"),
        [
            (run(status="failed", error={"message": "Boom."}), sim.JobFailedError, "The run r1 failed: Boom."),
            (run(status="failed"), sim.JobFailedError, "no reason given"),
            (run(status="cancelled"), sim.JobCancelledError, "was cancelled"),
        ],
    )
    async def test_a_handle_says_why_a_run_failed(
        self, answered: Answer, kind: type[sim.JobFailedError], message: str, both: Both
    ) -> None:
        with pytest.raises(kind, match=message) as caught:
            await both(both.client(answered).v2.runs.handle("wf", "r1").wait())
        assert (type(caught.value), caught.value.task_id) == (kind, "r1")
        assert isinstance(caught.value.job, Run)

    async def test_a_handle_of_a_paused_run_is_done(self, both: Both) -> None:
        block = {"contextId": "c1"}
        found = await both(both.client(run(status="paused", paused=block)).v2.runs.handle("wf", "r1").wait())
        assert found.status == "paused"

    async def test_a_handle_of_a_run_that_was_paused_asks_again_for_its_result(self, both: Both) -> None:
        block = {"contextId": "c1", "pausedAt": "t", "pauseKind": "human", "pausePointCount": 1, "resumedCount": 0}
        client = both.client(run(status="paused", paused=block), run(paused=None))
        handle = client.v2.runs.handle("wf", "r1")
        await both(handle.wait())

        assert (await both(handle.result())).status == "completed"

    async def test_are_not_waited_for_for_ever(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(run(status="running"), run(status="running"))
        with pytest.raises(sim.APITimeoutError, match="last seen 'running'") as caught:
            await both(client.v2.runs.wait("wf", "r1", timeout=0.001, poll_interval=5))
        assert caught.value.run_id == "r1"

    async def test_are_resumed(self, both: Both) -> None:
        client = both.client(run(runId="r2"), answer(202, {"data": {"runId": "r3", "queuePosition": 4}}))
        result = await both(client.v2.runs.resume("wf", "r1", context_id="c1", input={"ok": True}))
        queued = await both(client.v2.runs.resume("wf", "r1", context_id="c1"))
        assert [request.json() for request in client.script.requests] == [
            {"contextId": "c1", "input": {"ok": True}},
            {"contextId": "c1"},
        ]
        assert isinstance(result, RunResult)
        assert result.run_id == "r2"
        assert queued == RunReceipt("r3", None, 4)

    async def test_are_cancelled(self, both: Both) -> None:
        data = {"success": False, "runId": "r1", "redisAvailable": True, "reason": "already_completed"}
        cancelled = await both(both.client(answer(200, {"data": data})).v2.runs.cancel("wf", "r1"))
        assert (cancelled.success, cancelled.reason, cancelled.locally_aborted) == (False, "already_completed", None)

    async def test_are_cancelled_again_where_the_answer_was_lost(self, both: Both, no_waiting: list[float]) -> None:
        lost = sim.APIConnectionError("cut", host="h", port=1)
        done = answer(200, {"data": {"success": True, "runId": "r1"}})
        assert (await both(both.client(lost, done).v2.runs.cancel("wf", "r1"))).success
        assert (await both(both.client(lost, done, api_version="v2").workflows.cancel("wf", "r1"))).success

    @both_modes
    async def test_give_their_files(self, both: Both, tmp_path: Path) -> None:
        headers = {
            "Content-Type": "text/csv",
            "Content-Disposition": "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.csv",
        }
        client = both.client(answer(200, content=b"a,b", headers=headers))
        download = await both(client.v2.runs.download_file("wf", "r1", "f/1"))
        assert client.script.requests[0].path == "/api/v2/workflows/wf/runs/r1/files/f%2F1"
        assert (download.content, download.name, download.content_type) == (b"a,b", "résumé.csv", "text/csv")
        assert download.save(tmp_path).read_bytes() == b"a,b"
