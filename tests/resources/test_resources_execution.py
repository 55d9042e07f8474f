from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import (
    APIStatusError,
    APITimeoutError,
    AsyncExecutionResult,
    ExecutionError,
    ExecutionTimeoutError,
    InvalidInputError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    RateLimitError,
    ServerError,
    SimStudioError,
    WorkflowExecutionResult,
)
from simstudio.resources.execution import (
    execution_result,
    is_envelope,
    is_refused_execution,
    parse_receipt,
    status_path,
)
from simstudio.transport.auth import Credentials
from tests.driving import KEY, Both, answer, client

CREDENTIALS = Credentials(KEY)
FAILED = {"success": False, "output": {"partial": 1}, "error": "Boom", "metadata": {"duration": 5}}


def result(status: int = 200, body: Any = None, **more: Any) -> WorkflowExecutionResult:
    response = answer(status, body, **more)
    response.method, response.url = "POST", "https://sim.test/api/workflows/wf/execute"
    return execution_result(response, CREDENTIALS)


class TestEnvelope:
    @pytest.mark.parametrize(
        ("data", "envelope"),
        [
            ({"success": True, "output": None}, True),
            ({"success": False, "output": {}}, True),
            ({"success": True}, False),
            ({"output": 1}, False),
            ({"success": 1, "output": 1}, False),
            ({"success": "true", "output": 1}, False),
            ({"success": None, "output": 1}, False),
            ([True], False),
            ("text", False),
            (None, False),
        ],
    )
    def test_it_is_an_object_with_a_boolean_success_and_an_output(self, data: Any, envelope: bool) -> None:
        assert is_envelope(data) is envelope

    def test_it_becomes_the_result(self) -> None:
        sent = {"success": True, "executionId": "e1", "output": {"n": 1}, "metadata": {"duration": 5}, "new": 1}
        made = result(200, sent)
        assert (made.success, made.output, made.execution_id, made.metadata, made.extra) == (
            True,
            {"n": 1},
            "e1",
            {"duration": 5},
            {"new": 1},
        )
        assert made.to_dict() == sent

    def test_a_failure_with_200_is_a_result(self) -> None:
        made = result(200, FAILED)
        assert (made.success, made.error) == (False, "Boom")

    @pytest.mark.parametrize("status", [500, 502, 503, 418, 422])
    def test_a_failure_with_an_error_status_is_an_execution_error_with_the_result(self, status: int) -> None:
        with pytest.raises(ExecutionError, match="Boom") as caught:
            result(status, FAILED)
        error = caught.value
        assert (error.code, error.status) == ("EXECUTION_ERROR", status)
        assert error.result == WorkflowExecutionResult(
            success=False, output={"partial": 1}, error="Boom", metadata={"duration": 5}
        )
        assert error.response is not None
        assert not isinstance(error, APITimeoutError)

    def test_with_408_it_is_an_execution_timeout(self) -> None:
        with pytest.raises(ExecutionTimeoutError) as caught:
            result(408, FAILED)
        assert isinstance(caught.value, APITimeoutError)
        assert (caught.value.code, caught.value.status) == ("TIMEOUT", 408)

    def test_what_the_server_tells_is_on_the_error(self) -> None:
        told = {"message": "No", "code": "BLOCK_EXECUTION_FAILED", "blockName": "Boom"}
        with pytest.raises(ExecutionError) as caught:
            result(500, {**FAILED, "error": told, "executionId": "e1", "code": "OUTER"})
        error = caught.value
        assert (error.run_id, error.server_code, error.block_name) == ("e1", "BLOCK_EXECUTION_FAILED", "Boom")
        assert error.details == told

    def test_a_failure_with_200_at_the_time_limit_is_an_execution_timeout_when_raised(self) -> None:
        ended = result(200, {**FAILED, "error": "Execution timed out after 5 minutes", "executionId": "e1"})
        with pytest.raises(ExecutionTimeoutError) as caught:
            ended.raise_for_failure()
        assert caught.value.run_id == "e1"
        with pytest.raises(ExecutionError) as block:
            result(200, {**FAILED, "error": "Script execution timed out after 180000ms"}).raise_for_failure()
        assert type(block.value) is ExecutionError
        assert caught.value.result is not None

    @pytest.mark.parametrize("error", [None, {"message": "Boom"}, 5, "", []])
    def test_its_error_may_be_anything(self, error: Any) -> None:
        with pytest.raises(ExecutionError) as caught:
            result(500, {"success": False, "output": None, "error": error})
        assert caught.value.result is not None
        assert caught.value.result.error == error

    @pytest.mark.parametrize("code", [5, None, {"a": 1}, "E_MINE"])
    def test_the_servers_code_is_text_or_none(self, code: Any) -> None:
        with pytest.raises(ExecutionError) as caught:
            result(500, {**FAILED, "code": code})
        assert caught.value.server_code == (code if isinstance(code, str) else None)

    @pytest.mark.parametrize(
        ("status", "kind"), [(400, InvalidRequestError), (404, NotFoundError), (429, RateLimitError)]
    )
    def test_with_a_documented_status_it_is_that_statuss_error(self, status: int, kind: type[Exception]) -> None:
        with pytest.raises(kind):
            result(status, FAILED)


