"""The control API of every sandbox: requests seen, faults, time and reset, for tests in any language."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest

from simstudio.sandbox import Sandbox, traffic
from simstudio.sandbox.clock import Clock
from simstudio.sandbox.fault_rules import parse_fault, write_fault
from simstudio.sandbox.faults import Faults
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox

from .calls import Caller, Serve

SERVICES: dict[str, Any] = {
    "sim": Sandbox,
    "oomol": OomolSandbox,
    "speedpix": SpeedPixSandbox,
    "vectorvein": VectorVeinSandbox,
}


def control(call: Caller, verb: str, below: str = "", body: Any = None, **params: str) -> Any:
    answer = call.http.request(verb, f"/_sandbox{below}", json=body, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_it_and_wants_its_own_key(service: str) -> None:
    with SERVICES[service]().serve() as server, httpx.Client(base_url=server.origin) as http:
        shown = http.get("/_sandbox", headers={"X-API-Key": server.key})
        refused = [http.get("/_sandbox", headers=headers) for headers in ({}, {"X-API-Key": "é".encode()})]
        preflight = http.options("/_sandbox/reset", headers={"Origin": "http://page.test"})
        other_host = http.get("/_sandbox", headers={"X-API-Key": server.key, "Host": "page.test"})

    assert (shown.json()["service"], shown.json()["baseUrl"]) == (service, server.base_url)
    assert shown.json()["functions"] == server.sandbox.functions != []
    assert {answer.status_code for answer in (*refused, preflight)} == {401}
    assert not [name for name in preflight.headers if name.startswith("access-control")]
    assert other_host.status_code == 421


def test_requests_are_listed_without_keys_and_with_their_bodies(call: Caller) -> None:
    call.execute("hello", {"name": "Ada"})
    call.http.post("/api/files/a", content=b"\xff")
    call.http.put("/api/files/c", content=b'{"n": NaN}')
    call.http.put("/api/files/b?x=1", content=b"text")

    listed = control(call, "GET", "/requests", path="/api/files/*")["requests"]
    (executed,) = control(call, "GET", "/requests", method="post", path="*/execute")["requests"]

    assert [each.get("base64") or each.get("text") for each in listed] == ["/w==", '{"n": NaN}', "text"]
    assert (listed[-1]["method"], listed[-1]["query"]) == ("PUT", "x=1")
    assert (executed["path"], executed["json"]) == ("/api/workflows/hello/execute", {"name": "Ada"})
    assert "x-api-key" not in executed["headers"]
    assert [each["path"] for each in control(call, "GET", "/requests", limit="1")["requests"]] == ["/api/files/b"]
    assert call.http.get("/_sandbox/requests?limit=-1").status_code == 400
    assert control(call, "DELETE", "/requests") == {"requests": []} == control(call, "GET", "/requests")


def test_of_many_or_large_requests_the_newest_are_kept(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "_MOST", 3)
    monkeypatch.setattr(traffic, "_MOST_BYTES", 10)

    def send(*sizes: int) -> list[int]:
        for size in sizes:
            call.http.put("/api/files/a", content=b"x" * size)
        return [len(request.body) for request in call.sandbox.requests]

    assert send(1, 2, 3, 4) == [2, 3, 4]
    assert send(5) == [4, 5]
    assert send(20) == [20]
    assert send(1) == [1]
    call.sandbox.forget_requests()
    assert send(9, 1) == [9, 1]


def test_a_fault_is_added_as_text_or_as_fields_and_counts_down(call: Caller) -> None:
    control(call, "POST", "/faults", {"fault": "POST /api/workflows/* 503 retry-after:1 x2"})
    listed = control(call, "POST", "/faults", {"status": 418, "body": {"pot": 1}, "workflow": "hello"})["faults"]

    answers = [call.execute("hello") for _ in range(4)]

    assert [each["fault"] for each in listed] == ["POST /api/workflows/* 503 retry-after:1 x2", "* */hello/* 418 x1"]
    assert [answer.status_code for answer in answers] == [503, 503, 418, 200]
    assert (answers[0].headers["retry-after"], answers[2].json()) == ("1", {"pot": 1})


def test_faults_can_be_cleared(call: Caller) -> None:
    control(call, "POST", "/faults", {"fault": "503"})

    assert control(call, "DELETE", "/faults") == {"faults": []}
    assert call.execute("hello").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/faults", {"fault": "POST /x"}, "names no effect. Write: METHOD PATH"),
        ("/faults", {"fault": "POST /x 503 boom"}, "'boom' is not understood"),
        ("/faults", {"fault": "POST '/x 503"}, "No closing quotation"),
        ("/faults", {"fault": "503 x0"}, "at least 1"),
        ("/faults", {}, "a fault needs latency, status"),
        ("/faults", {"state": 503}, "Unknown field 'state'"),
        ("/faults", {"status": "503"}, 'status cannot be "503"'),
        ("/faults", {"status": True}, "status cannot be true"),
        ("/faults", {"status": 900}, "between 200 and 599"),
        ("/faults", {"status": 100}, "between 200 and 599"),
        ("/faults", {"latency": -1}, "latency is a number of seconds, at least 0"),
        ("/faults", {"latency": float("nan")}, "latency is a number"),
        ("/faults", {"afterBytes": -1}, "at least 0"),
        ("/faults", {"status": 503, "times": 0}, "times is at least 1"),
        ("/faults", {"status": 503, "headers": {"a b": "x"}}, "is no header"),
        ("/faults", {"status": 503, "headers": {"a": "x\r\nb: 1"}}, "is no header"),
        ("/faults", {"fault": "503 a:☃"}, "is no header"),
        ("/faults", {"fault": "* * 101"}, "'101' is not understood"),
        ("/faults", {"status": 503, "headers": {"a": 1}}, "values of headers are texts"),
        ("/faults", {"drop": "all"}, "drop is one of body, request"),
        ("/faults", [], "not a JSON object"),
        ("/time", {"advance": "1"}, "advance is a number of seconds"),
        ("/time", {"advance": float("nan")}, "advance is a number of seconds"),
        ("/time", {"advance": 10**400}, "advance is a number of seconds"),
        ("/time", {"advance": -1e10}, "between the years 1970 and 9000"),
        ("/time", {"now": float("inf")}, "now is a number of seconds"),
        ("/time", {"now": "9999-12-31"}, "between the years 1970 and 9000"),
        ("/time", {"now": "soon"}, "now is a moment in ISO 8601"),
        ("/time", {}, 'Write {"advance": seconds}'),
    ],
)
def test_what_cannot_be_done_is_a_400_that_says_why(call: Caller, path: str, body: object, problem: str) -> None:
    answer = call.http.post(f"/_sandbox{path}", content=json.dumps(body))

    assert answer.status_code == 400
    assert problem in answer.json()["error"]


def test_unknown_paths_and_methods_name_those_that_exist(call: Caller) -> None:
    unknown, method = call.http.get("/_sandbox/tables"), call.http.put("/_sandbox/time")

    assert (unknown.status_code, method.status_code, method.headers["allow"]) == (404, 405, "GET, POST, DELETE")
    assert "/_sandbox/requests, /_sandbox/faults" in unknown.json()["error"]


def test_time_can_be_moved(serve: Serve) -> None:
    call = serve(Sandbox(clock=lambda: 1000.0))

    assert control(call, "POST", "/time", {"advance": 60})["epoch"] == 1060
    assert control(call, "POST", "/time", {"now": "2030-01-31T00:00:00Z"})["now"] == "2030-01-31T00:00:00.000Z"
    assert call.execute("hello").json()["metadata"]["startTime"] == "2030-01-31T00:00:00.000Z"
    assert control(call, "DELETE", "/time")["epoch"] == 1000


def test_a_reset_removes_what_was_made_and_keeps_functions(serve: Serve) -> None:
    call = serve(Sandbox(clock=lambda: 1000.0))
    call.sandbox.workflow("mine")(lambda given: "mine")
    control(call, "POST", "/faults", {"fault": "GET /nowhere 503"})
    control(call, "POST", "/time", {"advance": 60})
    workspace = {"workspaceId": call.sandbox.workspace_id}
    made = call.http.post(
        "/api/v2/tables", json={**workspace, "name": "t", "schema": {"columns": [{"name": "a", "type": "string"}]}}
    )
    call.http.post("/api/v2/workflows", json={**workspace, "name": "made"})
    job = call.submit("hello")["jobId"]

    shown = control(call, "POST", "/reset")

    assert made.status_code == 201, made.text
    assert (shown["requests"], shown["faults"], shown["epoch"]) == (0, 0, 1000)
    assert call.http.get("/api/v2/tables", params=workspace).json()["data"] == []
    assert call.http.get(f"/api/jobs/{job}").status_code == 404
    assert {each["name"] for each in call.http.get("/api/v2/workflows", params=workspace).json()["data"]} == {
        "hello", "count", "slow", "fail", "mine",
    }  # fmt: skip
    assert call.execute("mine").json()["output"] == "mine"


def test_services_are_reset_too() -> None:
    oomol, speedpix, vectorvein = OomolSandbox(), SpeedPixSandbox(states=()), VectorVeinSandbox(polls=0)
    oomol.block("mine::block")(lambda inputs: inputs)
    speedpix.workflow("mine")(lambda inputs: inputs)
    vectorvein.workflow("mine")(lambda inputs: {"Text": "x"})
    vectorvein.add_access_key("known", "app")
    with oomol.serve() as server, server.client() as client:
        client.tasks.run({"blockId": "mine::block", "inputValues": {}})
        server.reset()
        assert client.tasks.list().tasks == []
        client.tasks.run({"blockId": "mine::block", "inputValues": {}})
    with speedpix.serve() as server, server.client() as client:
        url = speedpix.store(b"x")
        server.reset()
        assert httpx.get(url).status_code == 404
        assert client.run("mine", {"a": 1}) == {"a": 1}
    with vectorvein.serve() as server, server.client() as client:
        client.workflows.create("made")
        server.reset()
        assert [each.wid for each in client.workflows.list().workflows] == ["mine", "hello"]
        assert client.workflows.run("mine", []).data[0].value == "x"


def test_it_is_the_same_in_python() -> None:
    sandbox = Sandbox()
    sandbox.fault("POST */execute 503 x1")
    with sandbox.serve() as server, server.client(max_retries=0) as client:
        with pytest.raises(Exception, match="503"):
            client.workflows.execute("hello")
        assert client.workflows.execute("hello").success
        assert len(sandbox.requests) == 2
        server.reset()
        assert sandbox.requests == []
    with pytest.raises(ValueError, match="names no effect"):
        sandbox.fault("POST /x")


class TestFaultsAsText:
    @pytest.mark.parametrize(
        ("rule", "fields"),
        [
            ("503", {"status": 503}),
            ("GET /api/jobs/* delay=1.5", {"method": "GET", "path": "/api/jobs/*", "latency": 1.5}),
            ("* * delay=20ms x3", {"path": "*", "latency": 0.02, "times": 3}),
            ("POST drop", {"method": "POST", "drop": "request"}),
            ("/a drop=response reset", {"path": "/a", "drop": "response", "reset": True}),
            ("half", {"drop": "half"}),
            ("after=10", {"after_bytes": 10}),
            ("events=2 x1", {"after_events": 2, "times": 1}),
            ("503 'x-note: two words'", {"status": 503, "headers": {"x-note": "two words"}}),
        ],
    )
    def test_each_part_is_read_and_written_again(self, rule: str, fields: dict[str, Any]) -> None:
        assert parse_fault(rule) == {"times": None, **fields}
        faults = Faults()
        fault = faults.add(**parse_fault(rule))
        ((_, times),) = faults.remaining()
        assert parse_fault(write_fault(fault, times)) == {"times": None, "path": "*", **fields}

    def test_half_a_response_is_half_of_its_body(self, call: Caller) -> None:
        whole = call.execute("hello", {"name": "A" * 1000}).content
        call.sandbox.fault("half")

        received: list[bytes] = []

        def receive() -> None:
            body = {"name": "A" * 1000}
            with call.http.stream("POST", "/api/workflows/hello/execute", json=body) as answer:
                received.extend(answer.iter_raw())

        with pytest.raises(httpx.RemoteProtocolError):
            receive()
        assert abs(len(b"".join(received)) - len(whole) / 2) < 20


class TestTheLog:
    def test_a_request_is_one_record_without_its_query(self, call: Caller, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "simstudio.sandbox"):
            call.http.get("/api/jobs/a%20b?token=secret")

        (record,) = caplog.records
        assert (record.method, record.path, record.status) == ("GET", "/api/jobs/a%20b", 404)
        assert record.getMessage().startswith("GET /api/jobs/a%20b 404 (")

    def test_a_request_whose_connection_is_dropped_has_no_status(
        self, call: Caller, caplog: pytest.LogCaptureFixture
    ) -> None:
        call.sandbox.fault("drop")
        with caplog.at_level(logging.INFO, "simstudio.sandbox"):
            with pytest.raises(httpx.RemoteProtocolError):
                call.execute("hello")
            call.server.close()

        assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
            "POST /api/workflows/hello/execute no response"
        ]

    @pytest.mark.parametrize("is_async", [False, True])
    def test_the_traceback_of_a_function_begins_with_its_own_line(
        self, serve: Serve, caplog: pytest.LogCaptureFixture, is_async: bool
    ) -> None:
        sandbox = Sandbox()

        def breaks(input: dict[str, Any]) -> None:
            raise LookupError("of the function")

        async def breaks_async(input: dict[str, Any]) -> None:
            breaks(input)

        sandbox.workflow("breaks")(breaks_async if is_async else breaks)
        with caplog.at_level(logging.INFO, "simstudio.sandbox"):
            serve(sandbox).execute("breaks")

        record = next(record for record in caplog.records if record.exc_info)
        assert record.getMessage() == "breaks failed"
        assert record.exc_info[2].tb_frame.f_code.co_name == ("breaks_async" if is_async else "breaks")

    def test_functions_of_services_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        def breaks(inputs: dict[str, Any]) -> None:
            raise LookupError("of the function")

        oomol, speedpix, vectorvein = OomolSandbox(), SpeedPixSandbox(states=()), VectorVeinSandbox(polls=0)
        oomol.block("a::breaks")(breaks)
        speedpix.workflow("breaks")(breaks)
        vectorvein.workflow("breaks")(breaks)
        with caplog.at_level(logging.INFO, "simstudio.sandbox"):
            for sandbox, run in (
                (oomol, lambda client: client.tasks.run({"blockId": "a::breaks", "inputValues": {}})),
                (speedpix, lambda client: client.run("breaks", {})),
                (vectorvein, lambda client: client.workflows.run("breaks", [])),
            ):
                with sandbox.serve() as server, server.client() as client, pytest.raises(Exception, match="function"):
                    run(client)

        assert [record.getMessage() for record in caplog.records if record.exc_info] == ["breaks failed"] * 3


def test_a_clock_that_was_moved_goes_on() -> None:
    now = 1000.0
    clock = Clock(lambda: now)
    clock.set(5000)
    now = 1010.0

    assert clock() == 5010
    clock.reset()
    assert clock() == 1010
