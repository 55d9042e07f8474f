"""What a checker infers for a user of the async client. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from simstudio import (
    AsyncBatch,
    AsyncExecutionResult,
    AsyncSimStudioClient,
    AsyncStream,
    AsyncStreamManager,
    CancelResult,
    Job,
    RateLimitInfo,
    StreamEvent,
    UsageLimits,
    WorkflowDescription,
    WorkflowExecutionResult,
    WorkflowFunction,
    WorkflowStatus,
)
from simstudio.core.modes import Async

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


async def told(job: Job) -> None:
    print(job.status)


async def namespaces(client: AsyncSimStudioClient) -> None:
    assert_type(await client.workflows.execute("wf", {"a": 1}, timeout=5), WorkflowExecutionResult)
    assert_type(await client.workflows.submit("wf"), AsyncExecutionResult)
    assert_type(await client.workflows.run("wf", on_progress=told), WorkflowExecutionResult)
    assert_type(await client.workflows.status("wf"), WorkflowStatus)
    assert_type(await client.workflows.validate("wf"), bool)
    assert_type(await client.workflows.cancel("wf", "execution"), CancelResult)
    assert_type(await client.jobs.get("t1", workflow_id="wf"), Job)
    assert_type(await client.jobs.wait(await client.workflows.submit("wf"), timeout=None), Job)
    assert_type(await client.usage.limits(), UsageLimits)


async def unawaited(client: AsyncSimStudioClient) -> None:
    job = assert_type(client.jobs.get("t1"), Coroutine[Any, Any, Job])
    result = assert_type(client.workflows.execute("wf"), Coroutine[Any, Any, WorkflowExecutionResult])
    assert_type(await job, Job)
    assert_type(await asyncio.create_task(result), WorkflowExecutionResult)
    assert_type(await asyncio.create_task(client.usage.limits()), UsageLimits)


async def described(client: AsyncSimStudioClient) -> None:
    assert_type(await client.workflows.describe("wf"), WorkflowDescription)
    greet = await client.workflows.function("wf")
    assert_type(greet, WorkflowFunction[Async])
    assert_type(await greet(name="Ada"), WorkflowExecutionResult)
    assert_type(await greet.submit(name="Ada"), AsyncExecutionResult)
    assert_type(greet.stream(name="Ada"), AsyncStreamManager[StreamEvent])
    assert_type(greet.map([{"name": "Ada"}]), AsyncBatch[WorkflowExecutionResult])


async def streams(client: AsyncSimStudioClient) -> None:
    manager = client.workflows.stream("wf", {"a": 1}, selected_outputs=["agent.content"])
    assert_type(manager, AsyncStreamManager[StreamEvent])
    async with manager as entered:
        assert_type(entered, AsyncStream[StreamEvent])
    stream = await client.workflows.stream("wf")
    assert_type(stream, AsyncStream[StreamEvent])
    async for event in stream:
        assert_type(event, StreamEvent)
    async for event in client.workflows.stream("wf"):
        assert_type(event, StreamEvent)
    assert_type(stream.text(), AsyncGenerator[str, None])
    assert_type(await stream.result(), WorkflowExecutionResult)


async def documented(client: AsyncSimStudioClient) -> None:
    assert_type(await client.execute_workflow("wf", {"a": 1}), WorkflowExecutionResult | AsyncExecutionResult)
    assert_type(await client.execute_workflow_sync("wf"), WorkflowExecutionResult)
    assert_type(await client.execute_with_retry("wf"), WorkflowExecutionResult | AsyncExecutionResult)
    assert_type(await client.get_workflow_status("wf"), WorkflowStatus)
    assert_type(await client.validate_workflow("wf"), bool)
    assert_type(await client.get_job_status("t1"), dict[str, Any])
    assert_type(await client.get_usage_limits(), UsageLimits)
    assert_type(client.get_rate_limit_info(), RateLimitInfo | None)
    assert_type(await client.request("GET", "/api/x"), Any)
    client.set_api_key("key")
    client.set_base_url("https://sim.test")
    await client.close()
    await client.aclose()


class Mine(AsyncSimStudioClient):
    """A user's own."""


async def clients() -> None:
    async with AsyncSimStudioClient("key", max_retries=0) as client:
        assert_type(client, AsyncSimStudioClient)
    assert_type(client.with_options(timeout=1), AsyncSimStudioClient)
    assert_type(Mine("key").with_options(timeout=1), Mine)
    async with Mine("key") as mine:
        assert_type(mine, Mine)


async def mistakes(client: AsyncSimStudioClient) -> None:
    print(client.jobs.get("t1").status)  # type: ignore[attr-defined]
    print(client.workflows.execute("wf").output)  # type: ignore[attr-defined]
    client.usage.limits()  # type: ignore[unused-coroutine]
    client.workflows.submit("wf")  # type: ignore[unused-coroutine]
    client.execute_workflow("wf")  # type: ignore[unused-coroutine]
    client.close()  # type: ignore[unused-coroutine]
    client.workflows.stream("wf").result()  # type: ignore[attr-defined]
    (await client.workflows.stream("wf")).result()  # type: ignore[unused-coroutine]
    await client.get_rate_limit_info()  # type: ignore[misc]
    await client.workflows.execute()  # type: ignore[call-arg]
    await client.workflows.execute(5)  # type: ignore[arg-type]
    await client.workflows.execute("wf", timeout="5")  # type: ignore[arg-type]
    await client.jobs.wait("t1", on_progress=5)  # type: ignore[arg-type]
    for _ in client.workflows.stream("wf"):  # type: ignore[attr-defined]
        pass
    with client:  # type: ignore[attr-defined]
        pass
