"""POST /api/workflows/{id}/execute, synchronously, as Sim v0.6 does it."""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from simstudio.sandbox import Context, Sandbox

from .calls import KEY, Caller, Serve

MIB = 1024 * 1024


@pytest.fixture
def echo(call: Caller) -> Caller:
    call.sandbox.workflow("echo")(lambda given: given)
    return call


def received(call: Caller, content: bytes) -> object:
    answer = call.http.post("/api/workflows/echo/execute", content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()["output"]


def test_the_envelope(call: Caller) -> None:
    body = call.execute("hello").json()
    assert set(body) == {"success", "executionId", "output", "metadata"}
    assert set(body["metadata"]) == {"duration", "startTime", "endTime"}


def test_every_call_is_a_new_execution(call: Caller) -> None:
    ids = {call.execute("hello", {}, Idempotency_Key="same").json()["executionId"] for _ in range(2)}
    assert len(ids) == 2


def test_json_comes_without_a_content_length(call: Caller) -> None:
    headers = call.execute("hello").headers
    assert headers["transfer-encoding"] == "chunked"
    assert headers["keep-alive"] == "timeout=5"
    assert "content-length" not in headers


def test_control_keys_do_not_reach_the_workflow(echo: Caller) -> None:
    body = {"a": 1, "triggerType": "api", "workflowId": "x", "selectedOutputs": ["a.b"], "isClientSession": False}
    assert received(echo, json.dumps(body).encode()) == {"a": 1, "isClientSession": False}


def test_a_wrapped_input_stays_wrapped(echo: Caller) -> None:
    assert received(echo, b'{"input": {"stream": true}}') == {"input": {"stream": True}}


@pytest.mark.generation("v0.6")
@pytest.mark.parametrize("content", [b"", b"{", b"not json", b'{"a": NaN}', b"--boundary\r\n"])
def test_what_is_not_json_is_an_empty_input(echo: Caller, content: bytes) -> None:
    assert received(echo, content) == {}


@pytest.mark.generation("v0.6")
def test_a_body_beyond_10_mib_is_cut_and_so_an_empty_input(echo: Caller) -> None:
    fits = b'{"a": "' + b"x" * (10 * MIB - 9) + b'"}'
    assert len(fits) == 10 * MIB
    assert len(received(echo, fits)["a"]) == 10 * MIB - 9
    assert received(echo, b" " + fits) == {}


def test_numbers_are_javascripts(echo: Caller) -> None:
    sent = b'{"big": 12345678901234567890, "huge": 1e400, "zero": -0.0, "whole": 2.0, "dec": 0.1, "long": %s}'
    answer = echo.http.post("/api/workflows/echo/execute", content=sent % (b"9" * 400)).text
    assert '"output":{"big":12345678901234567000,"huge":null,"zero":0,"whole":2,"dec":0.1,"long":null}' in answer


def test_text_is_not_ascii_escaped_but_a_lone_surrogate_is(echo: Caller) -> None:
    assert "héllo 😀" in echo.execute("echo", {"a": "héllo 😀"}).text
    assert echo.http.post("/api/workflows/echo/execute", content=b'{"a": "\\ud83d"}').json()["output"] == {
        "a": "\ud83d"
    }


@pytest.mark.generation("v0.6")
@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ([1], "", "Expected object, received array"),
        ("text", "", "Expected object, received string"),
        (None, "", "Expected object, received null"),
        ({"stream": "yes"}, "stream", "Expected boolean, received string"),
        ({"stream": None}, "stream", "Expected boolean, received null"),
        ({"selectedOutputs": ["a", 1]}, "selectedOutputs.1", "Expected string, received number"),
        ({"base64MaxBytes": 1.5}, "base64MaxBytes", "Expected integer, received float"),
    ],
)
def test_control_keys_have_types(call: Caller, body: object, path: str, message: str) -> None:
    answer = call.http.post("/api/workflows/hello/execute", content=json.dumps(body))
    assert answer.status_code == 400
    assert answer.json() == {"error": "Invalid request body", "details": [{"path": path, "message": message}]}


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({}, 401, "Unauthorized"),
        ({"X-API-Key": "nope"}, 401, "Invalid API key"),
        ({"Authorization": f"Bearer {KEY}"}, 401, "Unauthorized"),
        ({"X-API-Key": "outsider"}, 403, "Unauthorized: Access denied to read this workflow"),
        ({"X-API-Key": KEY, "Authorization": "Bearer nonsense"}, 200, None),
    ],
)
def test_only_the_key_header_counts(serve: Serve, headers: dict, status: int, error: str | None) -> None:
    call = serve(Sandbox(KEY, outsider_key="outsider"))
    answer = httpx.post(f"{call.server.base_url}/api/workflows/hello/execute", headers=headers, json={})
    assert (answer.status_code, answer.json().get("error")) == (status, error)


def test_a_public_workflow_needs_no_key_but_takes_no_wrong_one(call: Caller) -> None:
    call.sandbox.workflow("open", public=True)(lambda given: "in")
    url = f"{call.server.base_url}/api/workflows/open/execute"
    assert httpx.post(url).status_code == 200
    assert httpx.post(url, headers={"X-API-Key": "nope"}).status_code == 401