class TestResponseBlock:
    @pytest.mark.parametrize(
        "body", [{"a": 1}, [1, 2], "text", 5, 1.5, True, False, {"success": "yes", "output": 1}, {"success": True}, {}]
    )
    @pytest.mark.parametrize("status", [200, 201, 299])
    def test_its_body_is_the_output(self, body: Any, status: int) -> None:
        made = result(status, body)
        assert (made.success, made.output) == (True, body)

    def test_json_null_is_the_output_none(self) -> None:
        assert result(200, content=b"null") == WorkflowExecutionResult(success=True, output=None)

    @pytest.mark.parametrize("content", [b"", b" \r\n"])
    @pytest.mark.parametrize("status", [200, 204])
    def test_nothing_is_the_output_none(self, content: bytes, status: int) -> None:
        assert result(status, content=content).output is None

    def test_the_content_type_does_not_matter(self) -> None:
        assert result(200, content=b'{"a": 1}', headers={"Content-Type": "text/plain"}).output == {"a": 1}

    @pytest.mark.parametrize("content", [b"<html>", b"plain text", b'{"a": ', b"\xff\xfe{"])
    def test_what_is_no_json_is_an_error_with_the_body(self, content: bytes) -> None:
        with pytest.raises(InvalidResponseError) as caught:
            result(200, content=content)
        assert caught.value.response is not None
        assert caught.value.response.content == content

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(418, APIStatusError), (500, ServerError), (503, ServerError), (409, APIStatusError), (302, APIStatusError)],
    )
    @pytest.mark.parametrize("body", [{"mine": 1}, [1], "text"])
    def test_another_status_is_an_error_with_the_body(self, status: int, kind: type[Exception], body: Any) -> None:
        with pytest.raises(kind) as caught:
            result(status, body)
        assert isinstance(caught.value, APIStatusError)
        assert not isinstance(caught.value, ExecutionError)
        assert caught.value.response is not None
        assert caught.value.response.json() == body

    @given(st.binary(max_size=50), st.integers(100, 599))
    def test_no_answer_brings_another_error(self, content: bytes, status: int) -> None:
        with suppress(SimStudioError):
            result(status, content=content)


class TestRefusedBeforeRunning:
    @pytest.mark.parametrize(
        "text",
        [
            "Rate limit exceeded. Please try again later.",
            "Rate limit exceeded",
            "Too many requests",
            "Too many concurrent executions are in progress for this billing account. Please wait.",
        ],
    )
    def test_sims_own_429(self, text: str) -> None:
        assert is_refused_execution(answer(429, {"error": text}))

    @pytest.mark.parametrize(
        "body",
        [
            {"error": "my limit"},
            {"error": "rate limit exceeded"},
            {"error": {"message": "Rate limit exceeded"}},
            {"message": "Too many requests"},
            ["Too many requests"],
            "Too many requests",
            None,
        ],
    )
    def test_not_a_response_blocks(self, body: Any) -> None:
        assert not is_refused_execution(answer(429, body))

    @pytest.mark.parametrize("content", [b"<html>Too many requests", b"[" * 100_000, b"\xff"])
    def test_not_what_is_no_json(self, content: bytes) -> None:
        assert not is_refused_execution(answer(429, content=content))

    @pytest.mark.parametrize("status", [200, 500, 503])
    def test_nor_another_status(self, status: int) -> None:
        assert not is_refused_execution(answer(status, {"error": "Too many requests"}))

    async def test_it_is_sent_again_and_a_response_blocks_429_is_not(self, both: Both, no_waiting: list[float]) -> None:
        own = answer(429, {"error": "Rate limit exceeded. Please try again later."})
        made = both.client(own, answer(200, {"success": True, "output": 1}))
        assert (await both(made.workflows.execute("wf"))).output == 1
        made = both.client(answer(429, {"error": "mine"}))
        with pytest.raises(RateLimitError):
            await both(made.workflows.execute("wf"))


