"""``api_version="v2"``: executions that are claimed, awaited, queued; what the server answers, and what is lost."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from simstudio import (
    ANONYMOUS,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    APIVersionError,
    AsyncExecutionResult,
    ConflictError,
    ExecutionError,
    ExecutionTimeoutError,
    InvalidInputError,
    InvalidResponseError,
    LargeValueRef,
    NotFoundError,
    RateLimitError,
    Request,
    Response,
    ServerError,
)
from simstudio.resources.dialects.stream_options import StreamOptions
from simstudio.transport.flow import Flow
from tests.driving import Answer, Both, answer, client, dialect_of, frames, play, streamed

V2 = {"api_version": "v2"}
RUN: dict[str, Any] = {
    "workflowId": "wf",
    "status": "completed",
    "output": {"n": 1},
    "blockOutputs": None,
    "error": None,
    "startedAt": "2026-11-20T08:00:00.000Z",
    "endedAt": "2026-11-20T08:00:01.000Z",
    "durationMs": 1000,
}
CONFLICT = {"error": {"code": "CONFLICT", "message": "Run id in use", "details": {"code": "RUN_ID_CONFLICT"}}}
GATE = {"error": {"code": "NOT_FOUND", "message": "Not found"}}


def run(**changes: Any) -> Any:
    """A run under the id it was claimed by."""

    def made(request: Request) -> Response:
        run_id = request.headers.get("X-Run-Id") or request.path.rpartition("/")[2]
        return answer(200, {"data": {"runId": run_id, **RUN, **changes}})

    return made


def ndjson(*lines: Any) -> Any:
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    return answer(200, content=text.encode(), headers={"Content-Type": "application/x-ndjson"})


class TestTheRequest:
    async def test_nests_the_input_and_goes_to_v2(self, both: Both) -> None:
        client = both.client(run(), **V2)
        await both(client.workflows.execute("my wf", {"stream": True, "name": "Ada"}))
        request = client.script.requests[0]
        assert (request.method, request.path) == ("POST", "/api/v2/workflows/my%20wf/execute")
        assert request.json() == {"input": {"stream": True, "name": "Ada"}}  # no key of a user collides with Sim's

    async def test_says_nothing_of_an_input_that_is_none(self, both: Both) -> None:
        client = both.client(run(), **V2)
        await both(client.workflows.execute("wf"))
        assert client.script.requests[0].json() == {}

    async def test_wraps_a_value_that_is_no_mapping_as_v1_does(self, both: Both) -> None:
        client = both.client(run(), **V2)
        await both(client.workflows.execute("wf", [1, 2]))
        assert client.script.requests[0].json() == {"input": {"input": [1, 2]}}

    async def test_carries_a_new_run_id_each_time(self, both: Both) -> None:
        client = both.client(run(), run(), **V2)
        first = await both(client.workflows.execute("wf"))
        second = await both(client.workflows.execute("wf"))
        sent = [request.headers["X-Run-Id"] for request in client.script.requests]
        assert sent == [first.execution_id, second.execution_id]
        assert len({uuid.UUID(each) for each in sent}) == 2

    async def test_selects_outputs_of_a_blocking_run(self, both: Both) -> None:
        client = both.client(run(blockOutputs={"a.b": 1}), **V2)
        result = await both(client.workflows.execute("wf", selected_outputs=["a.b"]))
        assert client.script.requests[0].json() == {"selectedOutputs": ["a.b"]}
        assert result.block_outputs == {"a.b": 1}

    async def test_refuses_more_than_a_hundred_selected_outputs(self, both: Both) -> None:
        client = both.client(**V2)
        with pytest.raises(InvalidInputError, match="at most 100"):
            await both(client.workflows.execute("wf", selected_outputs=["a.b"] * 101))
        assert client.script.requests == []

    @pytest.mark.parametrize(("timeout", "asked"), [(30, False), (31, True), (None, True)])
    async def test_asks_for_heartbeats_when_it_may_take_long(self, both: Both, timeout: Any, asked: bool) -> None:
        client = both.client(run(), **V2)
        await both(client.workflows.execute("wf", timeout=timeout))
        assert client.script.requests[0].headers["Accept"] == ("application/x-ndjson" if asked else "application/json")

    async def test_v1_refuses_what_only_v2_can(self, both: Both) -> None:
        client = both.client()
        for call in (
            lambda: client.workflows.execute("wf", selected_outputs=["a.b"]),
            lambda: client.workflows.submit("wf", execution_timeout=5),
            lambda: client.workflows.run("wf", execution_timeout=5),
        ):
            with pytest.raises(InvalidInputError, match='api_version="v2"'):
                await both(call())
        assert client.script.requests == []


class TestWithoutAKey:
    """Sim replaces the run id of an anonymous caller, so that a request that is sent twice runs twice."""

    @pytest.mark.parametrize("lost", [APIConnectionError("gone", sent=True), answer(503)])
    async def test_nothing_that_may_run_is_sent_again(self, both: Both, lost: Any) -> None:
        client = both.client(lost, api_key=ANONYMOUS, **V2)
        with pytest.raises((APIConnectionError, ServerError)) as caught:
            await both(client.workflows.execute("wf"))
        assert caught.value.run_id is None
        assert len(client.script.requests) == 1

    def test_what_was_refused_is_sent_again(self) -> None:
        played = play(dialect_of(client(api_key=ANONYMOUS, **V2)).execute("wf", {}, timeout=None), answer(429), run())
        assert played.result.status == "completed"


class TestTheResult:
    async def test_is_the_same_class_in_the_same_words(self, both: Both) -> None:
        result = await both(both.client(run(), **V2).workflows.execute("wf"))
        assert (result.success, result.output, result.error, result.status) == (True, {"n": 1}, None, "completed")
        assert result.metadata == {
            "duration": 1000,
            "startTime": "2026-11-20T08:00:00.000Z",
            "endTime": "2026-11-20T08:00:01.000Z",
        }
        assert (result.workflow_id, result.run_id) == ("wf", result.execution_id)
        assert result.to_dict()["durationMs"] == 1000

    async def test_without_a_status_is_an_error_that_has_the_run(self, both: Both) -> None:
        client = both.client(run(status=None), **V2)
        with pytest.raises(InvalidResponseError, match="no WorkflowExecutionResult: its status is null") as caught:
            await both(client.workflows.execute("wf"))
        assert caught.value.run_id == client.script.requests[0].headers["X-Run-Id"]
        assert caught.value.response.json()["data"]["output"] == {"n": 1}

    async def test_of_a_failed_run_is_an_execution_error(self, both: Both) -> None:
        why = {"message": "Boom", "code": "BLOCK_EXECUTION_FAILED", "blockName": "B"}
        client = both.client(run(status="failed", error=why), **V2)
        with pytest.raises(ExecutionError, match="Boom") as caught:
            await both(client.workflows.execute("wf"))
        error = caught.value
        assert (error.code, error.server_code, error.details) == ("EXECUTION_ERROR", "BLOCK_EXECUTION_FAILED", why)
        assert error.result is not None
        assert (error.result.success, error.result.error, error.result.output) == (False, "B: Boom", {"n": 1})
        assert error.run_id == client.script.requests[0].headers["X-Run-Id"]
        assert error.run_id in str(error)

    async def test_of_a_run_that_took_too_long_is_a_timeout(self, both: Both) -> None:
        client = both.client(run(status="failed", error={"message": "Timed out", "code": "TIMEOUT"}), **V2)
        with pytest.raises(ExecutionTimeoutError) as caught:
            await both(client.workflows.execute("wf"))
        assert caught.value.code == "TIMEOUT"

    async def test_of_a_cancelled_run_is_a_result_as_in_v1(self, both: Both) -> None:
        result = await both(both.client(run(status="cancelled", output={}), **V2).workflows.execute("wf"))
        assert (result.success, result.status) == (False, "cancelled")

    async def test_of_a_paused_run_says_so(self, both: Both) -> None:
        result = await both(both.client(run(status="paused"), **V2).workflows.execute("wf"))
        assert result.paused is True
        assert result.pause is not None
        assert (result.pause.workflow_id, result.pause.execution_id) == ("wf", result.execution_id)

    async def test_keeps_references_to_large_values_typed(self, both: Both) -> None:
        large = {"__simLargeValueRef": True, "version": 1, "id": "lv_1", "kind": "array", "size": 12, "preview": [1]}
        result = await both(both.client(run(output={"rows": [large]}), **V2).workflows.execute("wf"))
        found = result.output["rows"][0]
        assert isinstance(found, LargeValueRef)
        assert (found.id, found.kind, found.size, found.preview, found.key) == ("lv_1", "array", 12, [1], None)
        assert json.loads(json.dumps(result.output)) == {"rows": [large]}

    async def test_may_be_of_a_status_nobody_knows_yet(self, both: Both) -> None:
        result = await both(both.client(run(status="reticulating", shape="new"), **V2).workflows.execute("wf"))
        assert (result.success, result.status, result["shape"]) == (False, "reticulating", "new")

    async def test_names_the_run_as_the_server_does(self, both: Both) -> None:
        # The server ignores the X-Run-Id of a caller without a key.
        result = await both(both.client(run(runId="other"), **V2).workflows.execute("wf"))
        assert result.execution_id == "other"

    async def test_that_is_no_run_is_an_invalid_response(self, both: Both) -> None:
        with pytest.raises(InvalidResponseError, match="without a run"):
            await both(both.client(answer(200, {"data": []}), **V2).workflows.execute("wf"))


class TestHeartbeats:
    async def test_are_skipped(self, both: Both) -> None:
        beat = {"type": "heartbeat", "timestamp": "now"}
        client = both.client(ndjson(beat, beat, {"type": "final", "data": RUN}), **V2)
        assert (await both(client.workflows.execute("wf", timeout=None))).output == {"n": 1}

    async def test_may_end_in_an_error(self, both: Both) -> None:
        line = {"type": "error", "error": "Too much", "code": "USAGE_LIMIT_EXCEEDED", "status": 402}
        client = both.client(ndjson(line), **V2)
        with pytest.raises(APIStatusError, match="Too much") as caught:
            await both(client.workflows.execute("wf", timeout=None))
        assert (caught.value.status, caught.value.code) == (402, "USAGE_LIMIT_EXCEEDED")
        assert caught.value.run_id is not None

    async def test_that_break_off_lead_to_reading_the_run(self, both: Both, no_waiting: list[float]) -> None:
        beat = {"type": "heartbeat", "timestamp": "now"}
        client = both.client(ndjson(beat), run(status="running", output=None), run(), **V2)
        result = await both(client.workflows.execute("wf", timeout=None))
        assert result.output == {"n": 1}
        sent, *reads = client.script.requests
        assert {read.path for read in reads} == {f"/api/v2/workflows/wf/runs/{sent.headers['X-Run-Id']}"}
        assert len(no_waiting) == 1


class TestSendingAgain:
    async def test_repeats_the_same_id(self, both: Both, no_waiting: list[float]) -> None:
        lost = APIConnectionError("cut", host="h", port=1)
        client = both.client(lost, answer(503), run(), **V2)
        await both(client.workflows.execute("wf"))
        ids = {request.headers["X-Run-Id"] for request in client.script.requests}
        assert (len(client.script.requests), len(ids), len(no_waiting)) == (3, 1, 2)

    async def test_reads_the_run_that_is_there_already(self, both: Both, no_waiting: list[float]) -> None:
        lost = APIConnectionError("cut", host="h", port=1)
        missing = answer(404, {"error": {"code": "NOT_FOUND", "message": "Run not found"}})
        client = both.client(lost, answer(409, CONFLICT), missing, run(status="running"), run(), **V2)
        result = await both(client.workflows.execute("wf"))
        assert result.output == {"n": 1}
        posts = [request for request in client.script.requests if request.method == "POST"]
        assert len(posts) == 2  # and none of them ran a second time
        assert len(no_waiting) == 3

    async def test_a_read_takes_no_longer_than_any_other_call(self, both: Both, no_waiting: list[float]) -> None:
        lost = APIConnectionError("cut", host="h", port=1)
        client = both.client(lost, answer(409, CONFLICT), run(), timeout=20.0, **V2)
        await both(client.workflows.execute("wf", timeout=600.0))
        assert [request.budget.total for request in client.script.requests] == [600.0, 600.0, 20.0]

    @pytest.mark.parametrize("status", [None, ["completed"], ""])
    async def test_a_run_without_a_status_is_an_error_that_has_it(
        self, both: Both, no_waiting: list[float], status: Any
    ) -> None:
        lost = APIConnectionError("cut", host="h", port=1)
        client = both.client(lost, answer(409, CONFLICT), *[run(status=status)] * 21, **V2)
        with pytest.raises(InvalidResponseError, match="the body is no Run: its status is") as caught:
            await both(client.workflows.execute("wf", timeout=600))
        assert caught.value.run_id == client.script.requests[0].headers["X-Run-Id"]
        assert caught.value.response.json()["data"]["output"] == {"n": 1}

    async def test_another_conflict_is_raised(self, both: Both) -> None:
        deep = {"error": {"code": "CONFLICT", "message": "Too deep", "details": {"code": "CALL_CHAIN_DEPTH_EXCEEDED"}}}
        client = both.client(answer(409, deep), **V2)
        with pytest.raises(ConflictError, match="Too deep"):
            await both(client.workflows.execute("wf"))
        assert len(client.script.requests) == 1

    async def test_that_never_ends_says_which_run_it_was(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(answer(500), answer(500), answer(500), **V2)
        with pytest.raises(ServerError) as caught:
            await both(client.workflows.execute("wf"))
        run_id = client.script.requests[0].headers["X-Run-Id"]
        assert caught.value.run_id == run_id
        assert f"client.jobs.get('{run_id}', workflow_id='wf')" in str(caught.value)

    async def test_a_timeout_says_which_run_it_was(self, both: Both) -> None:
        client = both.client(APITimeoutError("late", host="h", port=1), **V2, max_retries=0)
        with pytest.raises(APITimeoutError, match="The run's id is") as caught:
            await both(client.workflows.execute("wf"))
        assert caught.value.run_id == client.script.requests[0].headers["X-Run-Id"]

    async def test_a_refused_connection_has_begun_no_run(self, both: Both) -> None:
        refused = APIConnectionError("refused", host="h", port=1, sent=False)
        with pytest.raises(APIConnectionError, match=r"^refused$"):
            await both(both.client(refused, **V2, max_retries=0).workflows.execute("wf"))

    async def test_the_flat_method_makes_one_attempt(self, both: Both) -> None:
        client = both.client(answer(429, {"error": {"code": "RATE_LIMITED", "message": "Slow down"}}), **V2)
        with pytest.raises(RateLimitError) as caught:
            await both(client.execute_workflow("wf", {"a": 1}))
        assert (caught.value.code, caught.value.server_code) == ("RATE_LIMIT_EXCEEDED", "RATE_LIMITED")
        assert len(client.script.requests) == 1


def refusal(message: str, details: Any = None) -> Response:
    """A 429 of v2."""
    error = {"code": "RATE_LIMITED", "message": message, **({} if details is None else {"details": details})}
    return answer(429, {"error": error}, headers={"Retry-After": "1"})


OVER_RATE = "Rate limit exceeded. Please try again later."
OVER_CONCURRENCY = "Too many concurrent executions are in progress for this billing account."
BY_RATE = "Rate limit exceeded. 0 requests remaining. Resets at 2026-11-29T20:04:35.340Z."
TABLE = {
    "the execution rate": (refusal(OVER_RATE, {"code": "RATE_LIMIT_EXCEEDED"}), "new"),
    "the concurrency": (refusal(OVER_CONCURRENCY, {"code": "EXECUTION_CONCURRENCY_LIMIT"}), "new"),
    "the rate of API requests": (
        refusal("API rate limit exceeded", {"retryAfter": "2026-11-29T20:05:39.381Z"}),
        "same",
    ),
    "the admission gate": (refusal("Server is at capacity. Please retry shortly."), "same"),
    "a code nobody knows yet": (refusal("No", {"code": "SOMETHING_NEW"}), "same"),
    "a proxy": (answer(429, content=b"<html>slow down</html>"), "same"),
    "a server that failed": (answer(503), "same"),
    "a lost answer": (APIConnectionError("cut", host="h", port=1), "same"),
}


def never_ran(**changes: Any) -> Any:
    """The run that a refusal leaves under the id that it used up."""
    error = {"message": BY_RATE, "code": "EXECUTION_FAILED"}
    left: dict[str, Any] = {"status": "failed", "durationMs": 1, "cost": {"total": 0}, "error": error, "output": None}
    return run(**{**left, **changes})


def sent(answers: list[Answer], mode: str = "execute", **options: Any) -> tuple[Any, list[str]]:
    """What an execution does with some answers, driven by hand: how it is played, and the ids it was sent with."""
    dialect: Any = dialect_of(client(**V2))

    def streaming() -> Flow[Any]:
        opened = yield from dialect.stream("wf", None, StreamOptions(), **options)
        return (yield from opened.read())

    flow = streaming() if mode == "stream" else getattr(dialect, mode)("wf", None, timeout=None, **options)
    played = play(flow, *answers)
    return played, [request.headers["X-Run-Id"] for request in played.asked if request.method == "POST"]


SUCCESSES: dict[str, Answer] = {
    "execute": run(),
    "submit": lambda request: answer(202, {"data": {"runId": request.headers["X-Run-Id"]}}),
    "stream": lambda _: streamed(frames({"event": "final", "data": {"success": True, "output": {}}}, "[DONE]")),
}


class TestSpentIds:
    @pytest.mark.parametrize("mode", SUCCESSES)
    @pytest.mark.parametrize("row", TABLE)
    def test_the_table(self, row: str, mode: str) -> None:
        outcome, expected = TABLE[row]
        played, (first, second) = sent([outcome, SUCCESSES[mode]], mode)
        assert (first != second) is (expected == "new")
        assert played.result.execution_id == second
        assert len(played.sleeps) == 1

    @pytest.mark.parametrize("mode", SUCCESSES)
    def test_the_error_names_the_id_that_was_sent_last(self, mode: str) -> None:
        spent, _ = TABLE["the execution rate"]
        played, ids = sent([spent, spent, spent], mode)
        assert isinstance(played.error, RateLimitError)
        assert (played.error.run_id, len(set(ids))) == (ids[-1], 3)

    def test_an_unknown_outcome_names_the_id_that_may_have_run(self) -> None:
        spent, _ = TABLE["the execution rate"]
        played, ids = sent([spent, *[APITimeoutError("late", host="h", port=1)] * 2])
        assert isinstance(played.error, APITimeoutError)
        assert played.error.run_id == ids[1] == ids[2] != ids[0]
        assert f"client.jobs.get('{ids[1]}', workflow_id='wf')" in str(played.error)

    @pytest.mark.parametrize("mode", SUCCESSES)
    def test_an_id_that_the_caller_chose_is_never_replaced(self, mode: str) -> None:
        spent, _ = TABLE["the execution rate"]
        played, ids = sent([spent], mode, run_id="mine")
        assert isinstance(played.error, RateLimitError)
        assert (ids, played.error.run_id) == (["mine"], "mine")
        assert "The run id mine is used up" in str(played.error)

    @pytest.mark.parametrize("mode", SUCCESSES)
    def test_a_conflict_with_a_run_that_never_ran_is_sent_again(self, mode: str) -> None:
        """The refusal itself was lost, so that the same id was sent again."""
        lost, _ = TABLE["a lost answer"]
        played, ids = sent([lost, answer(409, CONFLICT), never_ran(), SUCCESSES[mode]], mode)
        assert ids[0] == ids[1] != ids[2]
        assert played.result.execution_id == ids[2]

    @pytest.mark.parametrize("mode", SUCCESSES)
    @pytest.mark.parametrize("options", [{"max_retries": 0}, {"run_id": "mine"}], ids=str)
    def test_where_it_may_not_be_the_refusal_is_raised(self, mode: str, options: dict[str, Any]) -> None:
        played, ids = sent([answer(409, CONFLICT), never_ran()], mode, **options)
        error = played.error
        assert isinstance(error, RateLimitError)
        assert (error.status, error.code, error.details) == (
            429,
            "RATE_LIMIT_EXCEEDED",
            {"code": "RATE_LIMIT_EXCEEDED"},
        )
        assert f"{BY_RATE} The run {ids[0]} was refused before it began." in str(error)
        assert error.run_id == ids[0]

    def test_it_is_not_sent_again_for_ever(self) -> None:
        played, ids = sent([*[answer(409, CONFLICT), never_ran()] * 3], max_retries=2)
        assert isinstance(played.error, RateLimitError)
        assert len(set(ids)) == 3

    @pytest.mark.parametrize(
        "changes",
        [
            {"durationMs": 768},
            {"durationMs": None},
            {"cost": {"total": 0.005}},
            {"error": {"message": f"Agent: {BY_RATE}", "code": "EXECUTION_FAILED"}},
            {"error": {"message": BY_RATE, "code": "BLOCK_EXECUTION_FAILED", "blockId": "b1"}},
            {"error": {"message": None}},
            {"error": None},
        ],
        ids=str,
    )
    def test_a_run_that_began_has_run_whatever_its_error_says(self, changes: dict[str, Any]) -> None:
        played, ids = sent([answer(409, CONFLICT), never_ran(**changes)])
        assert isinstance(played.error, ExecutionError)
        assert len(ids) == 1

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_a_resume_that_was_refused_is_sent_again(self, version: str) -> None:
        """Whatever the limit: a pause can be answered only once."""
        first = TABLE["the concurrency"][0] if version == "v2" else answer(429, {"error": OVER_CONCURRENCY})
        second = run() if version == "v2" else answer(200, {"success": True, "output": {"n": 1}})
        dialect = dialect_of(client(api_version=version))
        played = play(dialect.resume("wf", "r1", "c1", {"approved": True}, timeout=None), first, second)
        assert played.result.output == {"n": 1}
        assert len(played.asked) == 2


class TestQueuing:
    async def test_gives_the_same_receipt(self, both: Both) -> None:
        client = both.client(answer(202, {"data": {"runId": "r1", "statusUrl": "https://elsewhere/x"}}), **V2)
        queued = await both(client.workflows.submit("wf", {"a": 1}, execution_timeout=60))
        assert isinstance(queued, AsyncExecutionResult)
        assert client.script.requests[0].json() == {"input": {"a": 1}, "async": True, "executionTimeoutSeconds": 60}
        assert (queued.success, queued.task_id, queued.execution_id, queued.status) == (True, "r1", "r1", "queued")
        assert queued.links == {"status": "/api/v2/workflows/wf/runs/r1"}  # on our own address, never where it says
        assert (queued.api_version, queued.workflow_id, queued.status_url) == ("v2", "wf", "https://elsewhere/x")
        assert queued.to_dict() == {"runId": "r1", "statusUrl": "https://elsewhere/x"}

    async def test_twice_is_queuing_once(self, both: Both, no_waiting: list[float]) -> None:
        details = {"code": "ASYNC_ENQUEUE_AMBIGUOUS"}
        ambiguous = {"error": {"code": "SERVICE_UNAVAILABLE", "message": "?", "details": details}}
        client = both.client(answer(503, ambiguous), answer(409, CONFLICT), run(status="queued"), **V2)
        queued = await both(client.workflows.submit("wf"))
        assert queued.task_id == client.script.requests[0].headers["X-Run-Id"]
        assert [request.method for request in client.script.requests] == ["POST", "POST", "GET"]
        assert len(no_waiting) == 1

    @pytest.mark.parametrize("wrong", [0, 604801, 1.5, True, "60"])
    async def test_checks_the_runs_time_limit(self, both: Both, wrong: Any) -> None:
        client = both.client(**V2)
        with pytest.raises(InvalidInputError, match="execution_timeout must be whole seconds from 1 to 604800"):
            await both(client.workflows.submit("wf", execution_timeout=wrong))
        assert client.script.requests == []


async def test_a_last_line_that_python_does_not_read_is_told_as_that(both: Both) -> None:
    line = b'{"type": "final", "data": {"output": ' + b"9" * 5000 + b"}}\n"
    response = answer(200, content=line, headers={"Content-Type": "application/x-ndjson"})
    with pytest.raises(InvalidResponseError, match="JSON that Python does not read") as caught:
        await both(both.client(response, **V2).workflows.execute("wf", timeout=60))
    assert caught.value.run_id is not None


class TestTheGate:
    async def test_is_told_apart_by_asking_for_meta(self, both: Both) -> None:
        off = answer(200, {"data": {"v2Enabled": False, "keyType": "personal", "expiresAt": None}})
        client = both.client(answer(404, GATE), off, **V2)
        with pytest.raises(APIVersionError, match='api_version="v1"') as caught:
            await both(client.workflows.execute("wf"))
        assert [request.path for request in client.script.requests][1] == "/api/v2/meta"
        assert (caught.value.status, caught.value.server_code) == (404, "NOT_FOUND")

    async def test_of_a_server_that_never_heard_of_v2(self, both: Both) -> None:
        page = answer(404, content=b"<html><title>404</title></html>", headers={"Content-Type": "text/html"})
        client = both.client(page, page, **V2)
        with pytest.raises(APIVersionError, match="has no v2 API"):
            await both(client.workflows.status("wf"))

    async def test_that_is_open_leaves_the_error_as_it_is(self, both: Both) -> None:
        on = answer(200, {"data": {"v2Enabled": True, "keyType": "personal", "expiresAt": None}})
        client = both.client(answer(404, GATE), on, **V2)
        with pytest.raises(NotFoundError) as caught:
            await both(client.workflows.execute("wf"))
        assert type(caught.value) is NotFoundError

    async def test_is_not_asked_about_what_has_a_name(self, both: Both) -> None:
        client = both.client(answer(404, {"error": {"code": "NOT_FOUND", "message": "Workflow not found"}}), **V2)
        with pytest.raises(NotFoundError, match="Workflow not found"):
            await both(client.workflows.execute("wf"))
        assert len(client.script.requests) == 1

    async def test_concerns_the_namespace_too(self, both: Both) -> None:
        off = answer(200, {"data": {"v2Enabled": False}})
        client = both.client(answer(404, GATE), off)
        with pytest.raises(APIVersionError):
            await both(client.v2.workflows.get("wf"))

    async def test_is_not_guessed_when_meta_does_not_answer(self, both: Both, no_waiting: list[float]) -> None:
        client = both.client(answer(404, GATE), answer(500), answer(500), answer(500), **V2)
        with pytest.raises(NotFoundError) as caught:
            await both(client.workflows.execute("wf"))
        assert type(caught.value) is NotFoundError
