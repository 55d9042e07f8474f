"""A log in the shape of v0.8: an agent with calls, a loop, a parallel, a handled error and one that was not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)


def at(milliseconds: float) -> str:
    return (START + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(name: str, type_: str, start: float, duration: float, *children: Json, **more: Any) -> Json:
    """A span as v0.8 sends it; times in milliseconds after the start of the run."""
    times = {"startTime": at(start), "endTime": at(start + duration), "duration": duration, "relativeStartMs": start}
    named = {"id": f"{name}-{start:g}", "name": name, "type": type_, "status": "success"}
    return {**named, **times, "children": list(children), **more}


def block(name: str, type_: str, start: float, duration: float, *children: Json, **more: Any) -> Json:
    """A span of a block."""
    return span(name, type_, start, duration, *children, blockId=f"block-{name.lower()}", **more)


def tokens(read: int, written: int) -> dict[str, int]:
    return {"input": read, "output": written, "total": read + written}


SPANS: list[dict[str, Any]] = [
    span(
        "Workflow Execution",
        "workflow",
        0,
        5_000,
        block("Start", "start_trigger", 0, 0.4, input={"inputFormat": []}, output={"topic": "tides"}),
        block(
            "Research",
            "agent",
            2,
            1_800,
            span("Initial response", "model", 2, 900, model="gpt-4o", tokens=tokens(900, 80), cost={"total": 0.003}),
            span("web_search", "tool", 902, 300, input={"q": "tides"}, output={"hits": 3}),
            span("Model", "model", 1_202, 600, model="gpt-4o", tokens=tokens(1_500, 240), cost={"total": 0.006}),
            model="gpt-4o",
            tokens=tokens(2_400, 320),
            cost={"input": 0.006, "output": 0.003, "total": 0.0095, "toolCost": 0.0005},
            output={"content": "Tides are …"},
        ),
        span(
            "For each source",
            "loop",
            1_804,
            1_200,
            *(
                span(
                    f"Iteration {number}",
                    "loop-iteration",
                    1_804 + 600 * number,
                    600,
                    block("Fetch", "api", 1_804 + 600 * number, 250, iterationIndex=number, loopId="loop-1"),
                    block(
                        "Summarise",
                        "agent",
                        2_054 + 600 * number,
                        350,
                        model="gpt-4o-mini",
                        tokens=800,
                        cost={"total": 0.0004},
                        iterationIndex=number,
                        loopId="loop-1",
                    ),
                )
                for number in range(2)
            ),
        ),
        span(
            "Check facts",
            "parallel",
            3_004,
            900,
            *(
                span(
                    f"Iteration {number}",
                    "parallel-iteration",
                    3_004,
                    900 - 400 * number,
                    block("Check", "function", 3_004, 900 - 400 * number, iterationIndex=number, parallelId="p-1"),
                )
                for number in range(2)
            ),
        ),
        block(
            "Score",
            "function",
            3_906,
            94,
            status="error",
            errorHandled=True,
            output={"error": "no score today"},
        ),
        block(
            "Send <b>report</b>",
            "api",
            4_000,
            1_000,
            status="error",
            output={"error": "503 from the CRM:\nupstream connect error"},
        ),
        status="error",
    )
]
LOG: dict[str, Any] = {
    "runId": "5d43e5cb-74af-4bd7-bb6e-285027dd52ee",
    "workflowId": "wf-1",
    "workflow": {"id": "wf-1", "name": "Report"},
    "status": "failed",
    "level": "error",
    "startedAt": at(-10),
    "endedAt": at(5_005),
    "totalDurationMs": 5_000,
    "cost": {"total": 0.0153},
    "traceSpans": SPANS,
}
