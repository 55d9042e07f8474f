"""Signed notifications: what a sandbox delivers after each run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from simstudio.errors import ConfigurationError
from simstudio.sandbox import Pause
from simstudio.webhooks import (
    DataDrainDelivery,
    InvalidSignatureError,
    WorkflowExecutionCompleted,
    construct_event,
)
from tests.webhooks.deliveries import WORKSPACE_EVENT

from .calls import Caller
from .hitl_scenes import until

SECRET = "whsec-test"


class Receiver:
    """Takes deliveries, and answers them with a status."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["transfer-encoding"] == "chunked"
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def delivered(call: Caller, times: int = 1) -> None:
    until(lambda: len(call.sandbox.deliveries) == times)


def event_of(receiver: Receiver) -> WorkflowExecutionCompleted:
    headers, body = receiver.received[-1]
    event = construct_event(body, headers, SECRET)
    assert isinstance(event, WorkflowExecutionCompleted)
    return event


def test_a_run_that_has_ended_is_delivered_and_verifies(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url, secret=SECRET)
    run = call.execute("hello").json()["executionId"]
    delivered(call)
    data = event_of(receiver).data
    assert (data.execution_id, data.workflow_id, data.workflow_name) == (run, "hello", "hello")
    assert (data.status, data.level, data.trigger) == ("success", "info", "api")
    with pytest.raises(InvalidSignatureError):
        construct_event(receiver.received[0][1], receiver.received[0][0], "another")


def test_the_headers_are_those_of_the_real_server(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url, secret=SECRET)
    call.execute("hello")
    delivered(call)
    headers, body = receiver.received[0]
    assert headers["sim-event"] == "workflow.execution.completed"
    assert headers["sim-delivery-id"] == headers["idempotency-key"]
    assert headers["sim-delivery-id"].startswith("delivery_")
    assert headers["sim-signature"].startswith(f"t={headers['sim-timestamp']},v1=")
    event = json.loads(body)
    assert (event["timestamp"], event["id"][:4]) == (int(headers["sim-timestamp"]), "evt_")
    assert headers["connection"] == "close"


def test_without_a_secret_nothing_is_signed_and_little_is_told(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url)
    call.execute("hello")
    delivered(call)
    headers, body = receiver.received[0]
    assert "sim-signature" not in headers
    assert set(json.loads(body)["data"]) == {
        "workflowId",
        "workflowName",
        "executionId",
        "status",
        "level",
        "trigger",
        "startedAt",
        "endedAt",
        "totalDurationMs",
        "cost",
    }


def test_more_is_told_when_asked_for(call: Caller, receiver: Receiver) -> None:
    parts = ["finalOutput", "traceSpans", "rateLimits", "usage"]
    call.sandbox.notify(receiver.url, secret=SECRET, include=parts)  # type: ignore[arg-type]
    call.execute("hello", {"name": "Zoë"})
    delivered(call)
    assert "Zoë".encode() in receiver.received[0][1]
    data = json.loads(receiver.received[0][1])["data"]
    assert data["finalOutput"] == {"message": "Hello, Zoë!"}
    assert [span["name"] for span in data["traceSpans"]] == ["Workflow Execution"]
    assert data["rateLimits"]["sync"]["requestsPerMinute"] == 999_999
    assert data["usage"] == {"currentPeriodCost": 0, "limit": 99999, "percentUsed": 0, "isExceeded": False}


def test_a_failed_run_is_an_error(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url, secret=SECRET, include=["finalOutput"])
    call.execute("fail", {"message": "no"})
    delivered(call)
    data = event_of(receiver).data
    assert (data.status, data.level, data.final_output) == ("error", "error", {"error": "fail: no"})


def test_runs_of_every_kind_are_delivered(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url, secret=SECRET)
    call.submit("hello")
    call.frames("hello")
    call.http.post("/api/v2/workflows/hello/execute", json={})
    delivered(call, 3)


def test_a_paused_run_is_delivered_when_it_has_ended(call: Caller, receiver: Receiver) -> None:
    @call.sandbox.workflow("ask")
    def ask(input: dict) -> Iterator[object]:
        yield Pause()

    call.sandbox.notify(receiver.url, secret=SECRET)
    links = call.execute("ask").json()["output"]["data"]["_resume"]
    assert call.sandbox.deliveries == []
    call.http.post(links["apiUrl"], json={})
    delivered(call)
    assert event_of(receiver).data.execution_id == links["executionId"]


def test_a_webhook_block_passes_on_the_workspace_event(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url, secret=SECRET, family="webhook")
    call.execute("hello", {"name": "Zoë"})
    call.execute("fail", {"message": "no"})
    delivered(call, 2)
    events = [construct_event(body, headers, SECRET) for headers, body in receiver.received]
    assert {event["event"]: event["finalOutput"] for event in events} == {
        "execution_success": {"message": "Hello, Zoë!"},
        "execution_error": {"error": "fail: no"},
    }
    assert {*events[0]} == {*json.loads(WORKSPACE_EVENT.body)}
    assert {delivery.id for delivery in call.sandbox.deliveries} == {
        headers["x-delivery-id"] for headers, _ in receiver.received
    }


def test_a_data_drain_delivers_the_run_as_a_row(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url, secret=SECRET, family="drain")
    run = call.execute("hello").json()["executionId"]
    delivered(call)
    headers, body = receiver.received[0]
    event = construct_event(body, headers, SECRET)
    assert isinstance(event, DataDrainDelivery)
    assert [(row["executionId"], row["status"]) for row in event.rows] == [(run, "completed")]
    assert headers["content-type"] == "application/x-ndjson"


def test_every_address_is_told(call: Caller, receiver: Receiver) -> None:
    call.sandbox.notify(receiver.url)
    call.sandbox.notify(receiver.url)
    call.execute("hello")
    delivered(call, 2)
    first, second = call.sandbox.deliveries
    assert first.id != second.id
    assert first.run_id == second.run_id


def test_a_delivery_that_is_not_taken_is_not_tried_again_but_seen(call: Caller, receiver: Receiver) -> None:
    receiver.status = 503
    call.sandbox.notify(receiver.url)
    call.execute("hello")
    call.execute("hello")
    delivered(call, 2)
    assert [(each.status, each.error, each.succeeded) for each in call.sandbox.deliveries] == [(503, None, False)] * 2
    assert len(receiver.received) == 2
    # Each has a thread of its own: either may come first.
    assert {each.body for each in call.sandbox.deliveries} == {body for _, body in receiver.received}


def test_a_receiver_that_is_not_there_is_seen_and_harms_nobody(call: Caller, receiver: Receiver) -> None:
    receiver.close()
    call.sandbox.notify(receiver.url)
    assert call.execute("hello").status_code == 200
    delivered(call)
    (delivery,) = call.sandbox.deliveries
    assert (delivery.status, delivery.succeeded) == (None, False)
    assert "ConnectError" in str(delivery.error)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://127.0.0.1/"},
        {"url": "http://127.0.0.1/", "secret": " "},
        {"url": "http://127.0.0.1/", "include": ["everything"]},
        {"url": "http://127.0.0.1/", "include": "usage"},
        {"url": "http://127.0.0.1/", "include": ["usage"], "family": "webhook"},
        {"url": "http://127.0.0.1/", "family": "drain"},
        {"url": "http://127.0.0.1/", "family": "other"},
    ],
)
def test_what_cannot_be_a_subscription_is_a_configuration_error(call: Caller, options: dict) -> None:
    with pytest.raises(ConfigurationError):
        call.sandbox.notify(**options)
