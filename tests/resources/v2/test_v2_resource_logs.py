"""``client.v2.logs``: what they send, and what they make of answers."""

from __future__ import annotations

from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v2.logs import LogDetails, LogEntry, LogStats, TraceSpan, TraceTokens
from tests.driving import Both, answer

NOW = "2026-11-20T08:00:00.000Z"
FILE = {"id": "f", "name": "a.txt", "size": 15, "type": "text/plain", "downloadPath": "/api/v2/x"}
ENTRY = {
    "kind": "workflow",
    "runId": "run",
    "workflowId": "wf",
    "deploymentVersionId": None,
    "status": "completed",
    "level": "info",
    "trigger": "api",
    "startedAt": NOW,
    "endedAt": NOW,
    "totalDurationMs": 12.5,
    "cost": {"total": 1},
    "files": [FILE],
    "hasHandledErrors": False,
}
SPANS = [
    {
        "id": "root",
        "name": "Workflow Execution",
        "type": "workflow",
        "children": [
            {
                "id": "agent",
                "name": "Agent",
                "type": "agent",
                "durationMs": 3,
                "tokens": {"total": 5, "input": 2, "output": 3},
                "cost": {"total": 0.1, "toolCost": 0},
                "toolCalls": [{"name": "search", "arguments": {"q": "x"}, "duration": 1}],
                "children": [{"id": "inner", "name": "Model", "type": "model", "tokens": 7, "children": []}],
            }
        ],
    }
]
DETAILS = {
    **{name: ENTRY[name] for name in ENTRY if name not in ("kind", "hasHandledErrors", "cost")},
    "executedByEmail": None,
    "workflow": {"id": None, "name": "Deleted", "description": None, "folderPath": None, "deleted": True},
    "workflowState": {"blocks": {}},
    "traceSpans": SPANS,
    "finalOutput": {"content": "hi"},
    "cost": {"total": 2, "items": [{"category": "model", "description": "gpt", "cost": 2, "inputTokens": 5}]},
    "workflowInput": "hello",
    "createdAt": NOW,
}
SEGMENT = {"timestamp": NOW, "totalExecutions": 3, "successfulExecutions": 2, "avgDurationMs": 1.5}
STATS = {
    "workflows": [
        {
            "workflowId": "wf",
            "workflowName": "Triage",
            "segments": [SEGMENT],
            "totalExecutions": 3,
            "totalSuccessful": 2,
            "overallSuccessRate": 66.7,
        }
    ],
    "workflowsTruncated": False,
    "aggregateSegments": [SEGMENT],
    "totalRuns": 3,
    "totalErrors": 1,
    "avgLatency": 1.5,
    "timeBounds": {"start": NOW, "end": NOW},
    "segmentMs": 60000,
}


async def every(pager: Any) -> list[Any]:
    if hasattr(pager, "__aiter__"):
        return [item async for item in pager]
    return list(pager)


def asked(client: Any) -> list[str]:
    return [f"{each.method} {each.url.removeprefix('https://sim.test')}" for each in client.script.requests]


