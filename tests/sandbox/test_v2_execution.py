"""Executing over v2: synchronous, with heartbeats, in the background; what may be asked for, and claimed run ids."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from simstudio.sandbox import Block, Context, Pause, RateLimits, Sandbox, respond
from simstudio.sandbox.runs import Invocation
from simstudio.sandbox.sqlite import SQLiteStore

from .calls import Caller, Serve
from .hitl_scenes import until


def execute(call: Caller, workflow: str, body: object = None, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"/api/v2/workflows/{workflow}/execute"
    return call.http.post(url, json={} if body is None else body, headers=names)


def run_of(call: Caller, workflow: str, run_id: str, **query: str) -> dict:
    answer = call.http.get(f"/api/v2/workflows/{workflow}/runs/{run_id}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def ended(call: Caller, workflow: str, run_id: str) -> dict:
    until(lambda: run_of(call, workflow, run_id)["status"] not in ("queued", "running"))
    return run_of(call, workflow, run_id, includeOutput="true")


@contextmanager
def held(call: Caller) -> Iterator[None]:
    """While an execution is under way."""
    entered, released = threading.Event(), threading.Event()

    @call.sandbox.workflow("hold")
    def hold(input: dict) -> None:
        entered.set()
        released.wait(5)

    holder = threading.Thread(target=lambda: execute(call, "hold"))
    holder.start()
    try:
        assert entered.wait(5)
        yield
    finally:
        released.set()
        holder.join()


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


# Synchronous


def test_a_run_is_answered_with_its_result(call: Caller) -> None:
    answer = execute(call, "hello", {"input": {"name": "Ada"}})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    run = answer.json()["data"]
    assert answer.headers["x-run-id"] == run["runId"]
    assert (run["workflowId"], run["status"], run["output"]) == ("hello", "completed", {"message": "Hello, Ada!"})
    assert (run["blockOutputs"], run["error"]) == (None, None)
    assert set(run) == {
        "runId",
        "workflowId",
        "status",
        "output",
        "blockOutputs",
        "error",
        "startedAt",
        "endedAt",
        "durationMs",
    }


def test_without_an_input_it_is_empty(call: Caller) -> None:
    answer = call.http.post("/api/v2/workflows/hello/execute", json={})
    assert answer.json()["data"]["output"] == {"message": "Hello, world!"}


def test_a_failed_run_is_an_answer_of_200_that_names_the_block(call: Caller) -> None:
    answer = execute(call, "fail", {"input": {"message": "no"}})
    assert answer.status_code == 200
    run = answer.json()["data"]
    assert (run["status"], run["output"]) == ("failed", {})
    assert run["error"] == {
        "message": "no",
        "code": "BLOCK_EXECUTION_FAILED",
        "blockId": call.sandbox.block_id("fail"),
        "blockName": "fail",
        "blockType": "function",
    }


def test_a_run_that_takes_too_long_failed_by_timeout(serve: Serve) -> None:
    run = execute(serve(Sandbox(execution_timeout=0.02)), "slow", {"input": {"seconds": 60}}).json()["data"]
    assert (run["status"], run["error"]["code"], run["output"]) == ("failed", "TIMEOUT", {})


def test_a_cancelled_run_says_so(call: Caller) -> None:
    known: list[str] = []
    entered = threading.Event()

    @call.sandbox.workflow("patient")
    def patient(input: dict, context: Context) -> None:
        known.append(context.execution_id)
        entered.set()
        context.cancelled.wait(5)

    def cancel() -> None:
        entered.wait(5)
        call.http.post(f"/api/v2/workflows/patient/runs/{known[0]}/cancel")

    canceller = threading.Thread(target=cancel)
    canceller.start()
    run = execute(call, "patient").json()["data"]
    canceller.join()
    assert (run["status"], run["error"]["code"]) == ("cancelled", "CANCELLED")


def test_a_response_block_stays_inside_the_output(call: Caller) -> None:
    call.sandbox.workflow("tea")(lambda given: respond(418, {"X-A": "b"}, {"short": True}))
    answer = execute(call, "tea")
    assert (answer.status_code, "x-a" in answer.headers) == (200, False)
    headers = {"Content-Type": "application/json", "X-A": "b"}
    assert answer.json()["data"]["output"] == {"data": {"short": True}, "status": 418, "headers": headers}


def test_a_paused_run_shows_what_is_asked(call: Caller) -> None:
    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        yield Pause("Publish?")

    run = execute(call, "ask").json()["data"]
    assert (run["status"], run["error"]) == ("paused", None)
    assert run["output"]["data"]["_resume"]["executionId"] == run["runId"]


def test_the_function_gets_the_same_input_as_over_v1(call: Caller) -> None:
    call.sandbox.workflow("echo", fields={"n": 0})(lambda given: given)
    over_v1 = call.execute("echo", {"n": "3", "more": [1]}).json()["output"]
    assert execute(call, "echo", {"input": {"n": "3", "more": [1]}}).json()["data"]["output"] == over_v1


def test_v1_sees_the_runs_of_v2(call: Caller) -> None:
    run_id = execute(call, "hello").json()["data"]["runId"]
    body = call.http.get(f"/api/workflows/hello/executions/{run_id}").json()
    assert (body["executionId"], body["status"]) == (run_id, "completed")


# Selected outputs


def two_steps(input: dict) -> Iterator[object]:
    yield Block({"n": 1, "deep": {"list": [5]}}, name="First Step")
    yield Block({"n": 2}, name="last")


def test_selected_outputs_come_by_the_selectors_as_they_were_written(call: Caller) -> None:
    call.sandbox.workflow("steps")(two_steps)
    selectors = ["firststep.n", "First Step.deep.list.0", "last.nothing"]
    run = execute(call, "steps", {"selectedOutputs": selectors}).json()["data"]
    assert run["blockOutputs"] == {"firststep.n": 1, "First Step.deep.list.0": 5}
    assert run["output"] == {"n": 2}


@pytest.mark.generation("v0.6")
@pytest.mark.parametrize("selector", ["nowhere.message", "hello", ".message", "workflow.nowhere.message"])
def test_an_unknown_block_is_refused_before_anything_runs(call: Caller, selector: str) -> None:
    ran: list[object] = []
    call.sandbox.workflow("hello")(ran.append)
    answer = execute(call, "hello", {"selectedOutputs": [selector]})
    assert (answer.status_code, ran) == (400, [])
    assert repr(selector) in answer.json()["error"]["message"]


@pytest.mark.generation("v0.6")
def test_a_generator_that_speaks_for_itself_alone_has_no_other_blocks(call: Caller) -> None:
    assert execute(call, "count", {"selectedOutputs": ["nowhere.content"]}).status_code == 400
    run = execute(call, "count", {"selectedOutputs": ["count.content"]}).json()["data"]
    assert run["blockOutputs"] == {"count.content": "1 2 3 4 5"}


def test_a_response_block_can_be_selected(call: Caller) -> None:
    call.sandbox.workflow("tea")(lambda given: respond(418, body={"short": True}))
    run = execute(call, "tea", {"selectedOutputs": ["response.data.short"]}).json()["data"]
    assert run["blockOutputs"] == {"response.data.short": True}


# What is refused


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"async": True, "stream": True}, "async and stream cannot be combined"),
        (
            {"async": True, "selectedOutputs": ["hello.message"]},
            "Async execution does not support streaming or output-shaping options",
        ),
        (
            {"async": True, "includeFileBase64": False},
            "Async execution does not support streaming or output-shaping options",
        ),
        ({"executionTimeoutSeconds": 5}, "executionTimeoutSeconds is supported only for async execution"),
        ({"includeThinking": True}, "includeThinking and includeToolCalls require stream: true"),
        (
            {"stream": True, "includeToolCalls": True},
            "includeThinking and includeToolCalls require the header X-Sim-Stream-Protocol: agent-events-v1",
        ),
        ({"async": True, "run": {"source": "manual"}}, "Manual execution does not support async mode"),
        (
            {"input": {}, "run": {"source": "manual", "entry": {"type": "trigger", "useMockPayload": True}}},
            "input and run.entry.useMockPayload cannot be combined",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(call: Caller, body: dict, message: str) -> None:
    assert refused(execute(call, "hello", body)) == (400, "BAD_REQUEST", message)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"input": [1]}, ["input"]),
        ({"async": "yes"}, ["async"]),
        ({"selectedOutputs": ["a.b"] * 101}, ["selectedOutputs"]),
        ({"async": True, "executionTimeoutSeconds": 0}, ["executionTimeoutSeconds"]),
        ({"async": True, "executionTimeoutSeconds": 604801}, ["executionTimeoutSeconds"]),
        ({"base64MaxBytes": 16777217}, ["base64MaxBytes"]),
    ],
)
def test_fields_are_checked(call: Caller, body: dict, path: list[str]) -> None:
    answer = execute(call, "hello", body)
    assert refused(answer)[:2] == (400, "BAD_REQUEST")
    assert path in [issue["path"] for issue in answer.json()["error"]["details"]]


def test_unknown_fields_are_refused(call: Caller) -> None:
    answer = execute(call, "hello", {"triggerType": "manual"})
    (issue,) = answer.json()["error"]["details"]
    assert (answer.status_code, issue["code"], issue["keys"]) == (400, "unrecognized_keys", ["triggerType"])


def test_a_body_of_more_than_ten_mebibytes_is_refused(call: Caller) -> None:
    body = {"input": {"text": "x" * (10 * 1024 * 1024)}}
    assert refused(execute(call, "hello", body))[:2] == (413, "PAYLOAD_TOO_LARGE")


def test_unknown_and_undeployed_workflows_are_refused(call: Caller) -> None:
    call.sandbox.workflow("draft", deployed=False)(lambda given: "drafted")
    assert refused(execute(call, "nowhere")) == (404, "NOT_FOUND", "Workflow not found")
    assert refused(execute(call, "draft")) == (403, "FORBIDDEN", "Workflow is not deployed")


def test_a_manual_run_runs_the_draft(call: Caller) -> None:
    call.sandbox.workflow("draft", deployed=False)(lambda given: "drafted")
    run = execute(call, "draft", {"run": {"source": "manual"}}).json()["data"]
    assert run["output"] == "drafted"
    assert run_of(call, "draft", run["runId"])["trigger"] == "manual"


def test_over_the_usage_limit_nothing_runs(serve: Serve) -> None:
    call = serve(Sandbox(usage_cost=5, usage_limit=1))
    assert refused(execute(call, "hello"))[:2] == (402, "USAGE_LIMIT_EXCEEDED")
    assert refused(execute(call, "hello", {"async": True}))[:2] == (402, "USAGE_LIMIT_EXCEEDED")


def never_ran(call: Caller, run_id: str, message: str) -> bool:
    """Whether a run is what a refusal leaves under the id that it used up."""
    run = run_of(call, "hello", run_id, includeOutput="true")
    left = {"status": "failed", "durationMs": 1, "cost": {"total": 0}, "output": None}
    assert run["error"]["message"].startswith(message)
    return run["error"]["code"] == "EXECUTION_FAILED" and left.items() <= run.items()


@pytest.mark.parametrize("body", [{}, {"async": True}, {"stream": True}], ids=str)
def test_over_the_rate_limit_the_run_id_is_used_up(serve: Serve, body: dict[str, object]) -> None:
    call = serve(Sandbox(rate_limits=RateLimits(sync_per_minute=1, async_per_minute=1)))
    statuses = [execute(call, "hello", body).status_code for _ in range(2)]
    answer = execute(call, "hello", body, x_run_id="mine")
    assert max(statuses) < 300
    assert refused(answer) == (429, "RATE_LIMITED", "Rate limit exceeded. Please try again later.")
    assert answer.json()["error"]["details"] == {"code": "RATE_LIMIT_EXCEEDED"}
    assert int(answer.headers["retry-after"]) > 0
    assert never_ran(call, "mine", "Rate limit exceeded. 0 requests remaining. Resets at ")
    assert execute(call, "hello", body, x_run_id="mine").json()["error"]["details"]["code"] == "RUN_ID_CONFLICT"


def test_over_the_concurrency_limit_the_run_id_is_used_up(serve: Serve) -> None:
    call = serve(Sandbox(rate_limits=RateLimits(concurrent=1)))
    with held(call):
        answer = execute(call, "hello", x_run_id="mine")
    assert refused(answer)[:2] == (429, "RATE_LIMITED")
    assert answer.json()["error"]["details"] == {"code": "EXECUTION_CONCURRENCY_LIMIT"}
    assert answer.headers["retry-after"] == "5"
    assert never_ran(call, "mine", "Too many concurrent executions are in progress")
    assert execute(call, "hello", x_run_id="mine").status_code == 409
    assert execute(call, "hello", x_run_id="another").status_code == 200


def test_over_the_limit_of_requests_and_at_capacity_the_run_id_is_not(serve: Serve) -> None:
    now = 1_795_161_600.0
    call = serve(Sandbox(rate_limits=RateLimits(v1_per_minute=1), admission_limit=1, clock=lambda: now))
    with held(call):
        at_capacity = execute(call, "hello", x_run_id="mine")
    over = execute(call, "hello", x_run_id="mine")
    assert [refused(each)[2] for each in (at_capacity, over)] == [
        "Server is at capacity. Please retry shortly.",
        "API rate limit exceeded",
    ]
    assert (at_capacity.headers["retry-after"], over.headers["retry-after"]) == ("5", "60")
    assert list(over.json()["error"]["details"]) == ["retryAfter"]
    assert "details" not in at_capacity.json()["error"]
    now += 60
    assert execute(call, "hello", x_run_id="mine").status_code == 200


def test_background_runs_have_an_allowance_of_their_own_and_pay_once(serve: Serve) -> None:
    call = serve(Sandbox(rate_limits=RateLimits(sync_per_minute=1, async_per_minute=2)))
    runs = [execute(call, "hello", {"async": True}).json()["data"]["runId"] for _ in range(4)]
    assert [ended(call, "hello", run_id)["status"] for run_id in runs] == ["completed"] * 4
    assert execute(call, "hello", {"async": True}).status_code == 429
    assert execute(call, "hello").status_code == 200


def test_a_call_chain_may_not_be_too_deep(call: Caller) -> None:
    answer = execute(call, "hello", X_Sim_Via=",".join(["w"] * 26))
    assert refused(answer)[:2] == (409, "CONFLICT")
    assert answer.json()["error"]["details"]["code"] == "CALL_CHAIN_DEPTH_EXCEEDED"


# Without a key


@pytest.fixture
def anonymous(call: Caller) -> Caller:
    call.sandbox.workflow("open", public=True)(lambda given: "hi")
    del call.http.headers["x-api-key"]
    return call


def test_a_public_workflow_runs_without_a_key(anonymous: Caller) -> None:
    assert execute(anonymous, "open").json()["data"]["output"] == "hi"
    assert refused(execute(anonymous, "hello"))[:2] == (401, "UNAUTHORIZED")


def test_but_not_in_the_background_and_under_no_id_of_its_own(anonymous: Caller) -> None:
    assert execute(anonymous, "open", {"async": True}).status_code == 400
    runs = [execute(anonymous, "open", X_Run_Id="mine") for _ in range(2)]
    assert [run.status_code for run in runs] == [200, 200]
    assert all(run.headers["x-run-id"] != "mine" for run in runs)


def test_a_wrong_key_is_refused_also_where_none_is_needed(anonymous: Caller) -> None:
    answer = execute(anonymous, "open", X_API_Key="sk-sim-wrong")
    assert refused(answer)[:2] == (401, "UNAUTHORIZED")
    assert "SimApiKey" in answer.headers["www-authenticate"]


def test_an_outsider_does_not_find_the_workflow(serve: Serve) -> None:
    call = serve(Sandbox(outsider_key="sk-sim-outsider"))
    assert execute(call, "hello", X_API_Key="sk-sim-outsider").status_code == 404


# Claimed run ids


@pytest.mark.generation("v0.6")
@pytest.mark.parametrize("body", [{}, {"async": True}, {"stream": True}])
def test_a_run_has_the_id_its_caller_claims(call: Caller, body: dict) -> None:
    answer = execute(call, "hello", body, X_Run_Id="run_mine-1.a:b")
    assert answer.headers["x-run-id"] == "run_mine-1.a:b"
    assert ended(call, "hello", "run_mine-1.a:b")["status"] == "completed"


@pytest.mark.parametrize("body", [{}, {"async": True}, {"stream": True}])
def test_an_id_is_claimed_once_and_nothing_runs_twice(call: Caller, body: dict) -> None:
    ran: list[object] = []
    call.sandbox.workflow("counted")(ran.append)
    assert execute(call, "counted", body, X_Run_Id="mine").status_code < 300
    again = execute(call, "counted", body, X_Run_Id="mine")
    assert refused(again) == (409, "CONFLICT", "Run ID has already been used")
    assert again.json()["error"]["details"] == {"code": "RUN_ID_CONFLICT", "runId": "mine"}
    ended(call, "counted", "mine")
    assert len(ran) == 1


def test_a_claim_holds_while_the_run_goes_on_and_over_a_restart(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db"))
    assert execute(call, "slow", {"async": True, "input": {"seconds": 60}}, X_Run_Id="mine").status_code == 202
    assert execute(call, "hello", X_Run_Id="mine").status_code == 409
    call.server.close()
    assert execute(serve(Sandbox(state=tmp_path / "state.db")), "hello", X_Run_Id="mine").status_code == 409


@pytest.mark.parametrize("run_id", ["", "with space", "x" * 129, "slash/"])
def test_what_is_no_id_is_refused(call: Caller, run_id: str) -> None:
    assert refused(execute(call, "hello", X_Run_Id=run_id))[:2] == (400, "BAD_REQUEST")


@pytest.mark.generation("v0.6")
def test_a_request_that_is_refused_claims_nothing(call: Caller) -> None:
    assert execute(call, "hello", {"selectedOutputs": ["no.where"]}, X_Run_Id="mine").status_code == 400
    assert execute(call, "hello", X_Run_Id="mine").status_code == 200


# In the background


def test_a_background_run_is_read_until_it_has_ended(call: Caller) -> None:
    answer = execute(call, "hello", {"async": True, "input": {"name": "Ada"}})
    assert answer.status_code == 202
    accepted = answer.json()["data"]
    url = f"{call.server.base_url}/api/v2/workflows/hello/runs/{accepted['runId']}"
    assert accepted == {"runId": answer.headers["x-run-id"], "statusUrl": url}
    assert ended(call, "hello", accepted["runId"])["output"] == {"message": "Hello, Ada!"}


@pytest.mark.parametrize(
    ("server", "asked", "effective"), [(None, None, None), (None, 5, 5), (3, 5, 3), (7, 5, 5), (7, None, 7)]
)
async def test_the_time_limit_is_the_smaller_of_the_servers_and_the_callers(
    server: float | None, asked: int | None, effective: float | None
) -> None:
    sandbox = Sandbox(execution_timeout=server)
    engine = sandbox._core.engine
    engine.start()
    run = engine.begin(sandbox.workflows["hello"], Invocation({}, {}, background=True, timeout=asked))
    assert run.timeout == effective
    await engine.stop()


def test_a_background_run_that_takes_too_long_failed_by_timeout(serve: Serve) -> None:
    call = serve(Sandbox(execution_timeout=0.02))
    body = {"async": True, "executionTimeoutSeconds": 604800, "input": {"seconds": 60}}
    run = ended(call, "slow", execute(call, "slow", body).json()["data"]["runId"])
    assert (run["status"], run["error"]["code"], run["output"]) == ("failed", "TIMEOUT", None)


def test_the_callers_time_limit_is_kept_over_a_restart(serve: Serve, tmp_path: Path) -> None:
    call = serve(Sandbox(state=tmp_path / "state.db", job_concurrency=1))
    execute(call, "slow", {"async": True, "input": {"seconds": 60}})
    run_id = execute(call, "slow", {"async": True, "executionTimeoutSeconds": 7}).json()["data"]["runId"]
    call.server.close()
    store = SQLiteStore(tmp_path / "state.db")
    store.open()
    job = store.job_of(run_id)
    store.close()
    assert job is not None
    assert job.timeout == 7


# Heartbeats


def lines(answer: httpx.Response) -> list[dict]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_heartbeats_are_sent_until_the_result_is_there(serve: Serve) -> None:
    call = serve(Sandbox(heartbeat_interval=0.005))
    answer = execute(call, "slow", {"input": {"seconds": 0.03}}, Accept="application/json, application/x-ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    *heartbeats, last = lines(answer)
    assert {each["type"] for each in heartbeats} == {"heartbeat"}
    assert len(heartbeats) > 1
    assert last["type"] == "final"
    assert (last["data"]["status"], last["data"]["output"]) == ("completed", {"slept": 0.03})
    assert last["data"]["runId"] == answer.headers["x-run-id"]


def test_one_heartbeat_comes_at_once(call: Caller) -> None:
    first, last = lines(execute(call, "fail", Accept="application/x-ndjson"))
    assert set(first) == {"type", "timestamp"}
    assert (last["data"]["status"], last["data"]["error"]["blockName"]) == ("failed", "fail")


@pytest.mark.parametrize("accept", ["application/json", "application/json, application/x-ndjson;q=0", "*/*"])
def test_whoever_does_not_ask_for_heartbeats_gets_none(call: Caller, accept: str) -> None:
    assert execute(call, "hello", Accept=accept).json()["data"]["status"] == "completed"


def test_what_is_refused_is_refused_without_heartbeats(call: Caller) -> None:
    assert refused(execute(call, "nowhere", Accept="application/x-ndjson"))[0] == 404


# Large values


def test_large_values_are_references_when_asked_for(serve: Serve) -> None:
    call = serve(Sandbox(large_value_limit=100))
    call.sandbox.workflow("large", block="L")(lambda given: {"rows": list(range(100)), "text": "x" * 200, "n": 1})
    run = execute(call, "large", {"selectedOutputs": ["l.text", "l.n"]}).json()["data"]
    rows = run["output"]["rows"]
    assert (rows["__simLargeValueRef"], rows["version"], rows["kind"], rows["size"]) == (True, 1, "array", 291)
    assert rows["id"].startswith("lv_")
    assert run["output"]["text"]["kind"] == "string"
    assert run["output"]["n"] == run["blockOutputs"]["l.n"] == 1
    assert run["blockOutputs"]["l.text"] == run["output"]["text"]
    assert run_of(call, "large", run["runId"], includeOutput="true")["output"] == run["output"]


def test_an_object_of_many_small_values_is_a_reference_as_a_whole(serve: Serve) -> None:
    call = serve(Sandbox(large_value_limit=100))
    call.sandbox.workflow("wide")(lambda given: {f"key {number}": number for number in range(100)})
    assert execute(call, "wide").json()["data"]["output"]["kind"] == "object"


def test_v2_can_be_switched_off(serve: Serve) -> None:
    call = serve(Sandbox(v2=False))
    assert refused(execute(call, "hello")) == (404, "NOT_FOUND", "Not found")
