"""The slowest spans, costs by model, block and type, the critical path, and rows for data frames."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simstudio import SimStudioError, Trace
from tests.properties import examples
from tests.traces.runs import LOG, at, block, span

AMOUNTS = st.floats(min_value=0, max_value=100) | st.none()
COSTS: Any = st.recursive(
    st.builds(lambda cost: {"name": "leaf", "cost": cost}, AMOUNTS),
    lambda inner: st.builds(
        lambda cost, rest: {"name": "in", "cost": cost, "children": rest}, AMOUNTS, st.lists(inner)
    ),
    max_leaves=12,
)
TIMED: Any = st.recursive(
    st.builds(block, st.sampled_from("abc"), st.just("api"), st.floats(0, 1e6), st.floats(0, 1e6)),
    lambda inner: st.builds(
        lambda start, duration, rest: span("in", "loop", start, duration, *rest),
        st.floats(0, 1e6),
        st.floats(0, 1e6),
        st.lists(inner, max_size=5),
    ),
    max_leaves=20,
)


def names(spans: Any) -> list[str]:
    return [each.name for each in spans]


def test_slowest_leaves_out_what_only_groups() -> None:
    assert names(Trace(LOG).slowest(3)) == ["Research", "Send <b>report</b>", "Initial response"]
    assert Trace(LOG).slowest(0) == []


def test_the_failures_are_the_innermost() -> None:
    trace = Trace(LOG)
    assert names(trace.failures) == ["Score", "Send <b>report</b>"]
    assert trace.error == "503 from the CRM:\nupstream connect error"
    assert trace.failures[0].error_handled


def test_costs_by_model_block_and_type() -> None:
    trace = Trace(LOG)
    assert trace.cost_by("model") == pytest.approx({"gpt-4o": 0.0095, "gpt-4o-mini": 0.0008})
    assert trace.cost_by("block") == pytest.approx({"Research": 0.0095, "Summarise": 0.0008})
    assert trace.cost_by("type") == pytest.approx({"model": 0.009, "agent": 0.0013})
    assert list(trace.cost_by("type")) == ["model", "agent"]
    assert trace.cost == 0.0153  # as the server states it: with the charge for the run
    with pytest.raises(SimStudioError, match="'colour'"):
        trace.cost_by("colour")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cost",
    [
        {"total": 0.3, "models": {"gpt-4o": {"total": 0.25}, "free": {"total": 0}}},
        {"total": 0.3, "items": [{"category": "model", "description": "gpt-4o", "cost": 0.25}, {"category": "fixed"}]},
    ],
    ids=["v1", "v2"],
)
def test_costs_by_model_come_from_the_log_if_its_spans_have_none(cost: dict[str, Any]) -> None:
    assert Trace({"cost": cost, "traceSpans": [block("A", "agent", 0, 1)]}).cost_by("model") == {"gpt-4o": 0.25}


@given(st.lists(COSTS, min_size=1, max_size=4))
@settings(max_examples=examples(25), deadline=None)
def test_costs_add_up_whatever_they_are_counted_by(data: list[Any]) -> None:
    trace = Trace(data)
    sums = [sum(trace.cost_by(by).values()) for by in ("model", "block", "type")]  # type: ignore[arg-type]
    assert sums == pytest.approx([trace.cost or 0] * 3)


def test_the_critical_path_has_of_parallel_steps_the_last() -> None:
    assert names(Trace(LOG).critical_path) == [
        "Start", "Research", "Initial response", "web_search", "Model", "For each source", "Iteration 0", "Fetch",
        "Summarise", "Iteration 1", "Fetch", "Summarise", "Check facts", "Iteration 0", "Check", "Score",
        "Send <b>report</b>",
    ]  # fmt: skip
    beside = [block("A", "api", 0, 50), block("B", "api", 0, 90), block("C", "api", 90, 10), block("D", "api", 95, 1)]
    assert names(Trace(beside).critical_path) == ["B", "C"]


@given(st.lists(TIMED, min_size=1, max_size=5))
@settings(max_examples=examples(25), deadline=None)
def test_the_critical_path_never_runs_side_by_side_and_reaches_the_end(data: list[Any]) -> None:
    trace = Trace(data)
    on_path = trace.critical_ids
    top = sorted((each for each in trace.spans if id(each) in on_path), key=lambda each: (each.end, each.start))
    assert top[-1].end == max(each.end for each in trace.spans if each.end is not None)
    for before, after in pairwise(top):
        assert before.end is not None
        assert after.start is not None
        assert (before.end - after.start).total_seconds() <= 0.001
    for each in trace:
        assert id(each) in on_path or not any(id(child) in on_path for child in each.children)


def test_steps_that_did_not_end_reach_to_the_end_of_the_run() -> None:
    hanging = {"name": "Hang", "startTime": at(10)}
    trace = Trace([block("A", "api", 0, 10), hanging, block("B", "api", 10, 30), block("C", "api", 40, 10)])
    assert names(trace.critical_path) == ["A", "Hang"]
    assert trace.duration == 50


def test_rows_are_flat_json() -> None:
    rows = Trace(LOG).to_dicts()
    assert json.loads(json.dumps(rows)) == rows
    assert len({tuple(row) for row in rows}) == 1
    call = rows[2]
    told = [call[name] for name in ("name", "parent_id", "depth", "model", "tokens", "cost", "critical")]
    assert told == ["Initial response", "Research-2", 1, "gpt-4o", 980, 0.003, True]
    assert call["start"] == "2026-11-20T08:00:00.002000+00:00"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"status": "paused", "traceSpans": []}, "paused"),
        ({"level": "error"}, "failed"),
        ({"level": "info", "traceSpans": [span("Workflow Execution", "workflow", 0, 1)]}, "completed"),
        ({"success": False}, "failed"),
        ({"success": True}, "completed"),
        ({"level": "info"}, None),
        ({"endedAt": None, "traceSpans": [span("Workflow Execution", "workflow", 0, 1)]}, None),
        ({"endedAt": None, "level": "error"}, "failed"),
    ],
)
def test_the_status_of_a_run(data: dict[str, Any], status: str | None) -> None:
    assert Trace(data).status == status
