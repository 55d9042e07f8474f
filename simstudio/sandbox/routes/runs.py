"""Jobs, and the state and cancelling of executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox.engine import FINISHED
from simstudio.sandbox.families import Legacy, readable_workflow
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.outputs import selected_values
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.records import ExecutionRecord


@Legacy("jobs").operation("GET", "/api/jobs/{job}")
def get_job(call: Call) -> Reply:
    """One job."""
    dialect, key = call.core.dialect, call.key
    if key != "outsider":
        dialect.check_key("jobs", key)
    job = call.core.store.job(call.path["job"])
    if job is None:
        raise Refusal(404, "Task not found")
    dialect.check_key("jobs", key)
    if dialect.since_v08:
        job = attrs.evolve(job, output=call.core.output(job.output, job.execution_id))
    return json_reply(dialect.job(job, call.core.account()))


@Legacy("cancel", "cancel").operation("POST", "/api/workflows/{id}/executions/{execution}/cancel")
def cancel(call: Call) -> Reply:
    """Cancel an execution. Servers before v0.8 also report success for unknown and finished ones."""
    readable_workflow(call, "cancel")
    execution_id, redis = call.path["execution"], call.core.settings.redis
    if call.core.dialect.since_v08:
        execution = call.core.engine.execution(execution_id)
        if execution is None and not call.core.engine.knows(execution_id):
            raise Refusal(404, "Execution not found")
        if execution is not None and execution.state in FINISHED:
            raise Refusal(409, f"Execution cannot be cancelled while {execution.state}")
    paused = redis and call.core.engine.cancel(execution_id)
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


@Legacy("executions", "executions").operation("GET", "/api/workflows/{id}/executions/{execution}")
def get_execution(call: Call) -> Reply:
    """One execution."""
    workflow = readable_workflow(call, "executions")
    execution = call.core.engine.execution(call.path["execution"])
    if execution is None or execution.workflow_id != workflow.id:
        raise Refusal(404, "Execution not found")
    body = _present(execution)
    query = call.request.query_params
    if query.get("includeOutput") == "true":
        body["finalOutput"] = execution.output
    selected = query.get("selectedOutputs", "")
    if selected:
        body["blockOutputs"] = selected_values(execution.blocks, selected.split(","))
    return json_reply(body)


def _present(execution: ExecutionRecord) -> dict[str, object]:
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
        "paused": describe_pause(execution, internal_id=True),
        "cost": {"total": 0},
        "error": execution.error,
    }


def describe_pause(execution: ExecutionRecord, *, internal_id: bool) -> dict[str, object] | None:
    """The pause of a run, as its details show it; None if the run is not paused.

    Args:
        execution: the run.
        internal_id: whether the id of the paused execution is shown.
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
