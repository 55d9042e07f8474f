"""What becomes a span: recordings of three generations, and data that no server should send."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudio import Span, Trace
from simstudio.models.v1.logs import LogDetails
from simstudio.traces.values import time
from tests.properties import examples
from tests.recorded import recording, recordings
from tests.traces.runs import LOG, SPANS, at, block

V1_LOG = json.loads(recording("sim-v0.6.43", 187).body)["data"]
AGENT = json.loads(recording("sim-v0.4.22", 41).body)
JSON_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = (
    "id", "name", "type", "status", "startTime", "endTime", "duration", "durationMs", "relativeStartMs", "tokens",
    "cost", "model", "output", "input", "providerTiming", "toolCalls", "iterationIndex", "error", "errorMessage",
    "blockId",
)  # fmt: skip
ODD_SPANS: Any = st.recursive(
    JSON_VALUES,
    lambda inner: st.fixed_dictionaries({"children": st.lists(inner)}, optional=dict.fromkeys(FIELDS, JSON_VALUES)),
    max_leaves=6,
)


def logs_with_spans() -> list[Any]:
    """All logs with spans in the recordings, each with its generation."""
    found = []
    for name in ("sim-v0.4.22", "sim-v0.6.43", "sim-v0.8.9"):
        for each in recordings(name):
            if "/logs" not in each.path or each.status != 200 or b'"traceSpans"' not in each.body:
                continue
            try:
                data = json.loads(each.body)["data"]
            except ValueError:  # a text that was cut when it was recorded
                continue
            entries = data if isinstance(data, list) else [data]
            found += [pytest.param(entry, id=f"{name}-{each}-{at}") for at, entry in enumerate(entries)]
    return found


@pytest.mark.parametrize("log", logs_with_spans())
def test_every_recorded_log_becomes_a_trace(log: dict[str, Any]) -> None:
    spans = log.get("traceSpans") or log["executionData"]["traceSpans"]
    trace = Trace(log)
    assert [span.name for span in trace.spans] == [child["name"] for child in spans[0]["children"]]
    assert all(span.start is not None and span.duration is not None and span.block_id for span in trace)
    assert all(span.failed == (span.error is not None) for span in trace)
    assert trace.run_id in (log.get("runId"), log.get("executionId"))
    assert trace.duration is not None
    assert trace.duration >= max(span.duration or 0 for span in trace) - 1


def test_a_log_of_v1_in_full() -> None:
    trace = Trace(V1_LOG)
    assert (trace.workflow_name, trace.status, trace.cost) == ("Compute", "completed", 0.005)
    start, compute = trace.spans
    assert (compute.name, compute.type, compute.status, compute.duration) == (
        "Compute",
        "function",
        "success",
        89.76524300000165,
    )
    assert compute.output == {"result": {"doubled": 0, "message": ""}, "stdout": "computing 0"}
    assert start.start is not None
    assert start.start.isoformat() == "2026-11-20T08:19:49.441000+00:00"


def test_blocks_of_a_log_without_spans_are_read_from_the_state_of_its_execution() -> None:
    data = {name: value for name, value in V1_LOG["executionData"].items() if name != "traceSpans"}
    trace = Trace({**V1_LOG, "executionData": data})
    assert [(span.name, span.type, span.status) for span in trace] == [
        ("Start", "start_trigger", "success"),
        ("Compute", "function", "success"),
    ]


def test_a_result_without_spans_has_the_calls_of_its_last_agent() -> None:
    (agent,) = Trace(AGENT).spans
    assert (agent.type, agent.model, agent.tokens, agent.input_tokens, agent.output_tokens) == (
        "agent",
        "fake-model",
        15,
        10,
        5,
    )
    assert (agent.duration, agent.cost) == (7, 0)
    (call,) = agent.children
    assert (call.name, call.type, call.duration) == ("Initial response", "model", 7)
    assert call.start == agent.start


def test_steps_inside_an_agent_are_its_tool_calls_where_nothing_else_is_told() -> None:
    calls = {"list": [{"name": "search", "duration": 5, "arguments": {"q": 1}, "result": [1], "error": "gone"}]}
    (agent,) = Trace([block("Agent", "agent", 0, 9, toolCalls=calls)]).spans
    (call,) = agent.children
    assert (call.name, call.type, call.input, call.output, call.error, call.failed) == (
        "search",
        "tool",
        {"q": 1},
        [1],
        "gone",
        True,
    )


def test_steps_of_a_child_workflow_may_stand_in_its_output() -> None:
    (child,) = Trace([block("Child", "workflow", 0, 9, output={"childTraceSpans": [block("In", "api", 1, 2)]})]).spans
    assert [each.name for each in child] == ["Child", "In"]


@pytest.mark.parametrize(
    ("sent", "total", "read", "written"),
    [
        (12, 12, None, None),
        ({"input": 1, "output": 2, "total": 4}, 4, 1, 2),
        ({"prompt": 1, "completion": 2}, 3, 1, 2),
        ({"total": "many"}, None, None, None),
        (-1, None, None, None),
        ("12", None, None, None),
        (True, None, None, None),
        (float("nan"), None, None, None),
    ],
)
def test_tokens(sent: Any, total: Any, read: Any, written: Any) -> None:
    (found,) = Trace([{"name": "a", "tokens": sent}]).spans
    assert (found.tokens, found.input_tokens, found.output_tokens) == (total, read, written)


@pytest.mark.parametrize(
    ("sent", "cost"),
    [
        ({"total": 0.5, "input": 9}, 0.5),
        ({"input": 0.25, "output": 0.5}, 0.75),
        (0.5, 0.5),
        ({"total": None}, None),
        ({}, None),
        ("0.5", None),
    ],
)
def test_cost(sent: Any, cost: Any) -> None:
    (found,) = Trace([{"name": "a", "cost": sent}]).spans
    assert found.cost == cost


def test_a_cost_in_the_output_of_a_function_is_its_own_data() -> None:
    (found,) = Trace([block("Shop", "function", 0, 1, output={"cost": {"total": 99}, "tokens": 5})]).spans
    assert (found.cost, found.tokens) == (None, None)


@pytest.mark.parametrize(
    ("sent", "start", "duration"),
    [
        ({"startTime": at(5), "endTime": at(7)}, at(5), 2),
        ({"endTime": at(7), "duration": 2}, at(5), 2),
        ({"relativeStartMs": 5, "durationMs": 2}, at(5), 2),
        ({"startTime": at(5)}, at(5), None),
        ({"startTime": at(9), "endTime": at(5)}, at(9), 0),
        ({"startTime": at(5), "duration": -3, "endTime": at(7)}, at(5), 2),
        ({"startTime": 0, "duration": 3}, None, 3),
        ({"startTime": "yesterday", "duration": "3"}, None, None),
        ({"startTime": 1e300, "duration": 1e300}, None, 1e300),
    ],
)
def test_times(sent: dict[str, Any], start: str | None, duration: float | None) -> None:
    (found,) = Trace({"startedAt": at(0), "traceSpans": [{"name": "a", **sent}]}).spans
    assert (found.start, found.duration) == (time(start), duration)


@pytest.mark.parametrize(
    "sent",
    ["2026-11-20T08:00:00.1234567Z", "2026-11-20 08:00:00,123", "2026-11-20T10:00:00.123456+0200", 1_795_161_600_123],
)
def test_times_in_other_forms(sent: Any) -> None:
    found = time(sent)
    assert found is not None
    assert found.isoformat(timespec="milliseconds") == "2026-11-20T08:00:00.123+00:00"


def test_iterations_of_loops_and_parallels() -> None:
    trace = Trace(LOG)
    loop, parallel = (span for span in trace if span.type in ("loop", "parallel"))
    assert [each.iteration for each in loop.iterations] == [0, 1]
    assert [each.iteration for each in loop.iterations[1].children] == [1, 1]
    assert [each.name for each in parallel.iterations] == ["Iteration 0", "Iteration 1"]
    assert loop.is_container
    assert not loop.iterations[0].children[0].is_container


def test_the_wrapper_is_the_trace_itself() -> None:
    trace = Trace(SPANS)
    assert (len(trace), len(trace.spans), trace.status) == (19, 6, "failed")
    assert "Workflow Execution" not in [span.name for span in trace]


@given(st.lists(ODD_SPANS, max_size=4))
@settings(max_examples=examples(20), deadline=None)
def test_odd_data_never_loses_the_trace(data: list[Any]) -> None:
    trace = Trace(data)
    assert len(trace.to_dicts()) == len(trace)
    assert sum(isinstance(each, dict) for each in data) <= len(trace) + 1
    trace.slowest(3)
    trace.cost_by("block")
    trace.to_text()
    trace.to_html(content=True)
    assert repr(trace)


def test_spans_of_any_depth_are_read_and_shown() -> None:
    data: dict[str, Any] = {"name": "deepest"}
    for number in range(1_200):
        data = {"name": f"level {number}", "startTime": at(0), "duration": 5, "cost": 1, "children": [data]}
    trace = Trace([data])
    assert len(trace) == 1_201
    assert trace.cost == 1
    assert "deepest" in trace.to_text()
    assert trace.to_html().count("<details") == trace.to_html().count("</details>")


def test_a_model_is_read_like_its_data_and_a_trace_survives_a_pickle() -> None:
    trace = Trace(LOG)
    again = pickle.loads(pickle.dumps(trace))
    assert again == trace
    assert again.to_text() == trace.to_text()
    assert b"simstudio.traces" not in pickle.dumps(trace)
    log = LogDetails(id="l", execution_id="e", level="error")
    assert Trace(log).status == "failed"
    assert Trace(log) != trace


def test_reprs_are_short() -> None:
    trace = Trace(LOG)
    said = "failed after 5.00 s, 19 spans, 2 failed, 4,320 tokens, cost 0.0153"
    assert repr(trace) == f"<Trace {LOG['runId']}: {said}>"
    assert repr(trace.spans[1]) == "<Span 'Research' agent success 1800 ms 3 inside>"
    assert isinstance(trace.spans[1], Span)