def test_the_checks_come_in_the_servers_order(serve: Serve) -> None:
    """Each request is wrong in everything that follows, too."""
    sandbox = Sandbox(KEY, outsider_key="outsider", usage_cost=1, usage_limit=1)
    sandbox.workflow("draft", deployed=False)(lambda given: None)
    call = serve(sandbox)

    def asked(workflow: str, key: str, body: object) -> tuple[int, str]:
        url = f"{call.server.base_url}/api/workflows/{workflow}/execute"
        answer = httpx.post(url, headers={"X-API-Key": key}, json=body)
        return answer.status_code, answer.json()["error"]

    assert asked("none", "nope", []) == (401, "Invalid API key")
    assert asked("none", "outsider", []) == (400, "Invalid request body")
    assert asked("none", "outsider", {}) == (404, "Workflow not found")
    assert asked("draft", "outsider", {})[0] == 403
    assert asked("draft", KEY, {}) == (403, "Workflow is not deployed")
    assert asked("hello", KEY, {})[0] == 402


def test_a_deep_call_chain_is_refused(call: Caller) -> None:
    answer = call.execute("hello", {}, X_Sim_Via=",".join("abcdefghijklmnopqrstuvwxyz"))
    assert (answer.status_code, answer.json()) == (409, {"error": "Maximum workflow call chain depth (25) exceeded."})


@pytest.mark.parametrize("agent", ["", "../etc", "x <script>", "sqlmap/1.0"])
def test_a_suspicious_user_agent_is_blocked_before_any_route(call: Caller, agent: str) -> None:
    answer = call.http.get("/api/nowhere", headers={"User-Agent": agent})
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (403, b"", "text/plain")


def test_a_trailing_slash_is_redirected_relatively_with_the_query(call: Caller) -> None:
    answer = call.http.post("/api/workflows/a%20b/execute/?x=1")
    assert (answer.status_code, answer.headers["location"]) == (308, "/api/workflows/a%20b/execute?x=1")


def test_other_methods_are_405_without_a_body(call: Caller) -> None:
    for method, path in (("GET", "/api/workflows/hello/execute"), ("DELETE", "/api/jobs/x")):
        answer = call.http.request(method, path)
        assert (answer.status_code, answer.content) == (405, b"")


def test_an_unknown_path_is_an_html_404(call: Caller) -> None:
    answer = call.http.get("/api/nowhere")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_a_timeout_is_408_with_the_envelope_of_a_failure(serve: Serve) -> None:
    call = serve(Sandbox(execution_timeout=0.02))
    answer = call.execute("slow", {"seconds": 60})
    assert answer.status_code == 408
    assert answer.json()["error"] == "Execution timed out after 0.02 seconds"
    assert "executionId" not in answer.json()


def test_a_run_that_times_out_is_told_so(serve: Serve) -> None:
    sandbox = Sandbox(execution_timeout=0.02)
    told = threading.Event()

    @sandbox.workflow("patient")
    def patient(input: dict, context: Context) -> None:
        if context.cancelled.wait(5):
            told.set()

    assert serve(sandbox).execute("patient").status_code == 408
    assert told.wait(5)


def test_a_synchronous_run_goes_on_when_the_caller_hangs_up(call: Caller) -> None:
    entered, go_on, done = threading.Event(), threading.Event(), threading.Event()

    @call.sandbox.workflow("careful")
    def careful(input: dict, context: Context) -> None:
        entered.set()
        go_on.wait(5)
        if not context.cancelled.is_set():
            done.set()

    with pytest.raises(httpx.ReadTimeout):
        call.http.post("/api/workflows/careful/execute", timeout=httpx.Timeout(5, read=0.02))
    assert entered.wait(5)
    go_on.set()
    assert done.wait(5)


def test_over_the_usage_limit_executions_are_402_until_the_limit_is_raised(call: Caller) -> None:
    call.sandbox.usage_cost, call.sandbox.usage_limit = 5, 1
    answer = call.execute("hello")
    message = "Usage limit exceeded: 5.00$ used of 1.00$ limit. Please upgrade your plan to continue."
    assert (answer.status_code, answer.json()) == (402, {"error": message})
    call.sandbox.usage_limit = 10
    assert call.execute("hello").status_code == 200


def test_stop_after_a_block_ends_the_run_there(call: Caller) -> None:
    from simstudio.sandbox import Block

    reached = []

    @call.sandbox.workflow("steps")
    def steps(input: dict):
        yield Block({"result": 1}, name="first")
        reached.append("second")

    answer = call.execute("steps", {"stopAfterBlockId": call.sandbox.block_id("steps", "first")})
    assert (answer.json()["success"], answer.json()["output"], reached) == (True, {}, [])


@pytest.mark.parametrize(
    ("error", "text"),
    [(KeyError("name"), "KeyError: 'name'"), (ValueError("no name"), "no name"), (ValueError(), "ValueError")],
)
def test_the_reason_of_a_failure_is_understood_without_the_traceback(call: Caller, error: Exception, text: str) -> None:
    @call.sandbox.workflow("broken")
    def broken(given: object) -> None:
        raise error

    assert call.http.post("/api/workflows/broken/execute", json={}).json()["error"] == f"broken: {text}"
