"""What a checker infers for a user of the sync client. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from simstudio import (
    AsyncExecutionResult,
    Batch,
    CancelResult,
    ChunkEvent,
    FinalEvent,
    Job,
    RateLimitInfo,
    SimStudioClient,
    Stream,
    StreamEvent,
    UsageLimits,
    WorkflowDescription,
    WorkflowExecutionResult,
    WorkflowFunction,
    WorkflowInput,
    WorkflowStatus,
)
from simstudio.core.modes import Sync

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def namespaces(client: SimStudioClient) -> None:
    assert_type(client.workflows.execute("wf", {"a": 1}, timeout=5), WorkflowExecutionResult)
    assert_type(client.workflows.execute("wf", timeout=None), WorkflowExecutionResult)
    assert_type(client.workflows.submit("wf"), AsyncExecutionResult)
    assert_type(client.workflows.run("wf", {"a": 1}, timeout=60, on_progress=print), WorkflowExecutionResult)
    assert_type(client.workflows.status("wf"), WorkflowStatus)
    assert_type(client.workflows.validate("wf"), bool)
    assert_type(client.workflows.cancel("wf", "execution"), CancelResult)
    assert_type(client.jobs.get("t1", workflow_id="wf"), Job)
    assert_type(client.jobs.get(client.workflows.submit("wf")), Job)
    assert_type(client.jobs.wait(client.jobs.get("t1"), timeout=None, on_progress=lambda job: job.status), Job)
    assert_type(client.usage.limits(), UsageLimits)


def described(client: SimStudioClient) -> None:
    description = client.workflows.describe("wf")
    assert_type(description, WorkflowDescription)
    assert_type(description.inputs, list[WorkflowInput] | None)
    assert_type(client.workflows.execute("wf", {"a": 1}, check=description), WorkflowExecutionResult)
    greet = client.workflows.function("wf", selected_outputs=["agent.content"])
    assert_type(greet, WorkflowFunction[Sync])
    assert_type(greet(name="Ada"), WorkflowExecutionResult)
    assert_type(greet.submit(name="Ada"), AsyncExecutionResult)
    assert_type(greet.stream(name="Ada"), Stream[StreamEvent])
    assert_type(greet.map([{"name": "Ada"}], ledger="runs.sqlite"), Batch[WorkflowExecutionResult])
    assert_type(greet.description, WorkflowDescription)
    greet("Ada")  # type: ignore[call-arg]


def streams(client: SimStudioClient) -> None:
    stream = client.workflows.stream("wf", {"a": 1}, selected_outputs=["agent.content"], idle_timeout=None)
    assert_type(stream, Stream[StreamEvent])
    with stream as entered:
        assert_type(entered, Stream[StreamEvent])
    for event in stream:
        assert_type(event, StreamEvent)
        if isinstance(event, ChunkEvent):
            assert_type(event.chunk, str)
            assert_type(event.block_id, str | None)
        elif isinstance(event, FinalEvent):
            assert_type(event.success, bool)
    assert_type(stream.text(), Iterator[str])
    assert_type(stream.result(), WorkflowExecutionResult)


def documented(client: SimStudioClient) -> None:
    assert_type(client.execute_workflow("wf", {"a": 1}), WorkflowExecutionResult | AsyncExecutionResult)
    assert_type(client.execute_workflow_sync("wf", input={"a": 1}), WorkflowExecutionResult)
    assert_type(client.execute_with_retry("wf", max_retries=5), WorkflowExecutionResult | AsyncExecutionResult)
    assert_type(client.get_workflow_status("wf"), WorkflowStatus)
    assert_type(client.validate_workflow("wf"), bool)
    assert_type(client.get_job_status("t1"), dict[str, Any])
    assert_type(client.get_usage_limits(), UsageLimits)
    assert_type(client.get_rate_limit_info(), RateLimitInfo | None)
    assert_type(client.request("GET", "/api/x", params={"a": 1}), Any)
    client.set_api_key("key")
    client.set_base_url("https://sim.test")
    client.close()


def models(client: SimStudioClient) -> None:
    result = client.workflows.execute("wf")
    assert_type(result.success, bool)
    assert_type(result.output, Any)
    assert_type(result.error, str | None)
    assert_type(result["output"], Any)
    assert_type(result.to_dict(), dict[str, Any])
    limits = client.usage.limits()
    assert_type(limits.rate_limit.async_.remaining, int | None)
    job = client.jobs.get("t1")
    assert_type(job.done, bool)
    assert_type(job.result, WorkflowExecutionResult)
    assert_type(WorkflowStatus(is_deployed=True).deployed_at, str | None)


class Mine(SimStudioClient):
    def greet(self) -> str:
        return str(self.workflows.execute("greet").output)


def clients() -> None:
    with SimStudioClient("key", "https://sim.test", timeout=None, max_retries=0, headers={"X": "1"}) as client:
        assert_type(client, SimStudioClient)
    assert_type(client.with_options(timeout=1), SimStudioClient)
    assert_type(client.api_key, str | None)
    assert_type(client.base_url, str)
    mine = Mine("key")
    assert_type(mine.with_options(timeout=1), Mine)
    assert_type(mine.with_options(max_retries=1).greet(), str)
    with mine as entered:
        assert_type(entered, Mine)
    assert_type(mine.jobs.get("t1"), Job)


def mistakes(client: SimStudioClient) -> None:
    client.workflows.execute()  # type: ignore[call-arg]
    client.workflows.execute(5)  # type: ignore[arg-type]
    client.workflows.execute("wf", {}, 5)  # type: ignore[call-arg]
    client.workflows.execute("wf", timeout="5")  # type: ignore[arg-type]
    client.workflows.execute("wf", stream=True)  # type: ignore[call-arg]
    client.workflows.submit("wf", inputs={})  # type: ignore[call-arg]
    client.workflows.run("wf", on_progress=5)  # type: ignore[arg-type]
    client.workflows.stream("wf", selected_outputs=5)  # type: ignore[arg-type]
    client.workflows.status(None)  # type: ignore[arg-type]
    client.workflows.validate()  # type: ignore[call-arg]
    client.workflows.cancel("wf")  # type: ignore[call-arg]
    client.jobs.get(5)  # type: ignore[arg-type]
    client.jobs.get("t1", "wf")  # type: ignore[call-arg]
    client.jobs.wait("t1", on_progress=lambda: None)  # type: ignore[misc, arg-type]
    client.usage.limits("all")  # type: ignore[call-arg]
    client.execute_workflow("wf", {}, 30.0)  # type: ignore[call-arg]
    client.execute_with_retry("wf", retries=3)  # type: ignore[call-arg]
    print(client.jobs.get("t1").nothing)  # type: ignore[attr-defined]
    print(client.jobs.nothing)  # type: ignore[attr-defined]
    print(client.nothing)  # type: ignore[attr-defined]
    client.jobs.get("t1").status = "done"  # type: ignore[misc]
    client.with_options(retries=5)  # type: ignore[call-arg]
    SimStudioClient("key", "https://sim.test", 30.0)  # type: ignore[call-arg]
    SimStudioClient(5)  # type: ignore[arg-type]
    SimStudioClient("key", timeout="30")  # type: ignore[arg-type]


def unknown_attributes(job: Job, status: WorkflowStatus) -> None:
    job.nope  # type: ignore[attr-defined]  # noqa: B018
    status.isDeployed  # type: ignore[attr-defined]  # noqa: B018
    job.status = "x"  # type: ignore[misc]
