from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from deliveries import DRAIN_PROBE, FAILED_RUN, TEST_BUTTON, UNSIGNED

from simstudio import InvalidInputError, InvalidResponseError
from simstudio.core.model import Model
from simstudio.testing import strict_models
from simstudio.webhooks import (
    DataDrainDelivery,
    Event,
    GenericEvent,
    InvalidPayloadError,
    WorkflowExecutionCompleted,
    construct_event_without_verification,
)

SMALLEST: dict[str, Any] = {
    "id": "evt_1",
    "type": "workflow.execution.completed",
    "timestamp": 1795163137308,
    "data": {"executionId": "e1", "workflowId": "w1", "status": "success"},
}


def read(payload: Any) -> Event:
    return construct_event_without_verification(json.dumps(payload))


def completed(payload: bytes | dict[str, Any]) -> WorkflowExecutionCompleted:
    event = construct_event_without_verification(payload) if isinstance(payload, bytes) else read(payload)
    assert isinstance(event, WorkflowExecutionCompleted)
    return event


# --- runs that ended ------------------------------------------------------------------------------------------------


def test_a_failed_run_tells_what_ran_and_how_it_ended():
    data = completed(FAILED_RUN.body).data

    assert data.execution_id == "7579e712-d9c1-4ed8-b386-aa829e6438ba"
    assert (data.workflow_id, data.workflow_name) == ("b626acc6-90e4-41df-9f9f-f05f157821f8", "Fails")
    assert (data.status, data.level, data.trigger, data.succeeded) == ("error", "error", "api", False)
    assert (data.started_at, data.ended_at) == ("2026-11-20T08:25:37.221Z", "2026-11-20T08:25:37.276Z")
    assert data.total_duration_ms == 53
    assert data.final_output == {"error": "Boom: Line 1: `throw new Error('kaboom: ' + \"hook\");` - kaboom: hook"}


def test_trace_spans_stay_plain_json_data():
    spans = completed(FAILED_RUN.body).data.trace_spans

    assert spans is not None
    assert [child["name"] for child in spans[0]["children"]] == ["Start", "Boom"]


def test_a_run_that_succeeded_says_so():
    assert completed(UNSIGNED.body).data.succeeded


def test_the_event_has_its_id_its_type_and_its_time_in_milliseconds():
    event = completed(FAILED_RUN.body)

    assert event.id == "evt_5131559b-92aa-4850-9b19-346e018204ca"
    assert event.type == "workflow.execution.completed"
    assert event.timestamp == 1795163137308


def test_the_cost_is_typed():
    cost = completed(TEST_BUTTON.body).data.cost

    assert cost is not None
    assert cost.total == 0.00123
    assert cost.tokens is not None
    assert (cost.tokens.input, cost.tokens.output, cost.tokens.total) == (100, 50, 150)


def test_rate_limits_and_usage_are_typed():
    data = completed(TEST_BUTTON.body).data

    assert data.rate_limits is not None
    assert (data.rate_limits.sync.limit, data.rate_limits.async_.remaining) == (150, 50)
    assert data.usage is not None
    assert (data.usage.current_period_cost, data.usage.percent_used, data.usage.is_exceeded) == (2.45, 12.25, False)


def test_the_test_buttons_delivery_is_told_from_a_real_one():
    event = completed(TEST_BUTTON.body)

    assert event.is_test
    assert event.links == {"log": "/workspace/logs"}
    assert not completed(FAILED_RUN.body).is_test


def test_what_the_subscription_does_not_ask_for_is_none():
    data = completed(UNSIGNED.body).data

    assert data.final_output is data.trace_spans is data.rate_limits is data.usage is None
    assert "finalOutput" not in data


def test_an_output_that_is_null_is_told_from_one_not_sent():
    data = completed({**SMALLEST, "data": {**SMALLEST["data"], "finalOutput": None}}).data

    assert data.final_output is None
    assert "finalOutput" in data


def test_the_wire_names_are_items():
    event = completed(FAILED_RUN.body)

    assert event["data"]["executionId"] == event.data.execution_id
    assert event.to_dict() == json.loads(FAILED_RUN.body)


def test_unknown_fields_and_statuses_are_kept():
    event = completed({**SMALLEST, "new": 1, "data": {**SMALLEST["data"], "status": "skipped", "runs": [2]}})

    assert event.extra == {"new": 1}
    assert event.data.extra == {"runs": [2]}
    assert event.data.status == "skipped"
    assert not event.data.succeeded


def test_an_optional_field_of_another_type_stays_as_it_came():
    assert completed({**SMALLEST, "links": ["a"]}).links == ["a"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"data": {**SMALLEST["data"], "status": None}}, "WorkflowExecutionData.status is null"),
        ({"data": {"executionId": "e1"}}, "WorkflowExecutionData.workflow_id is missing; WorkflowExecutionData.status"),
        ({"data": []}, "WorkflowExecutionCompleted.data is a list and not an object"),
        ({"timestamp": "1"}, "WorkflowExecutionCompleted.timestamp is text and not a whole number"),
        ({"id": 1}, "WorkflowExecutionCompleted.id is a whole number and not text"),
    ],
)
def test_a_completed_run_that_lacks_what_its_type_requires_is_generic_and_says_so(change: dict[str, Any], problem: str):
    event = read({**SMALLEST, **change})

    assert isinstance(event, GenericEvent)
    assert event.problem is not None
    assert event.problem.startswith(f"The body says it is a workflow.execution.completed, but {problem}")
    assert event.payload == event == {**SMALLEST, **change}
    assert event.type == "workflow.execution.completed"