class TestList:
    async def test_all_pages_are_followed_with_the_same_filters_and_order(self, both: Both) -> None:
        client = both.client(
            answer(200, {"data": [ENTRY], "nextCursor": "c2"}),
            answer(200, {"data": [], "nextCursor": "c3"}),
            answer(200, {"data": [{**ENTRY, "runId": "last"}], "nextCursor": None}),
        )
        pager = client.v2.logs.list(
            "ws",
            workflow_ids=["a", "b"],
            folder_paths=["/One%20two", "/Three"],
            triggers=("api",),
            status=["failed", "paused"],
            include_trace_spans=False,
            sort_by="cost",
            limit=1,
        )
        assert [entry.run_id for entry in await every(pager)] == ["run", "last"]
        first, second, third = asked(client)
        assert first == (
            "GET /api/v2/logs?workspaceId=ws&workflowIds=a%2Cb&folderPaths=%2FOne%2520two%2C%2FThree&triggers=api"
            "&status=failed%2Cpaused&includeTraceSpans=false&sortBy=cost&limit=1"
        )
        assert [second, third] == [f"{first}&cursor=c2", f"{first}&cursor=c3"]

    async def test_an_entry_is_typed_down_to_its_files(self, both: Both) -> None:
        client = both.client(answer(200, {"data": [ENTRY], "nextCursor": None}))
        (entry,) = await every(client.v2.logs.list("ws"))
        assert type(entry) is LogEntry
        assert (entry.started_at, entry.total_duration_ms, entry.cost.total) == (NOW, 12.5, 1)
        assert (entry.files[0].download_path, entry.has_handled_errors) == ("/api/v2/x", False)
        assert (entry.workflow, entry.trace_spans, entry.final_output) == (None, None, None)
        assert entry.to_dict() == ENTRY

    async def test_details_are_there_when_they_come(self, both: Both) -> None:
        workflow = {"id": "wf", "name": "Triage", "description": None, "deleted": False}
        full = {**ENTRY, "workflow": workflow, "finalOutput": [1], "traceSpans": SPANS}
        client = both.client(answer(200, {"data": [full], "nextCursor": None}))
        (entry,) = await every(client.v2.logs.list("ws", details="full", include_final_output=True))
        assert (entry.workflow.name, entry.final_output, type(entry.trace_spans[0])) == ("Triage", [1], TraceSpan)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"workflow_ids": ["a"] * 201}, "workflow_ids must have from 1 to 200 items"),
            ({"triggers": []}, "triggers must have from 1 to 100 items"),
            ({"min_duration_ms": -1}, "min_duration_ms must be from 0 to 2,147,483,647"),
            ({"max_cost": 1_000_001}, "max_cost must be from 0 to 1,000,000"),
            ({"limit": 1001}, "limit must be from 1 to 1,000"),
            ({"sort_by": "name"}, "sort_by must be '"),
            ({"status": "failed"}, "status must be"),
        ],
    )
    async def test_what_the_server_refuses_is_not_sent(self, both: Both, given: Any, said: str) -> None:
        client = both.client()
        with pytest.raises(sim.InvalidInputError, match=said):
            await every(client.v2.logs.list("ws", **given))
        assert client.script.requests == []

    async def test_unknown_fields_and_states_are_kept(self, both: Both) -> None:
        odd = {**ENTRY, "status": "melted", "mood": "good", "cost": "much"}
        client = both.client(answer(200, {"data": [odd], "nextCursor": None}))
        (entry,) = await every(client.v2.logs.list("ws"))
        assert (entry.status, entry.cost, entry.extra) == ("melted", "much", {"mood": "good"})


class TestGet:
    async def test_a_run_is_typed_down_to_the_innermost_step(self, both: Both) -> None:
        client = both.client(answer(200, {"data": DETAILS}))
        log = await both(client.v2.logs.get("run", include_workflow_state=False))
        assert asked(client) == ["GET /api/v2/logs/run?includeWorkflowState=false"]
        assert type(log) is LogDetails
        (agent,) = log.trace_spans[0].children
        assert agent.tokens == TraceTokens(total=5, input=2, output=3)
        assert (agent.cost.tool_cost, agent.tool_calls[0].arguments) == (0, {"q": "x"})
        (inner,) = agent.children
        assert (type(inner), inner.tokens, inner.children) == (TraceSpan, 7, [])
        assert (log.workflow.deleted, log.workflow_input, log.workflow_state) == (True, "hello", {"blocks": {}})

    async def test_the_items_of_a_cost_are_an_attribute_of_their_own(self, both: Both) -> None:
        log = await both(both.client(answer(200, {"data": DETAILS})).v2.logs.get("run"))
        (item,) = log.cost.items_
        assert (item.category, item.cost, item.input_tokens, item.output_tokens) == ("model", 2, 5, None)
        assert log.cost["items"] is log.cost.items_
        assert dict(log.cost.items()) == {"total": 2, "items": [item]}

    async def test_odd_steps_are_as_they_came(self, both: Both) -> None:
        odd = [{"id": "root", "name": 5, "type": "workflow", "children": ["x", {"id": "inner"}]}, None]
        log = await both(both.client(answer(200, {"data": {**DETAILS, "traceSpans": odd}})).v2.logs.get("run"))
        assert log.trace_spans == odd
        assert log.trace_spans[0].children[1].id == "inner"


class TestStats:
    async def test_numbers_come_by_workflow_and_by_time(self, both: Both) -> None:
        client = both.client(answer(200, {"data": STATS}))
        stats = await both(client.v2.logs.stats(workspace_id="ws", segment_count=24, include_empty=True))
        assert asked(client) == ["GET /api/v2/logs/stats?workspaceId=ws&segmentCount=24&includeEmpty=true"]
        assert type(stats) is LogStats
        assert stats.workflows[0].segments == stats.aggregate_segments
        assert (stats.total_errors, stats.handled_error_runs, stats.time_bounds.start) == (1, None, NOW)

    @pytest.mark.parametrize("count", [0, 501])
    async def test_too_few_or_many_segments_are_not_asked_for(self, both: Both, count: int) -> None:
        with pytest.raises(sim.InvalidInputError, match="segment_count must be from 1 to 500"):
            await both(both.client().v2.logs.stats(workspace_id="ws", segment_count=count))
