"""Sim v0.4 and Sim as documented: what differs from v0.6."""

from __future__ import annotations

import json
import re

import pytest

from simstudio.sandbox import Block, RateLimits, Sandbox

from .calls import Caller, Serve


@pytest.fixture
def old(serve: Serve) -> Caller:
    return serve(Sandbox(generation="v0.4"))


@pytest.fixture
def documented(serve: Serve) -> Caller:
    return serve(Sandbox(generation="documents"))


class TestV04:
    def test_a_failing_workflow_is_200_without_success(self, old: Caller) -> None:
        answer = old.execute("fail", {"message": "no"})
        assert answer.status_code == 200
        assert answer.json().keys() == {"success", "output", "error", "metadata"}
        assert (answer.json()["success"], answer.json()["error"]) == (False, "no")

    def test_there_is_no_execution_id(self, old: Caller) -> None:
        assert old.execute("hello").json().keys() == {"success", "output", "metadata"}

    def test_input_is_a_control_key_and_nothing_else_is(self, old: Caller) -> None:
        old.sandbox.workflow("echo")(lambda given: given)
        assert old.execute("echo", {"input": {"a": 1}, "b": 2}).json()["output"] == {"a": 1}
        assert old.execute("echo", {"a": 1, "triggerType": "api"}).json()["output"] == {"a": 1, "triggerType": "api"}
        assert old.execute("echo", {"input": "text"}).json()["output"] == {"input": "text"}
        assert old.execute("echo", [1, 2]).json()["output"] == {"input": [1, 2]}

    def test_invalid_json_is_400(self, old: Caller) -> None:
        answer = old.http.post("/api/workflows/hello/execute", content=b"{")
        error = {"error": "Invalid JSON in request body", "code": "INVALID_JSON_IN_REQUEST_BODY"}
        assert (answer.status_code, answer.json()) == (400, error)

    def test_execute_may_be_asked_with_get(self, old: Caller) -> None:
        assert old.http.get("/api/workflows/hello/execute").json()["output"] == {"message": "Hello, world!"}

    def test_the_key_comes_last_and_status_needs_none(self, old: Caller) -> None:
        nobody = {"X-API-Key": "nope"}
        assert old.http.post("/api/workflows/nowhere/execute", headers=nobody).status_code == 404
        answer = old.http.post("/api/workflows/hello/execute", headers=nobody)
        error = {"error": "Unauthorized: Invalid API key", "code": "UNAUTHORIZED:_INVALID_API_KEY"}
        assert (answer.status_code, answer.json()) == (401, error)
        assert old.http.get("/api/workflows/hello/status", headers=nobody).json()["isPublished"] is False

    def test_a_job_is_a_task_with_a_relative_link(self, old: Caller) -> None:
        accepted = old.submit("hello")
        assert accepted.keys() == {"success", "taskId", "status", "createdAt", "links"}
        assert accepted["links"] == {"status": f"/api/jobs/{accepted['taskId']}"}
        job = old.finished_job(accepted["taskId"])
        assert job["metadata"].keys() == {"startedAt", "completedAt", "duration"}
        assert job["output"]["output"] == {"message": "Hello, world!"}

    def test_a_failed_workflow_is_a_completed_job_without_a_word_about_it(self, old: Caller) -> None:
        job = old.finished_job(old.submit("fail")["taskId"])
        assert (job["status"], job["output"]["success"], job["output"]["output"]) == ("completed", False, {})
        assert "error" not in job

    def test_a_job_that_broke_has_an_error_object(self, serve: Serve) -> None:
        old = serve(Sandbox(generation="v0.4", usage_cost=5, usage_limit=1))
        job = old.finished_job(old.submit("hello")["taskId"])
        assert job["status"] == "failed"
        assert job["error"].keys() == {"message", "name", "stackTrace"}

    def test_streamed_blocks_are_repeated_in_final_and_plain_ones_send_a_chunk(self, old: Caller) -> None:
        @old.sandbox.workflow("both", block="last")
        def both(input: dict):
            yield "text"
            yield Block({"result": {"a": 1}}, name="plain")

        frames = old.frames("both", {"selectedOutputs": ["last.content", "plain.result"]})
        assert [json.loads(frame).get("chunk") for frame in frames[:2]] == ["text", '\n\n{\n  "a": 1\n}']
        output = json.loads(frames[2])["data"]["output"]
        assert output == {
            old.sandbox.block_id("both"): {"content": "text"},
            old.sandbox.block_id("both", "plain"): {"result": {"a": 1}},
        }

    def test_a_failing_stream_ends_in_final_and_done(self, old: Caller) -> None:
        frames = old.frames("fail", {"message": "no"})
        assert json.loads(frames[0]) == {"event": "final", "data": {"success": False, "error": "no", "output": {}}}
        assert frames[1] == '"[DONE]"'

    def test_a_window_of_ten_without_a_burst(self, serve: Serve) -> None:
        old = serve(Sandbox(generation="v0.4", rate_limits=RateLimits(sync_per_minute=1, async_per_minute=1)))
        assert old.execute("hello").status_code == 200
        answer = old.execute("hello")
        assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert re.search(r"You have 0 requests remaining\. Resets at \d{4}-", answer.json()["error"])
        assert old.execute("hello", {}, X_Execution_Mode="async").status_code == 202
        refused = old.execute("hello", {}, X_Execution_Mode="async").json()
        assert refused.keys() == {"error", "message", "remaining", "resetAt"}

    def test_usage_limits_have_one_limit(self, old: Caller) -> None:
        body = old.http.get("/api/users/me/usage-limits").json()
        assert body["rateLimit"]["sync"].keys() == {"isLimited", "limit", "remaining", "resetAt"}
        assert (body["rateLimit"]["sync"]["limit"], body["rateLimit"]["async"]["limit"]) == (10, 50)
        assert "storage" not in body

    def test_a_body_is_not_cut(self, old: Caller) -> None:
        old.sandbox.workflow("size")(lambda given: len(given["a"]))
        size = 11 * 1024 * 1024
        assert old.execute("size", {"a": "x" * size}).json()["output"] == size


