"""What a checker infers for human in the loop. Checked by mypy --strict and pyright, never run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import sys

from simstudio import (
    AsyncExecutionResult,
    AsyncPager,
    AsyncSimStudioClient,
    Pager,
    Pause,
    PausedRun,
    SimStudioClient,
    WorkflowExecutionResult,
)
from simstudio.models.pauses import InputField

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def sync(client: SimStudioClient) -> None:
    result = client.workflows.execute("wf", selected_outputs=["a.b"])
    assert_type(result.paused, bool)
    assert_type(result.pause, Pause | None)
    assert_type(result.pauses, list[Pause])
    assert_type(result.truncated, tuple[str, ...])
    assert_type(result.run_id, str | None)
    if result.pause is not None:
        assert_type(result.pause.question, str | None)
        assert_type(result.pause.input_fields, list[InputField])
    runs = client.workflows.paused("wf", status="paused")
    assert_type(runs, Pager[PausedRun])
    for run in runs:
        assert_type(run.paused, Pause | None)
        assert_type(client.workflows.resume(run, {"ok": True}), WorkflowExecutionResult | AsyncExecutionResult)
    assert_type(client.workflows.get_paused("wf", "run"), PausedRun)
    client.workflows.resume(5)  # type: ignore[arg-type]
    client.workflows.submit("wf", execution_timeout="60")  # type: ignore[arg-type]


async def asynchronous(client: AsyncSimStudioClient) -> None:
    assert_type(client.workflows.paused("wf"), AsyncPager[PausedRun])
    async for run in client.workflows.paused("wf"):
        assert_type(run, PausedRun)
    assert_type(await client.workflows.get_paused("wf", "run"), PausedRun)
    resumed = await client.workflows.resume("run", workflow_id="wf", context_id="c")
    assert_type(resumed, WorkflowExecutionResult | AsyncExecutionResult)
