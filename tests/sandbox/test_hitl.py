"""Human in the loop, over the unversioned routes: a run pauses, waits, is resumed or cancelled."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from simstudio.sandbox import Block, Chunk, Context, Pause, Sandbox, respond

from .calls import Caller, Serve
from .hitl_scenes import until

pytestmark = pytest.mark.generation("v0.6")

ASK = Pause("Publish?", {"approved": bool, "comment": str})


def plain(input: dict) -> Iterator[object]:
    answer = yield ASK
    return {"answer": answer, "input": input}


async def asynchronous(input: dict) -> AsyncIterator[object]:
    answer = yield ASK
    yield Block({"answer": answer, "input": input})


async def coroutine(input: dict, context: Context) -> object:
    return {"answer": await context.pause(ASK), "input": input}


@pytest.fixture(params=[plain, asynchronous, coroutine], ids=lambda function: function.__name__)
def asking(request: pytest.FixtureRequest, call: Caller) -> Caller:
    call.sandbox.workflow("ask")(request.param)
    return call


@pytest.fixture
def ask(call: Caller) -> Caller:
    call.sandbox.workflow("ask")(plain)
    return call


def paused(call: Caller, workflow: str = "ask", body: object = None) -> dict:
    """Execute, and return the links of the run, which has paused."""
    answer = call.execute(workflow, body)
    assert answer.status_code == 200, answer.text
    return answer.json()["output"]["data"]["_resume"]


def resume(call: Caller, links: dict, body: object = None) -> httpx.Response:
    return call.http.post(links["apiUrl"], json={} if body is None else body)


def listed(call: Caller, workflow: str = "ask", status: str = "") -> list[dict]:
    answer = call.http.get(f"/api/workflows/{workflow}/paused", params={"status": status})
    return answer.json()["pausedExecutions"]


def test_a_run_pauses_and_goes_on_with_the_answer(asking: Caller) -> None:
    links = paused(asking, body={"a": 1})
    answer = resume(asking, links, {"input": {"approved": True, "comment": "ok"}})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["success"], body["status"], body["executionId"]) == (True, "completed", links["executionId"])
    assert body["output"] == {"answer": {"approved": True, "comment": "ok"}, "input": {"a": 1}}


def test_a_paused_run_succeeds_and_shows_what_is_asked(ask: Caller) -> None:
    body = ask.execute("ask").json()
    assert body["success"] is True
    data = body["output"]["data"]
    assert data["responseStructure"] == [{"name": "question", "type": "string", "value": "Publish?"}]
    fields = [(field["name"], field["type"], field["value"], field["required"]) for field in data["inputFormat"]]
    assert fields == [("approved", "boolean", "", False), ("comment", "string", "", False)]
    context = data["_resume"]["contextId"]
    assert data["_resume"] == {
        "apiUrl": f"{ask.server.base_url}/api/resume/ask/{body['executionId']}/{context}",
        "uiUrl": f"{ask.server.base_url}/resume/ask/{body['executionId']}",
        "contextId": ask.sandbox.block_id("ask", "Approval"),
        "executionId": body["executionId"],
        "workflowId": "ask",
    }


def test_the_fields_may_have_defaults_and_be_required_and_more_may_be_shown(call: Caller) -> None:
    pause = Pause(
        fields={"count": 3, "tags": list}, shown={"draft": {"title": "T"}}, required=["count"], block="Review"
    )

    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        answer = yield pause
        return answer

    data = call.execute("ask").json()["output"]["data"]
    fields = [(field["name"], field["type"], field["value"], field["required"]) for field in data["inputFormat"]]
    assert fields == [("count", "number", 3, True), ("tags", "array", "", False)]
    assert data["responseStructure"] == [{"name": "draft", "type": "object", "value": {"title": "T"}}]
    assert data["_resume"]["contextId"] == call.sandbox.block_id("ask", "Review")
    assert resume(call, data["_resume"]).json()["output"] == {"count": 3, "tags": None}


def test_a_field_cannot_be_of_any_other_type() -> None:
    with pytest.raises(TypeError, match="'when' cannot be a bytes"):
        Pause(fields={"when": bytes})


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"input": {"approved": true}}', {"approved": True, "comment": None}),
        (b'{"approved": true}', {"approved": True, "comment": None}),
        (b"{}", {"approved": None, "comment": None}),
        (b"no json", {"approved": None, "comment": None}),
        (b'{"input": "text"}', "text"),
    ],
)
def test_the_answer_is_the_input_or_the_whole_body(ask: Caller, body: bytes, answer: object) -> None:
    links = paused(ask)
    assert ask.http.post(links["apiUrl"], content=body).json()["output"]["answer"] == answer


def test_several_pauses_come_one_after_another(call: Caller) -> None:
    @call.sandbox.workflow("twice")
    def twice(input: dict) -> Iterator[object]:
        first = yield Pause("First?")
        second = yield Pause("Second?")
        return [first, second]

    first = paused(call, "twice")
    body = resume(call, first, {"n": 1}).json()
    assert (body["success"], body["status"]) == (True, "paused")
    second = body["output"]["data"]["_resume"]
    assert second["executionId"] == first["executionId"]
    assert second["contextId"] != first["contextId"]
    (shown,) = listed(call, "twice")
    assert (shown["status"], shown["totalPauseCount"], shown["resumedCount"]) == ("partially_resumed", 2, 1)
    assert [point["resumeStatus"] for point in shown["pausePoints"]] == ["resumed", "paused"]
    assert resume(call, second, {"n": 2}).json()["output"] == [{"n": 1}, {"n": 2}]
    (shown,) = listed(call, "twice")
    assert (shown["status"], shown["resumedCount"]) == ("fully_resumed", 2)


def test_a_stream_pauses_and_is_resumed_as_a_stream(call: Caller) -> None:
    @call.sandbox.workflow("story", block="writer")
    def story(input: dict) -> Iterator[object]:
        yield "Once "
        answer = yield Pause("Go on?")
        yield Chunk(str(answer["word"]))

    selected = {"selectedOutputs": ["writer.content"]}
    first, final, done = call.frames("story", selected)
    assert json.loads(first)["chunk"] == "Once "
    data = json.loads(final)["data"]
    assert (data["success"], data["status"], done) == (True, "paused", '"[DONE]"')
    answer = resume(call, data["output"]["data"]["_resume"], {"word": "upon"})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-execution-id"] == data["output"]["data"]["_resume"]["executionId"]
    chunk, final, _ = [json.loads(part.removeprefix("data: ")) for part in answer.text.split("\n\n") if part]
    assert chunk["chunk"] == "upon"
    assert final == {"event": "final", "data": {"success": True, "output": {}}}
    execution = answer.headers["x-execution-id"]
    shown = call.http.get(f"/api/workflows/story/executions/{execution}", params={"selectedOutputs": "writer.content"})
    assert shown.json()["blockOutputs"] == {"writer.content": "Once upon"}


def test_a_job_whose_run_paused_is_completed_and_its_resumption_is_a_job(ask: Caller) -> None:
    job = ask.finished_job(ask.submit("ask")["jobId"])
    assert (job["status"], job["output"]["success"]) == ("completed", True)
    answer = resume(ask, job["output"]["output"]["data"]["_resume"], {"approved": True})
    assert answer.status_code == 202
    accepted = answer.json()
    assert set(accepted) == {"success", "async", "jobId", "executionId", "message", "statusUrl"}
    assert accepted["message"] == "Resume execution queued"
    assert accepted["executionId"] == job["metadata"]["correlation"]["executionId"]
    resumed = ask.finished_job(accepted["jobId"])
    assert "correlation" not in resumed["metadata"]
    assert resumed["output"]["output"]["answer"]["approved"] is True


def test_a_resumed_run_that_fails_is_answered_with_200(call: Caller) -> None:
    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        yield ASK
        raise RuntimeError("no")

    answer = resume(call, paused(call))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["success"], body["status"], body["error"], body["output"]) == (False, "failed", "ask: no", {})


def test_a_resumed_run_may_end_in_a_response_block(call: Caller) -> None:
    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        yield ASK
        yield respond(418, body={"short": True})

    answer = resume(call, paused(call))
    assert answer.status_code == 200
    assert answer.json()["output"]["status"] == 418


def test_the_block_that_asked_has_the_answer_as_its_output(ask: Caller) -> None:
    links = paused(ask)
    resume(ask, links, {"approved": True})
    shown = ask.http.get(
        f"/api/workflows/ask/executions/{links['executionId']}", params={"selectedOutputs": "approval.approved"}
    )
    assert shown.json()["blockOutputs"] == {"approval.approved": True}


def test_the_time_limit_counts_from_each_resumption_anew(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.6", execution_timeout=0.02))

    @call.sandbox.workflow("ask")
    async def ask(input: dict, context: Context) -> object:
        await context.pause(ASK)
        await asyncio.sleep(60)
        return None

    body = resume(call, paused(call)).json()
    assert (body["success"], body["status"], body["output"]) == (False, "failed", {})
    assert "timed out" in body["error"]


def test_a_pause_can_be_answered_once(ask: Caller) -> None:
    links = paused(ask)
    assert resume(ask, links).status_code == 200
    again = resume(ask, links)
    assert (again.status_code, again.json()) == (400, {"error": "Pause point already resumed or in progress"})


def test_of_many_who_answer_at_once_one_succeeds(ask: Caller) -> None:
    links = paused(ask)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(resume(ask, links).status_code)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 400, 400, 400, 400]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/resume/ask/{execution}/nope", 400, "Pause point not found for execution"),
        ("/api/resume/ask/unknown/{context}", 400, "Paused execution not found or already resumed"),
        ("/api/resume/nowhere/{execution}/{context}", 404, "Workflow not found"),
        ("/api/resume/hello/{execution}/{context}", 400, "Paused execution not found or already resumed"),
    ],
)
def test_what_is_not_paused_cannot_be_resumed(ask: Caller, path: str, status: int, error: str) -> None:
    links = paused(ask)
    target = path.format(execution=links["executionId"], context=links["contextId"])
    answer = ask.http.post(target, json={})
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_paused_run_can_be_cancelled(asking: Caller) -> None:
    links = paused(asking)
    cancel = f"/api/workflows/ask/executions/{links['executionId']}/cancel"
    assert asking.http.post(cancel).json()["pausedCancelled"] is True
    assert asking.http.post(cancel).json()["pausedCancelled"] is False
    answer = resume(asking, links)
    assert (answer.status_code, answer.json()) == (400, {"error": "Execution has been cancelled"})
    (shown,) = listed(asking)
    assert (shown["status"], shown["pausePoints"][0]["resumeStatus"]) == ("cancelled", "paused")


def test_a_cancelled_generator_is_closed(call: Caller) -> None:
    closed = threading.Event()

    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        try:
            yield ASK
        finally:
            closed.set()

    links = paused(call)
    call.http.post(f"/api/workflows/ask/executions/{links['executionId']}/cancel")
    assert closed.wait(5)


def test_a_paused_plain_generator_holds_no_thread(ask: Caller) -> None:
    paused(ask)
    until(lambda: not [each for each in threading.enumerate() if each.name == "simstudio-sandbox-workflow"])


def test_the_execution_is_paused_until_it_goes_on(ask: Caller) -> None:
    links = paused(ask)
    path = f"/api/workflows/ask/executions/{links['executionId']}"
    body = ask.http.get(path).json()
    assert (body["status"], body["endedAt"]) == ("paused", None)
    assert (body["paused"]["contextId"], body["paused"]["resumedCount"]) == (links["contextId"], 0)
    resume(ask, links)
    body = ask.http.get(path).json()
    assert (body["status"], body["paused"]) == ("completed", None)


def test_paused_runs_are_listed_newest_first_by_status(ask: Caller) -> None:
    first, second, third = (paused(ask)["executionId"] for _ in range(3))
    ask.http.post(f"/api/workflows/ask/executions/{second}/cancel")
    assert [each["executionId"] for each in listed(ask)] == [third, second, first]
    assert [each["executionId"] for each in listed(ask, status="paused")] == [third, first]
    assert [each["executionId"] for each in listed(ask, status="paused,cancelled")] == [third, second, first]
    assert listed(ask, status="nonsense") == []
    assert listed(ask, "hello") == []


def test_one_paused_run_is_found_by_both_routes(ask: Caller) -> None:
    links = paused(ask, body={"a": 1})
    execution = links["executionId"]
    one = ask.http.get(f"/api/workflows/ask/paused/{execution}").json()
    assert ask.http.get(f"/api/resume/ask/{execution}").json() == one
    snapshot = json.loads(one["executionSnapshot"]["snapshot"])
    assert (snapshot["metadata"]["executionMode"], snapshot["input"], one["queue"]) == ("sync", {"a": 1}, [])
    context = ask.http.get(f"/api/resume/ask/{execution}/{links['contextId']}").json()
    assert context == {"execution": one, "pausePoint": one["pausePoints"][0], "queue": []}


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/workflows/ask/paused/unknown", "Paused execution not found"),
        ("/api/resume/ask/unknown", "Paused execution not found"),
        ("/api/resume/ask/unknown/context", "Pause context not found"),
        ("/api/resume/ask/{execution}/nope", "Pause context not found"),
    ],
)
def test_what_is_not_paused_is_not_found(ask: Caller, path: str, error: str) -> None:
    answer = ask.http.get(path.format(execution=paused(ask)["executionId"]))
    assert (answer.status_code, answer.json()) == (404, {"error": error})


def test_only_those_who_may_read_the_workflow_can_look_and_resume(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.6", outsider_key="sk-sim-outsider"))
    call.sandbox.workflow("ask")(plain)
    links = paused(call)
    for key, status in (("sk-sim-outsider", 403), ("sk-sim-wrong", 401)):
        headers = {"X-API-Key": key}
        assert call.http.get("/api/workflows/ask/paused", headers=headers).status_code == status
        assert call.http.post(links["apiUrl"], headers=headers).status_code == status
    assert resume(call, links).status_code == 200


def test_two_pauses_at_once_fail_the_run(call: Caller) -> None:
    @call.sandbox.workflow("greedy")
    async def greedy(input: dict, context: Context) -> object:
        return await asyncio.gather(context.pause(Pause("a")), context.pause(Pause("b")))

    assert resume(call, paused(call, "greedy")).json()["error"] == "greedy: the run waits for another answer already"


def test_a_context_of_no_run_cannot_pause_or_save() -> None:
    context = Context("e", "w", {})
    with pytest.raises(RuntimeError):
        context.save_file("a.txt", b"")
    with pytest.raises(RuntimeError):
        context.pause(Pause()).send(None)  # type: ignore[attr-defined]


@pytest.mark.parametrize("generation", ["v0.4", "documents"])
def test_older_generations_do_not_pause(serve: Serve, generation: str) -> None:
    call = serve(Sandbox(generation=generation))  # type: ignore[arg-type]
    call.sandbox.workflow("ask")(plain)
    assert "no paused runs" in call.execute("ask").json()["error"]
    assert call.http.get("/api/workflows/ask/paused", params={"status": ""}).status_code == 404


def test_a_paused_run_does_not_survive_a_restart_and_says_so(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(generation="v0.6", state=tmp_path / "state.db"))
    call.sandbox.workflow("ask")(plain)
    links = paused(call)
    call.server.close()
    call = serve(Sandbox(generation="v0.6", state=tmp_path / "state.db"))
    call.sandbox.workflow("ask")(plain)
    reason = "The server was restarted while this run was paused"
    path = f"/api/resume/ask/{links['executionId']}/{links['contextId']}"
    answer = call.http.post(path, json={})
    assert (answer.status_code, answer.json()) == (400, {"error": reason})
    execution = call.http.get(f"/api/workflows/ask/executions/{links['executionId']}").json()
    assert (execution["status"], execution["error"]) == ("failed", reason)
    assert [each["status"] for each in listed(call)] == ["cancelled"]