class TestDocuments:
    def test_a_stream_ends_in_done_and_a_bare_marker(self, documented: Caller) -> None:
        frames = documented.frames("count", {"to": 2, "selectedOutputs": ["count.content"]})
        assert [json.loads(frame).get("chunk") for frame in frames[:2]] == ["1", " 2"]
        done = json.loads(frames[2])
        assert (done["event"], done["success"], done["output"]) == ("done", True, {})
        assert done["metadata"].keys() == {"duration"}
        assert frames[3] == "[DONE]"

    def test_a_job_is_a_task(self, documented: Caller) -> None:
        accepted = documented.submit("hello")
        assert accepted["status"] == "queued"
        job = documented.finished_job(accepted["taskId"])
        assert (job["status"], job["output"]) == ("completed", {"message": "Hello, world!"})
        failed = documented.finished_job(documented.submit("fail", {"message": "no"})["taskId"])
        assert (failed["status"], failed["error"]) == ("failed", "no")

    def test_rate_limit_headers_are_on_every_answer(self, documented: Caller) -> None:
        for answer in (
            documented.execute("hello"),
            documented.execute("count", {"stream": True}),
            documented.http.get("/api/workflows/hello/status"),
            documented.http.get("/api/users/me/usage-limits"),
        ):
            assert int(answer.headers["x-ratelimit-limit"]) == 10
            assert int(answer.headers["x-ratelimit-remaining"]) >= 0
            assert int(answer.headers["x-ratelimit-reset"]) > 1_700_000_000

    def test_over_the_limit_it_says_when_to_come_back(self, serve: Serve) -> None:
        documented = serve(Sandbox(generation="documents", rate_limits=RateLimits(sync_per_minute=1)))
        documented.execute("hello")
        answer = documented.execute("hello")
        assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert 1 <= int(answer.headers["retry-after"]) <= 60

    def test_errors_have_the_documented_codes(self, documented: Caller) -> None:
        answer = documented.http.post("/api/workflows/hello/execute", headers={"X-API-Key": "nope"})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
        invalid = documented.http.post("/api/workflows/hello/execute", content=b"{")
        assert (invalid.status_code, invalid.json()["code"]) == (400, "INVALID_JSON")
        documented.sandbox.usage_cost, documented.sandbox.usage_limit = 5, 1
        assert documented.execute("hello").json()["code"] == "USAGE_LIMIT_EXCEEDED"

    def test_a_result_has_every_documented_field(self, documented: Caller) -> None:
        body = documented.execute("fail", {"message": "no"}).json()
        assert body.keys() == {"success", "output", "error", "logs", "metadata", "traceSpans", "totalDuration"}

    def test_a_workflow_is_said_to_be_published_or_not(self, documented: Caller) -> None:
        body = documented.http.get("/api/workflows/hello/status").json()
        assert body.keys() == {"isDeployed", "deployedAt", "isPublished", "needsRedeployment"}
