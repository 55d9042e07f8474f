"""What a checker infers for ``with_raw_response``. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys
from collections.abc import Coroutine
from typing import Any

from simstudio import (
    APIResponse,
    AsyncExecutionResult,
    AsyncSimStudioClient,
    AsyncStreamManager,
    Headers,
    Job,
    Response,
    SimStudioClient,
    Stream,
    StreamEvent,
    UsageLimits,
    WorkflowExecutionResult,
    WorkflowStatus,
)

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def sync(client: SimStudioClient) -> None:
    raw = client.with_raw_response
    assert_type(raw.workflows.execute("wf", {"a": 1}), APIResponse[WorkflowExecutionResult])
    assert_type(raw.workflows.submit("wf"), APIResponse[AsyncExecutionResult])
    assert_type(raw.workflows.run("wf"), APIResponse[WorkflowExecutionResult])
    assert_type(raw.workflows.stream("wf"), Stream[StreamEvent])
    assert_type(raw.workflows.status("wf"), APIResponse[WorkflowStatus])
    assert_type(raw.workflows.validate("wf"), APIResponse[bool])
    assert_type(raw.jobs.get("t1"), APIResponse[Job])
    assert_type(raw.jobs.wait("t1"), APIResponse[Job])
    assert_type(raw.usage.limits(), APIResponse[UsageLimits])
    assert_type(raw.get_job_status("t1"), APIResponse[dict[str, Any]])
    assert_type(raw.execute_workflow("wf"), APIResponse[WorkflowExecutionResult | AsyncExecutionResult])
    assert_type(raw.with_options(timeout=1).jobs.get("t1"), APIResponse[Job])


def response(client: SimStudioClient) -> None:
    answer = client.with_raw_response.jobs.get("t1")
    assert_type(answer.parse(), Job)
    assert_type(answer.status, int)
    assert_type(answer.headers, Headers)
    assert_type(answer.headers["x"], str)
    assert_type(answer.headers.get("x"), str | None)
    assert_type(answer.request_id, str | None)
    assert_type(answer.attempts, int)
    assert_type(answer.elapsed, float)
    assert_type(answer.response, Response)


async def asynchronous(client: AsyncSimStudioClient) -> None:
    raw = client.with_raw_response
    assert_type(await raw.workflows.execute("wf"), APIResponse[WorkflowExecutionResult])
    assert_type(await raw.workflows.submit("wf"), APIResponse[AsyncExecutionResult])
    assert_type(await raw.workflows.run("wf"), APIResponse[WorkflowExecutionResult])
    assert_type(raw.workflows.stream("wf"), AsyncStreamManager[StreamEvent])
    assert_type(await raw.workflows.status("wf"), APIResponse[WorkflowStatus])
    assert_type(await raw.workflows.validate("wf"), APIResponse[bool])
    assert_type(await raw.jobs.get("t1"), APIResponse[Job])
    assert_type(await raw.jobs.wait("t1"), APIResponse[Job])
    assert_type(await raw.usage.limits(), APIResponse[UsageLimits])
    unawaited = assert_type(raw.jobs.get("t1"), Coroutine[Any, Any, APIResponse[Job]])
    assert_type((await unawaited).parse(), Job)
    assert_type((await raw.get_usage_limits()).parse(), UsageLimits)


async def mistakes(client: SimStudioClient, other: AsyncSimStudioClient) -> None:
    print(client.with_raw_response.jobs.get("t1").done)  # type: ignore[attr-defined]
    client.with_raw_response.jobs.get()  # type: ignore[call-arg]
    client.with_raw_response.workflows.execute("wf", timeout="5")  # type: ignore[arg-type]
    other.with_raw_response.jobs.get("t1").parse()  # type: ignore[attr-defined]
    other.with_raw_response.usage.limits()  # type: ignore[unused-coroutine]
    await client.with_raw_response.jobs.get("t1")  # type: ignore[misc]