def receipt(body: Any, prefix: str = "", status: int = 202) -> AsyncExecutionResult:
    return parse_receipt(answer(status, body), "wf", prefix)


class TestSubmission:
    def test_the_documents_and_v04(self) -> None:
        sent = {
            "success": True,
            "taskId": "t1",
            "status": "queued",
            "createdAt": "2025-10-01",
            "links": {"status": "/api/jobs/t1"},
        }
        made = receipt(sent)
        assert (made.task_id, made.status, made.created_at, made.links) == (
            "t1",
            "queued",
            "2025-10-01",
            {"status": "/api/jobs/t1"},
        )
        assert (made.workflow_id, made.execution_id) == ("wf", None)
        assert made.to_dict() == sent

    def test_v06(self) -> None:
        sent = {
            "success": True,
            "async": True,
            "jobId": "run_1",
            "executionId": "e1",
            "message": "Queued",
            "statusUrl": "https://public.test/api/jobs/run_1",
        }
        made = receipt(sent)
        assert (made.task_id, made.execution_id, made.status, made.message) == ("run_1", "e1", "queued", "Queued")
        assert made.links == {"status": "/api/jobs/run_1"}
        assert made.status_url == "https://public.test/api/jobs/run_1"
        assert made.to_dict() == sent

    def test_v2(self) -> None:
        made = receipt({"runId": "r1", "statusUrl": "https://public.test/api/v2/workflows/wf/runs/r1"})
        assert (made.success, made.task_id, made.links["status"]) == (True, "r1", "/api/v2/workflows/wf/runs/r1")

    def test_an_execution_alone_is_asked_for_by_its_status_url(self) -> None:
        made = receipt(
            {"success": True, "executionId": "e1", "statusUrl": "https://p.test/sim/api/workflows/wf/executions/e1"},
            "/sim",
        )
        assert (made.task_id, made.execution_id) == ("e1", "e1")
        assert made.links["status"] == "/api/workflows/wf/executions/e1"

    @pytest.mark.parametrize("links", [{"status": 5}, {"other": "/x"}, "garbage", None, [1]])
    def test_a_status_link_is_always_there(self, links: Any) -> None:
        assert receipt({"success": True, "taskId": "a/b", "links": links}).links["status"] == "/api/jobs/a%2Fb"

    @pytest.mark.parametrize(
        "body", [{}, {"success": True}, {"taskId": 5}, {"taskId": None}, [], "text", None, {"taskId": ["x"]}]
    )
    def test_without_an_id_the_answer_is_on_the_error_so_that_nothing_is_lost(self, body: Any) -> None:
        with pytest.raises(InvalidResponseError) as caught:
            receipt(body) if body is not None else parse_receipt(answer(202, content=b"null"), "wf", "")
        assert caught.value.response is not None

    def test_a_result_instead_of_a_receipt_is_an_error_that_says_so(self) -> None:
        with pytest.raises(InvalidResponseError, match="X-Execution-Mode") as caught:
            receipt({"success": True, "output": {"n": 1}}, status=200)
        assert caught.value.response is not None
        assert caught.value.response.json()["output"] == {"n": 1}

    async def test_it_is_sent_as_a_background_run(self, both: Both) -> None:
        made = both.client(answer(202, {"success": True, "jobId": "run_1"}))
        await both(made.workflows.submit("a/b", {"n": 1}))
        (request,) = made.script.requests
        assert (request.method, request.path) == ("POST", "/api/workflows/a%2Fb/execute")
        assert request.headers["X-Execution-Mode"] == "async"
        assert request.content == b'{"n":1}'


