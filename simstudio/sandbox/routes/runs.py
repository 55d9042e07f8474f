"""Jobs, and the state and cancelling of executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.sandbox.http import Refusal, json_reply
from simstudio.sandbox.outputs import selected_values
from simstudio.sandbox.routes.endpoint import readable_workflow
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.records import ExecutionRecord


async def get_job(core: Core, request: Request) -> ASGIApp:
    """GET /api/jobs/{job}."""
    key = core.key_state(request)
    if key != "outsider":
        core.dialect.check_key("jobs", key)
    job = core.store.job(request.path_params["job"])
    if job is None:
        raise Refusal(core.dialect.coded_error(404, "Task not found"))
    core.dialect.check_key("jobs", key)
    return json_reply(core.dialect.job(job, core.account()))


async def cancel(core: Core, request: Request) -> ASGIApp:
    """POST /api/workflows/{id}/executions/{execution}/cancel: says yes to anything, as the server does."""
    readable_workflow(core, request, "cancel")
    execution_id = request.path_params["execution"]
    redis = core.settings.redis
    paused = redis and core.engine.cancel(execution_id)
    return json_reply(
        {
            "success": redis,
            "executionId": execution_id,
            "redisAvailable": redis,
            "durablyRecorded": redis,
            "locallyAborted": False,
            "pausedCancelled": paused,
            "reason": "recorded" if redis else "redis_unavailable",
        }
    )


async def get_execution(core: Core, request: Request) -> ASGIApp:
    """GET /api/workflows/{id}/executions/{execution}."""
    workflow = readable_workflow(core, request, "executions")
    execution = core.engine.execution(request.path_params["execution"])
    if execution is None or execution.workflow_id != workflow.id:
        raise Refusal(core.dialect.coded_error(404, "Execution not found"))
    body = _shown(execution)
    if request.query_params.get("includeOutput") == "true":
        body["finalOutput"] = execution.output
    selected = request.query_params.get("selectedOutputs", "")
    if selected:
        body["blockOutputs"] = selected_values(execution.blocks, selected.split(","))
    return json_reply(body)


def _shown(execution: ExecutionRecord) -> dict[str, object]:
    ended = execution.ended
    return {
        "executionId": execution.id,
        "workflowId": execution.workflow_id,
        "status": execution.state,
        "trigger": execution.trigger,
        "level": "error" if execution.state == "failed" else "info",
        "startedAt": iso(execution.started),
        "endedAt": iso_or_none(ended),
        "totalDurationMs": None if ended is None else round((ended - execution.started) * 1000),
        "paused": paused_part(execution, internal_id=True),
        "cost": {"total": 0},
        "error": execution.error,
    }


def paused_part(execution: ExecutionRecord, *, internal_id: bool) -> dict[str, object] | None:
    """Where a run waits; None when it does not.

    Args:
        execution: the run.
        internal_id: whether the paused execution's own id is told.
    """
    if execution.state != "paused":
        return None
    pause = execution.waits_at
    shown: dict[str, object] = {
        "contextId": None if pause is None else pause.context_id,
        "pausedAt": iso(execution.pauses[0].registered),
        "resumeAt": None,
        "pauseKind": "human",
        "blockedOnBlockId": None if pause is None else pause.block_id,
        "automaticResumeWaitingReason": None,
        "pausePointCount": len(execution.pauses),
        "resumedCount": sum(each.status == "resumed" for each in execution.pauses),
    }
    return {**shown, "pausedExecutionId": execution.paused_id} if internal_id else shown
