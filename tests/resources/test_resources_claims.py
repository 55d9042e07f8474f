"""Claims of unversioned executions: when an id is sent, when a server is known to honour it, and what follows.

The server's answers are those of the recordings in ``cassettes/sim-v0.8.9-claims``, under the id that was sent.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

import simstudio as sim
from simstudio.resources.dialects.settling import run_of_log
from simstudio.resources.dialects.stream_options import StreamOptions
from simstudio.transport.message import Request, Response
from tests.driving import Answer, Both, Played, answer, client, dialect_of, frames, play, streamed
from tests.recorded import recording

SET = "sim-v0.8.9-claims"
HEADER = "X-Execution-Id"
DONE, QUEUED = 1, 29
V06_QUEUED = {
    "success": True,
    "jobId": "run_1",
    "executionId": "its own",
    "statusUrl": "https://sim.test/api/jobs/run_1",
}
LOST = sim.APIConnectionError("gone", sent=True)
OPTIONS = StreamOptions(None, 5.0)
V2_OFF = (
    answer(404, {"error": {"code": "NOT_FOUND", "message": "Not found"}}),
    answer(200, {"data": {"v2Enabled": False}}),
)


def recorded(number: int) -> Callable[[Request], Response]:
    """A recorded answer, with the id of the request in place of the recorded one."""
    found = recording(SET, number)
    sent = found.request_headers.get(HEADER) or found.path.rpartition("/")[2].rpartition(":")[2]

    def respond(request: Request) -> Response:
        own = request.headers.get(HEADER) or request.path.rpartition("/")[2].rpartition("%3A")[2]
        response = answer(found.status, content=found.body.replace(sent.encode(), own.encode()))
        for name, value in found.headers:
            response.headers.put(name, value)
        if response.ok and request.streamed:
            return streamed(response.content)
        return response

    return respond


def execute(of: sim.SimStudioClient, *answers: Answer, **options: Any) -> Played:
    return play(dialect_of(of).execute("wf", {}, timeout=None, **options), *answers)


def submit(of: sim.SimStudioClient, *answers: Answer, **options: Any) -> Played:
    return play(dialect_of(of).submit("wf", {}, timeout=None, **options), *answers)


def stream(of: sim.SimStudioClient, *answers: Answer, **options: Any) -> Played:
    def whole() -> Any:
        opened = yield from dialect_of(of).stream("wf", {}, OPTIONS, **options)
        return (yield from opened.read())

    return play(whole(), *answers)


CALLS = {"execute": execute, "submit": submit, "stream": stream}
SUCCESS = {execute: DONE, submit: QUEUED, stream: 36}


def ids(played: Played) -> list[str]:
    """The execution ids that were sent, in order."""
    return [request.headers[HEADER] for request in played.asked if request.method == "POST"]


def known(**options: Any) -> sim.SimStudioClient:
    """A client that has learnt that its server honours claims."""
    made = client(**options)
    assert execute(made, recorded(DONE)).error is None
    return made


class TestTheId:
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_is_new_with_each_execution(self, call: Any) -> None:
        made = client()
        sent = [ids(call(made, answer(403, {"error": "no"})))[0] for _ in range(2)]
        assert len({uuid.UUID(each) for each in sent}) == 2

    @pytest.mark.parametrize("options", [{}, {"stream": True}, {"async_execution": True}], ids=str)
    def test_is_not_sent_by_the_documented_methods(self, options: Any) -> None:
        made = client(answer(403, {"error": "no"}))
        with pytest.raises(sim.PermissionDeniedError):
            made.execute_workflow("wf", **options)
        assert HEADER not in made.script.requests[0].headers  # type: ignore[attr-defined]

    def test_may_be_the_callers(self) -> None:
        mine = client(headers={HEADER: "order-7"})
        assert ids(execute(mine, recorded(DONE))) == ["order-7"]
        played = execute(mine, recorded(68))  # a limit has used it up, and nobody else may choose another
        assert (ids(played), played.error.status) == (["order-7"], 429)  # type: ignore[union-attr]


class TestSupport:
    """A request whose response is lost is sent again, under its id, only where the server is known to honour that."""

    def lost(self, made: sim.SimStudioClient, *, repeated: bool, call: Any = execute) -> None:
        played = call(made, LOST, *([recorded(SUCCESS[call])] if repeated else []))
        assert (played.error is None) is repeated, played.error
        assert len(ids(played)) == 1 + repeated
        assert len(set(ids(played))) == 1

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_is_not_known_at_first(self, call: Any) -> None:
        self.lost(client(), repeated=False, call=call)

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    @pytest.mark.parametrize(("learn", "number"), [(execute, DONE), (submit, QUEUED), (execute, 2)])
    def test_is_learnt_from_an_answer_that_names_the_id(self, learn: Any, number: int, call: Any) -> None:
        made = client()
        learn(made, recorded(number), *([recorded(38)] if number == 2 else []))
        self.lost(made, repeated=True, call=call)

    @pytest.mark.parametrize(
        "told",
        [
            answer(200, {"success": True, "output": {}, "executionId": "its own"}),
            answer(200, {"executionId": "of a Response block"}),
            recorded(20),
        ],
        ids=["v0.6", "response", "failure"],
    )
    def test_is_not_learnt_from_others(self, told: Answer) -> None:
        made = client()
        execute(made, told)
        self.lost(made, repeated=False)

    def test_is_shared_with_clones_and_belongs_to_one_server(self) -> None:
        made = known()
        self.lost(made.with_options(timeout=5), repeated=True)
        made.set_base_url("https://other.test")
        self.lost(made, repeated=False)

    def test_ends_with_a_server_that_names_another_id(self) -> None:
        made = known()
        submit(made, answer(202, V06_QUEUED))
        self.lost(made, repeated=False)

    def test_is_none_without_a_key(self) -> None:
        made = client(api_key=sim.ANONYMOUS)
        execute(made, recorded(DONE))
        self.lost(made, repeated=False)


class TestRefusals:
    @pytest.mark.parametrize("support", [client, known], ids=["unknown", "known"])
    @pytest.mark.parametrize(
        ("call", "number", "expected"),
        [(execute, 68, "new"), (execute, 124, "new"), (execute, 115, "same"), (submit, 83, "new"), (stream, 68, "new")],
    )
    def test_which_use_the_id_up(self, support: Any, call: Any, number: int, expected: str) -> None:
        played = call(support(), recorded(number), recorded(SUCCESS[call]))
        assert played.error is None
        first, second = ids(played)
        assert (first != second) is (expected == "new")

    @pytest.mark.parametrize(
        ("response", "repeated"),
        [
            (recorded(20), False),  # a failed run, which is 500 in v1
            (answer(500, content=b"<html>"), False),
            (answer(429, {"error": "my own limit"}), False),  # three Response blocks
            (answer(503, {"error": "my own"}), False),
            (answer(502, content=b'"text"'), False),
            (answer(502, content=b"<html>Bad Gateway</html>"), True),
            (answer(503), True),
            (answer(504, content=b"upstream request timeout"), True),
        ],
    )
    def test_only_those_that_no_workflow_sends_are_repeated(self, response: Any, repeated: bool) -> None:
        played = execute(known(), response, *([recorded(DONE)] if repeated else []))
        assert len(ids(played)) == 1 + repeated
        assert len(set(ids(played))) == 1
        unknown = execute(client(), response)
        assert len(ids(unknown)) == 1


class TestConflicts:
    """A request that is sent again, because its response was lost, meets its own run."""

    @pytest.mark.parametrize("support", [client, known], ids=["unknown", "known"])
    def test_give_the_result_of_that_run(self, support: Any) -> None:
        # Where support is not known it was a proxy that sent the request twice.
        lost = [LOST] if support is known else []
        played = execute(support(), *lost, recorded(2), recorded(24), recorded(38))
        assert played.error is None
        assert (played.result.success, played.result.status) == (True, "completed")
        assert {played.result.execution_id, *ids(played)} == {played.result.execution_id}
        assert [request.path for request in played.asked if request.method == "GET"] == [
            f"/api/v2/workflows/wf/runs/{ids(played)[0]}"
        ] * 2

    def test_give_a_run_that_the_server_cut_short(self) -> None:
        played = execute(known(), LOST, recorded(155), recorded(154))
        assert (played.result.success, played.result.status) == (False, "cancelled")

    def test_give_the_failure_of_that_run(self) -> None:
        played = execute(known(), LOST, recorded(21), recorded(22))
        assert isinstance(played.error, sim.ExecutionError)
        assert played.error.run_id == ids(played)[0]

    def test_of_a_stream_give_the_result_as_its_end(self) -> None:
        played = stream(known(), LOST, recorded(37), recorded(38))
        assert (played.result.success, played.result.status) == (True, "completed")

    def test_of_a_queued_execution_give_its_receipt(self) -> None:
        played = submit(known(), LOST, recorded(30), recorded(31))
        (own,) = set(ids(played))
        receipt = played.result
        assert (receipt.task_id, receipt.execution_id) == (f"workflow-execution:{own}", own)
        assert (receipt.api_version, receipt.workflow_id) == ("v1", "wf")
        assert receipt.links == {"status": f"/api/jobs/workflow-execution%3A{own}"}

    @pytest.mark.parametrize(
        ("call", "answers", "end"),
        [
            (execute, [recorded(69), recorded(71)], DONE),
            (execute, [recorded(125), recorded(127)], DONE),
            (stream, [recorded(69), recorded(71)], 36),
            (submit, [recorded(84), recorded(85), recorded(71)], QUEUED),
        ],
        ids=["rate", "concurrency", "stream", "queue"],
    )
    def test_with_what_a_refusal_left_are_sent_again_under_a_new_id(self, call: Any, answers: Any, end: int) -> None:
        played = call(known(), LOST, *answers, recorded(end))
        assert played.error is None
        first, again, last = ids(played)
        assert first == again != last

    def test_with_what_a_refusal_left_are_errors_when_no_retry_is_left(self) -> None:
        played = execute(known(), recorded(69), recorded(71), max_retries=0)
        assert isinstance(played.error, sim.RateLimitError)
        assert "was refused before it began" in str(played.error)

    @pytest.mark.parametrize("other", [{"executionId": "another"}, {"code": "MINE"}], ids=str)
    def test_of_a_workflow_are_its_own(self, other: Any) -> None:
        """A Response block may answer 409."""
        body = {"error": "Execution ID has already been used", "code": "EXECUTION_ID_CONFLICT", **other}
        played = execute(known(), lambda sent: answer(409, {"executionId": sent.headers[HEADER], **body}))
        assert isinstance(played.error, sim.ConflictError)
        assert len(played.asked) == 1


WORKFLOW = answer(200, {"data": {"id": "wf", "workspaceId": "ws"}})


def logs(*found: Any) -> Response:
    return answer(200, {"data": list(found)})


def log(number: int) -> dict[str, Any]:
    entries = json.loads(recording(SET, number).body)["data"]
    return next(each for each in entries if number != 328 or each["level"] == "error")


class TestLogs:
    """Where v2 is switched off the run is read from its log."""

    def test_are_asked_for_by_the_id(self) -> None:
        running = {**log(258), "endedAt": None}
        answers = [*V2_OFF, WORKFLOW, logs(), *V2_OFF, WORKFLOW, logs(running), *V2_OFF, WORKFLOW, logs(log(258))]
        played = execute(known(), LOST, recorded(2), *answers)
        assert played.result.output == {"result": {"a": "1", "b": "2"}, "stdout": ""}
        query = f"workspaceId=ws&executionId={ids(played)[0]}&details=full&includeFinalOutput=true"
        assert played.asked[-1].url == f"https://sim.test/api/v1/logs?{query}"

    def test_tell_what_never_ran(self) -> None:
        played = execute(known(), LOST, recorded(69), *V2_OFF, WORKFLOW, logs(log(328)), recorded(DONE))
        assert played.error is None
        first, again, last = ids(played)
        assert first == again != last

    @pytest.mark.parametrize(
        ("entry", "status", "output"),
        [
            (log(258), "completed", {"result": {"a": "1", "b": "2"}, "stdout": ""}),
            (log(174), "paused", {"paused": True}),
            (log(328), "failed", None),
            ({**log(258), "endedAt": None}, "running", None),
            ({**log(258), "finalOutput": {"cancelled": True}}, "cancelled", None),
            ({**log(258), "level": "error", "finalOutput": None}, "failed", None),
        ],
    )
    def test_become_runs(self, entry: Any, status: str, output: Any) -> None:
        run = run_of_log(entry)
        assert (run["runId"], run["status"], run["output"]) == (entry["executionId"], status, output)
        assert (run["error"] is not None) is (status == "failed")


class TestErrors:
    def test_name_the_run_where_the_id_is_honoured(self) -> None:
        played = execute(known(), recorded(20))
        assert isinstance(played.error, sim.ExecutionError)
        assert played.error.run_id == played.error.result.execution_id == ids(played)[0]
        failure = execute(client(), recorded(20)).error
        assert isinstance(failure, sim.ExecutionError)
        assert failure.run_id is failure.result.execution_id is None

    def test_of_streams_name_it_too(self) -> None:
        failed = streamed(frames({"event": "error", "error": "Boom"}))
        played = stream(known(), failed)
        assert isinstance(played.error, sim.ExecutionError)
        assert played.error.run_id == ids(played)[0]
        broken = stream(known(), streamed(LOST))
        assert broken.error.run_id == ids(broken)[0]  # type: ignore[union-attr]
        assert len(broken.asked) == 1

    @pytest.mark.parametrize(
        ("call", "advice"),
        [(execute, "client.v1.logs.execution('{}')"), (submit, "client.jobs.get('workflow-execution:{}')")],
    )
    def test_say_how_to_read_what_became_of_it(self, call: Any, advice: str) -> None:
        played = call(known(), LOST, LOST, LOST)
        assert advice.format(ids(played)[0]) in str(played.error)

    def test_results_without_an_id_get_it(self) -> None:
        """Streams and Response blocks name no id."""
        for call, told in ((execute, answer(200, ["block"])), (execute, answer(200)), (stream, recorded(36))):
            played = call(known(), told)
            assert played.result.execution_id == ids(played)[0]
            assert call(client(), told).result.execution_id is None


class TestIdempotent:
    async def test_asks_the_server_once(self, both: Both) -> None:
        made = both.client(recorded(768), recorded(DONE), recorded(QUEUED))
        await both(made.workflows.execute("wf", idempotent=True))
        await both(made.workflows.submit("wf", idempotent=True))
        question, *executions = made.script.requests
        assert (question.method, question.headers[HEADER], question.json()) == ("POST", "not a valid id", {})
        assert question.path != "/api/workflows/wf/execute"
        assert uuid.UUID(question.path.split("/")[3])
        assert [request.path for request in executions] == ["/api/workflows/wf/execute"] * 2

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_sends_again_what_is_lost(self, call: Any) -> None:
        ending = recorded(SUCCESS[call])
        played = call(client(), recorded(768), LOST, ending, claiming="required")
        assert played.error is None
        assert len(set(ids(played)[1:])) == 1

    def test_is_an_error_before_anything_is_sent_where_it_is_not_possible(self) -> None:
        made = client(answer(404, {"error": "Workflow not found"}))
        for call in (made.workflows.execute, made.workflows.submit, made.workflows.run, made.workflows.stream):
            with pytest.raises(sim.ConfigurationError, match=r"older than v0\.7\.32.*Nothing was run"):
                call("wf", idempotent=True)
        assert len(made.script.requests) == 1  # type: ignore[attr-defined]

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_needs_a_key(self, version: str) -> None:
        made = client(api_key=sim.ANONYMOUS, api_version=version)
        with pytest.raises(sim.ConfigurationError, match="without an API key"):
            made.workflows.execute("wf", idempotent=True)
        assert made.script.requests == []  # type: ignore[attr-defined]

    def test_needs_an_answer(self) -> None:
        played = execute(client(), answer(401, {"error": "Invalid API key"}), claiming="required")
        assert isinstance(played.error, sim.AuthenticationError)
        later = execute(client(), answer(503), answer(503), recorded(768), recorded(DONE), claiming="required")
        assert later.error is None

    def test_asks_nothing_with_v2(self) -> None:
        made = client(
            answer(200, {"data": {"runId": "r", "workflowId": "wf", "status": "completed"}}), api_version="v2"
        )
        assert made.workflows.execute("wf", idempotent=True).status == "completed"