class TestStatusPath:
    @pytest.mark.parametrize(
        ("url", "prefix", "path"),
        [
            ("https://public.test/api/jobs/1", "", "/api/jobs/1"),
            ("http://other.test:3000/sim/api/jobs/1?x=1", "/sim", "/api/jobs/1?x=1"),
            ("/api/jobs/1", "", "/api/jobs/1"),
            ("https://public.test/api/a..b/c", "", "/api/a..b/c"),
            ("//other.test/api/jobs/1#part", "", "/api/jobs/1"),
        ],
    )
    def test_only_the_path_is_used(self, url: str, prefix: str, path: str) -> None:
        assert status_path(url, prefix) == path

    @pytest.mark.parametrize(
        ("url", "prefix"),
        [
            ("https://public.test/jobs/1", ""),
            ("https://public.test/api", ""),
            ("https://public.test/api/jobs/1", "/sim"),
            ("https://public.test/simapi/jobs", "/sim"),
            ("https://p.test/api//jobs/1", ""),
            ("https://p.test/api/../admin", ""),
            ("https://p.test/api/./jobs", ""),
            ("https://p.test/api/%2e%2e/admin", ""),
            ("https://p.test/api/%2E./admin", ""),
            ("https://p.test/api/.%2e/admin", ""),
            ("https://p.test/api/a\\b", ""),
            ("https://p.test/api/ü", ""),
            ("https://p.test/api/a b", ""),
            ("https://p.test/api/%2e/x", ""),
            ("https://[::1/api/x", ""),
            ("", ""),
            ("api/jobs/1", ""),
            ("https://p.test/%61pi/jobs", ""),
            ("https://p.test/api/..", ""),
            ("https://p.test/api/x?a=\x7f", ""),
        ],
    )
    def test_a_path_that_cannot_be_sims_is_refused(self, url: str, prefix: str) -> None:
        assert status_path(url, prefix) is None

    @given(st.text())
    def test_whatever_comes_stays_below_api(self, url: str) -> None:
        path = status_path(url, "")
        assert path is None or path.startswith("/api/")

    async def test_an_unusable_status_url_is_not_asked(self, both: Both) -> None:
        made = both.client(
            answer(202, {"success": True, "executionId": "e1", "statusUrl": "https://evil.test/elsewhere"}),
            answer(404, {"error": "Task not found"}),
            answer(200, {"executionId": "e1", "status": "completed", "output": 1}),
        )
        queued = await both(made.workflows.submit("wf"))
        done = await both(made.jobs.get(queued))
        assert done.status == "completed"
        assert [request.url for request in made.script.requests[1:]] == [
            "https://sim.test/api/jobs/e1",
            "https://sim.test/api/workflows/wf/executions/e1?includeOutput=true",
        ]

    @pytest.mark.parametrize(
        ("sent", "asked"),
        [
            ("/api/workflows/wf/executions/e1", "/api/workflows/wf/executions/e1?includeOutput=true"),
            ("/api/workflows/wf/executions/e1?a=b", "/api/workflows/wf/executions/e1?a=b"),
            ("/api/jobs/e1", "/api/jobs/e1"),
            ("/api/jobs/e1?a=b", "/api/jobs/e1?a=b"),
        ],
    )
    def test_an_execution_is_asked_for_with_its_output_unless_its_url_has_a_query(self, sent: str, asked: str) -> None:
        receipt = {"success": True, "executionId": "e1", "statusUrl": f"https://public.test{sent}"}
        made = client(answer(202, receipt), answer(200, {"executionId": "e1", "status": "completed"}))
        made.jobs.get(made.workflows.submit("wf"))
        assert made.script.requests[1].url == f"https://sim.test{asked}"  # type: ignore[attr-defined]


class TestIds:
    @pytest.mark.parametrize("workflow_id", ["", " ", ".", "..", None, 5, b"wf"])
    async def test_what_names_no_workflow_is_refused_before_anything_is_sent(
        self, both: Both, workflow_id: Any
    ) -> None:
        made = both.client()
        for operation in (
            made.workflows.execute,
            made.workflows.submit,
            made.workflows.status,
            made.get_workflow_status,
        ):
            with pytest.raises(InvalidInputError, match="workflow_id"):
                await both(operation(workflow_id))
        with pytest.raises(InvalidInputError, match="workflow_id"):
            await both(made.workflows.stream(workflow_id))
        assert made.script.requests == []

    async def test_control_characters_are_encoded(self, both: Both) -> None:
        made = both.client(answer(200, {"isDeployed": True}))
        await both(made.workflows.status("a\r\nb?#/é"))
        assert made.script.requests[0].url == "https://sim.test/api/workflows/a%0D%0Ab%3F%23%2F%C3%A9/status"


def test_a_json_text_of_a_receipt_is_kept_as_sent() -> None:
    sent = {"success": True, "taskId": "t1", "nested": {"a": [1]}}
    assert json.loads(json.dumps(receipt(sent).to_dict())) == sent
