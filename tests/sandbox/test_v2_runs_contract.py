"""Executing, runs and logs of v2 take and answer what the API's description promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simstudio.sandbox import Context, Pause, Sandbox

from .calls import Caller, Serve
from .contract import operations, problems, served
from .hitl_scenes import until

BINARY = "downloadWorkflowRunFileV2"


class Stage:
    """A sandbox with runs in every state."""

    def __init__(self, call: Caller) -> None:
        self.call = call

        @call.sandbox.workflow("report")
        def report(input: dict, context: Context) -> object:
            return context.save_file("a.txt", b"abc", "text/plain")

        @call.sandbox.workflow("ask")
        def ask(input: dict) -> Iterator[object]:
            yield Pause("Go on?")

    def execute(self, workflow: str, **body: Any) -> httpx.Response:
        return self.call.http.post(f"/api/v2/workflows/{workflow}/execute", json=body)

    def run(self, workflow: str, **body: Any) -> str:
        return self.execute(workflow, **body).headers["x-run-id"]

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.call.http.get(f"/api/v2/{path}", params=query)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.call.http.post(f"/api/v2/{path}", json=body)

    def logs(self, path: str = "", **query: Any) -> httpx.Response:
        for workflow in ("report", "fail", "ask"):
            self.run(workflow)
        return self.get(f"logs{path}", workspaceId=self.call.sandbox.workspace_id, **query)

    def read(self, workflow: str, status: str, **body: Any) -> httpx.Response:
        """A run, read when it has come to a state."""
        path = f"workflows/{workflow}/runs/{self.run(workflow, **body)}"
        until(lambda: self.get(path).json()["data"]["status"] == status)
        return self.get(path, includeOutput="true")

    def list_runs(self) -> httpx.Response:
        for workflow in ("hello", "hello"):
            self.run(workflow)
        return self.get("workflows/hello/runs")

    def resume(self, **body: Any) -> httpx.Response:
        run_id = self.run("ask", **body)
        path = f"workflows/ask/runs/{run_id}"
        until(lambda: self.get(path).json()["data"]["status"] == "paused")
        return self.post(f"{path}/resume", contextId=self.get(path).json()["data"]["paused"]["contextId"])


ANSWERS: dict[tuple[str, str], Callable[[Stage], httpx.Response]] = {
    ("executeWorkflowV2", "completed"): lambda stage: stage.execute("hello"),
    ("executeWorkflowV2", "selected"): lambda stage: stage.execute("hello", selectedOutputs=["hello.message"]),
    ("executeWorkflowV2", "failed"): lambda stage: stage.execute("fail"),
    ("executeWorkflowV2", "paused"): lambda stage: stage.execute("ask"),
    ("listWorkflowRunsV2", "some"): Stage.list_runs,
    ("getWorkflowRunV2", "completed"): lambda stage: stage.read("report", "completed"),
    ("getWorkflowRunV2", "failed"): lambda stage: stage.read("fail", "failed"),
    ("getWorkflowRunV2", "paused"): lambda stage: stage.read("ask", "paused"),
    ("getWorkflowRunV2", "running"): lambda stage: stage.read(
        "slow", "running", **{"async": True, "input": {"seconds": 60}}
    ),
    ("cancelRunV2", "completed"): lambda stage: stage.post(f"workflows/hello/runs/{stage.run('hello')}/cancel"),
    ("cancelRunV2", "paused"): lambda stage: stage.post(f"workflows/ask/runs/{stage.run('ask')}/cancel"),
    ("resumeWorkflowRunV2", "completed"): Stage.resume,
    ("listLogs", "basic"): Stage.logs,
    ("listLogs", "full"): lambda stage: stage.logs(includeTraceSpans="true", includeFinalOutput="true"),
    ("getLog", "one"): lambda stage: stage.get(f"logs/{stage.run('fail')}"),
    ("getLogStats", "some"): lambda stage: stage.logs("/stats"),
}


@pytest.fixture
def stage(serve: Serve) -> Stage:
    return Stage(serve(Sandbox()))


@pytest.mark.parametrize(("operation_id", "case"), ANSWERS)
def test_an_operation_answers_in_the_promised_form(operation_id: str, case: str, stage: Stage) -> None:
    answer = ANSWERS[operation_id, case](stage)
    operation = operations()[operation_id]
    assert problems(operation, answer.status_code, answer.json()) == []
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "begin", [lambda stage: stage.execute("hello", **{"async": True}), lambda stage: stage.resume(**{"async": True})]
)
def test_what_goes_on_in_the_background_answers_with_a_receipt(
    begin: Callable[[Stage], httpx.Response], stage: Stage
) -> None:
    answer = begin(stage)
    assert (answer.status_code, set(answer.json()["data"])) == (202, {"runId", "statusUrl"})


def test_every_operation_is_served() -> None:
    promised = {
        name
        for name, each in operations().items()
        if each["path"].startswith("/api/v2/logs") or "/runs" in each["path"] or name == "executeWorkflowV2"
    }
    of_workflows = {name for name in promised if "/tables/" not in operations()[name]["path"]}
    assert of_workflows == {name for name, _ in ANSWERS} | {BINARY}
    assert of_workflows <= set(served())