# --- rows of a data drain -------------------------------------------------------------------------------------------

ROWS = [{"id": "l1", "executionId": "e1", "level": "info"}, {"id": "l2", "text": "Zoë\u2028"}]


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


@pytest.mark.parametrize("body", [lines(*ROWS), lines(*ROWS).rstrip(), lines(*ROWS).replace(b"\n", b"\r\n\r\n")])
def test_a_drains_lines_are_the_rows_of_one_event(body: bytes):
    event = construct_event_without_verification(body, family="drain")

    assert isinstance(event, DataDrainDelivery)
    assert (event.rows, event.type, event.is_probe) == (ROWS, None, False)


def test_a_drains_test_delivery_says_so():
    event = construct_event_without_verification(DRAIN_PROBE.body, family="drain")

    assert isinstance(event, DataDrainDelivery)
    assert event.is_probe


@pytest.mark.parametrize(("body", "row"), [(lines(*ROWS) + b"{", len(ROWS) + 1), (b"\xff\n", 1), (b"[" * 100_000, 1)])
def test_a_drains_body_that_is_not_ndjson_is_its_bytes_and_names_the_row(body: bytes, row: int):
    event = construct_event_without_verification(body, family="drain")

    assert isinstance(event, GenericEvent)
    assert event.payload == body
    assert str(event.problem).startswith(f"The body is not NDJSON: in row {row}, ")


def test_a_drains_line_that_is_no_object_makes_it_generic():
    event = construct_event_without_verification(lines({"id": "l1"}, 5), family="drain")

    assert isinstance(event, GenericEvent)
    assert event.payload == [{"id": "l1"}, 5]
    assert event.problem == (
        "The body is that of a data drain, but DataDrainDelivery.rows is a whole number and not an object."
    )


def test_a_family_that_is_none_is_refused():
    with pytest.raises(InvalidInputError, match="family"):
        construct_event_without_verification(b"{}", family="other")  # type: ignore[arg-type]


def test_in_strict_models_a_delivery_that_deviates_is_an_error():
    with strict_models():
        assert completed(FAILED_RUN.body).data.status == "error"
        with pytest.raises(InvalidResponseError, match=r"WorkflowExecutionCompleted\.id is a whole number"):
            read({**SMALLEST, "id": 1})
        with pytest.raises(InvalidResponseError, match=r"DataDrainDelivery\.rows is a whole number"):
            construct_event_without_verification(b"5", family="drain")


# --- other payloads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [{"order": 7}, {}, [1], "text", 5, 1.5, True, None])
def test_a_webhook_blocks_payload_is_whatever_the_block_builds(payload: Any):
    event = read(payload)

    assert isinstance(event, GenericEvent)
    assert event.payload == payload
    assert event.problem is None


def test_a_payload_that_is_an_object_is_read_by_its_names():
    event = read({"order": 7, "payload": "inner"})

    assert dict(event) == {"order": 7, "payload": "inner"}
    assert event["order"] == 7
    assert event.extra == event.to_dict() == {"order": 7, "payload": "inner"}


def test_a_payload_that_is_no_object_has_no_names():
    assert dict(read([1])) == {}


@pytest.mark.parametrize(("payload", "named"), [({"type": "a"}, "a"), ({"type": 5}, None), ({}, None), ([1], None)])
def test_a_generic_events_type_is_the_payloads_own(payload: Any, named: str | None):
    assert read(payload).type == named


def test_an_event_that_a_later_sim_invents_is_generic():
    event = read({**SMALLEST, "type": "workflow.deployed"})

    assert isinstance(event, GenericEvent)
    assert event.type == "workflow.deployed"
    assert event["data"] == SMALLEST["data"]


@pytest.mark.parametrize(("family", "name"), [("webhook", "JSON"), ("drain", "NDJSON")])
def test_json_that_python_does_not_read_is_its_bytes_and_says_so(family: Any, name: str):
    body = b'{"id": "l1", "n": ' + b"9" * 5000 + b"}"
    event = construct_event_without_verification(body, family=family)
    assert isinstance(event, GenericEvent)
    assert event.payload == body
    place = "in row 1, " if family == "drain" else ""
    assert str(event.problem).startswith(f"The body is {name} that Python does not read: {place}it has an integer that")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"a=1", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"a": NaN}', b"-Infinity", b"[" * 100_000]
)
def test_what_is_not_json_is_its_bytes_and_says_so(body: bytes):
    event = construct_event_without_verification(body)

    assert isinstance(event, GenericEvent)
    assert event.payload == body
    assert event.problem is not None
    assert event.problem.startswith("The body is not JSON: ")
    assert (event.type, dict(event)) == (None, {})


def test_what_was_parsed_already_is_refused():
    with pytest.raises(InvalidPayloadError, match="raw body, bytes or text, not dict"):
        construct_event_without_verification(SMALLEST)  # type: ignore[arg-type]


# --- as values ------------------------------------------------------------------------------------------------------

EVENTS: list[Model] = [
    completed(FAILED_RUN.body),
    construct_event_without_verification(lines(*ROWS), family="drain"),
    read({"order": 7}),
    read([1]),
    read({**SMALLEST, "id": 1}),
    construct_event_without_verification(b"{"),
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_survives_pickling_and_copying(event: Model):
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event
    assert repr(pickle.loads(pickle.dumps(event))) == repr(event)


def test_events_of_other_payloads_are_not_equal():
    assert read([1]) != read([2])


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_frozen(event: Model):
    with pytest.raises(AttributeError):
        event.id = "other"  # type: ignore[attr-defined]
