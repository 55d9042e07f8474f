"""Steps that a workflow function declares: the spans of its logs, with costs, on every surface and after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simstudio import ExecutionError, Span
from simstudio.sandbox import Block, Context, Sandbox


def research(input: Any, context: Context) -> dict[str, str]:
    with context.step("Search") as search:
        search.output = {"hits": 3}
    with context.step("Each source", "loop") as loop:
        for number in range(2):
            with (
                loop.step(f"Iteration {number}", "loop-iteration") as iteration,
                iteration.step("Summarise", "agent", model="m", input_tokens=5, output_tokens=2, cost=0.25),
            ):
                pass
    if input.get("fail"):
        with context.step("Send", "api", input={"to": "crm"}):
            raise ValueError("the CRM said 503")
    return {"report": "done"}


@pytest.fixture(params=["v1", "v2"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    sandbox = Sandbox(state=tmp_path / "state.sqlite")
    sandbox.workflow("research")(research)
    with sandbox.serve() as server, server.client(api_version=request.param) as made:
        yield made


def outline(spans: tuple[Span, ...]) -> list[Any]:
    return [(span.name, outline(span.children)) if span.children else span.name for span in spans]


def test_steps_are_the_spans_of_a_run(client: Any) -> None:
    trace = client.traces.get(client.workflows.execute("research"))
    sources = [("Iteration 0", ["Summarise"]), ("Iteration 1", ["Summarise"])]
    assert outline(trace.spans) == ["Start", "Search", ("Each source", sources)]
    assert (trace.cost, trace.tokens, trace.cost_by("model")) == (0.5, 14, {"m": 0.5})
    assert trace.spans[1].output == {"hits": 3}
    assert all(span.start is not None and span.duration is not None for span in trace)


def test_the_step_that_an_exception_left_failed(client: Any) -> None:
    with pytest.raises(ExecutionError) as failure:
        client.workflows.run("research", {"fail": True})
    trace = client.traces.get(failure.value)
    (failed,) = trace.failures
    assert (failed.name, failed.error, failed.input) == ("Send", "the CRM said 503", {"to": "crm"})
    assert outline(trace.spans)[-1] == "Send"


def test_blocks_of_a_generator_follow_each_other() -> None:
    def two(input: Any) -> Any:
        yield Block(1, "First")
        yield Block(2, "Second")

    sandbox = Sandbox()
    sandbox.workflow("two")(two)
    with sandbox.serve() as server, server.client() as client:
        _, first, second = client.traces.get(client.workflows.execute("two")).spans
    assert (first.name, second.name) == ("First", "Second")
    assert first.start is not None
    assert second.start is not None
    assert first.start <= second.start


def test_a_step_that_was_not_left_did_not_end() -> None:
    context = Context("e", "w", {})
    with context.step("Outer") as outer:
        outer.step("never begun")
        (span,) = context._spans(0.0, str)
    assert (span["name"], span["children"]) == ("Outer", [])
    assert "endTime" not in span
