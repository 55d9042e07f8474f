"""Paused runs: list, details and resumption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox import jsontext
from simstudio.sandbox.disconnects import wait_for_outcome
from simstudio.sandbox.families import Legacy, readable_workflow
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.streaming import EventStream
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.engine import Resumption
    from simstudio.sandbox.pauses import PausePoint
    from simstudio.sandbox.records import ExecutionRecord
    from simstudio.sandbox.runs import Outcome


_HITL = Legacy("execute", "hitl")
_PAUSED = "/api/workflows/{id}/paused"
_CONTEXT = "/api/resume/{id}/{execution}/{context}"


@_HITL.operation("GET", _PAUSED)
def list_paused(call: Call) -> Reply:
    """List paused runs, newest first. The query ``status`` may be empty, or a list with commas; since v0.8 missing."""
    workflow = readable_workflow(call, "execute")
    status = call.request.query_params.get("status", "" if call.core.dialect.since_v08 else None)
    if status is None:
        raise Refusal(400, "Expected string, received null")
    wanted = {each.strip() for each in status.split(",") if each.strip()}
    paused = [each for each in call.core.store.executions(workflow.id) if each.pauses]
    paused.sort(key=lambda each: each.pauses[0].registered, reverse=True)
    shown = [_summary(call.core, each) for each in paused if not wanted or each.paused_state in wanted]
    return json_reply({"pausedExecutions": shown})


@_HITL.operation("GET", f"{_PAUSED}/{{execution}}")
def get_paused(call: Call) -> Reply:
    """One paused run."""
    return json_reply(_detail(call.core, _find_paused(call, "Paused execution not found")))


get_resumable = _HITL.operation("GET", "/api/resume/{id}/{execution}")(get_paused.handler)


@_HITL.operation("GET", _CONTEXT)
def get_context(call: Call) -> Reply:
    """One pause of a run."""
    missing = "Pause context not found"
    execution = _find_paused(call, missing)
    pause = execution.pause(call.path["context"])
    if pause is None:
        raise Refusal(404, missing)
    return json_reply({"execution": _detail(call.core, execution), "pausePoint": _point(pause), "queue": []})


@_HITL.operation("POST", _CONTEXT)
async def resume(call: Call) -> ASGIApp:
    """Resume a run; the response is of the kind that the run was started with."""
    core = call.core
    workflow = readable_workflow(call, "execute")
    context_id = call.path["context"]
    answer = _answer(await call.request.body())
    try:
        resumption = core.engine.claim(workflow.id, call.path["execution"], context_id, answer)
    except Refusal as refusal:
        raise refusal if core.dialect.since_v08 else Refusal(400, refusal.message) from None
    run = resumption.run
    run_id = core.engine.rename(resumption) if core.dialect.since_v08 else run.id
    if resumption.execution.mode == "stream":
        headers = (("x-execution-id", run_id),)
        return EventStream(core, run, headers, lambda sink: core.engine.resume(resumption, sink))
    if resumption.execution.mode == "async":
        job = core.engine.submit_resumption(resumption, context_id)
        accepted = core.dialect.write_receipt(job, core.base_url(call.request))
        return json_reply({**accepted, "message": "Resume execution queued"}, 202)
    outcome = await wait_for_outcome(core, run, core.engine.resume(resumption), call.request.receive)
    return json_reply({**_result(core, resumption, outcome), "executionId": run_id})


def _find_paused(call: Call, missing: str) -> ExecutionRecord:
    workflow = readable_workflow(call, "execute")
    execution = call.core.engine.execution(call.path["execution"])
    if execution is None or execution.workflow_id != workflow.id or not execution.pauses:
        raise Refusal(404, missing)
    return execution


def _answer(body: bytes) -> object:
    """The answer: ``input`` of the body, or the whole body; empty if the body is no JSON."""
    try:
        payload = jsontext.loads(body)
    except ValueError:
        return {}
    given = payload.get("input") if isinstance(payload, Mapping) else None
    if given is not None:
        return given
    return {} if payload is None else payload


def _result(core: Core, resumption: Resumption, outcome: Outcome) -> dict[str, object]:
    """The response of a resumed run: 200, also if the run failed."""
    run = resumption.run
    error = core.dialect.error_text(outcome, run.workflow, run.timeout)
    body: dict[str, object] = {
        "success": outcome.ending in ("completed", "paused"),
        "status": outcome.ending if outcome.ending in ("completed", "paused", "cancelled") else "failed",
        "output": outcome.output,
        "metadata": {
            "duration": outcome.duration * 1000,
            "startTime": iso(outcome.started),
            "endTime": iso(outcome.ended),
        },
    }
    return body if error is None else {**body, "error": error}


def _summary(core: Core, execution: ExecutionRecord) -> dict[str, object]:
    first = execution.pauses[0].registered
    return {
        "id": execution.paused_id,
        "workflowId": execution.workflow_id,
        "executionId": execution.id,
        "status": execution.paused_state,
        "totalPauseCount": len(execution.pauses),
        "resumedCount": sum(pause.status == "resumed" for pause in execution.pauses),
        "pausedAt": iso(first),
        "updatedAt": iso_or_none(execution.changed),
        "expiresAt": None,
        "metadata": {"pauseScope": "execution", "triggerIds": [], "executorUserId": core.account().user_id},
        "triggerIds": [],
        "pausePoints": [_point(pause) for pause in execution.pauses],
    }


def _detail(core: Core, execution: ExecutionRecord) -> dict[str, object]:
    account = core.account()
    snapshot = {
        "metadata": {
            "requestId": execution.request_id,
            "executionId": execution.id,
            "workflowId": execution.workflow_id,
            "workspaceId": account.workspace_id,
            "userId": account.user_id,
            "triggerType": execution.trigger,
            "useDraftState": False,
            "startTime": iso(execution.started),
            "executionMode": execution.mode,
        },
        "input": execution.received,
        "workflowVariables": {},
        "selectedOutputs": list(execution.selected),
        "state": {"blockStates": {block.id: {"output": block.output, "executed": True} for block in execution.blocks}},
    }
    text = jsontext.dumps(jsontext.plain(snapshot))
    return {**_summary(core, execution), "executionSnapshot": {"snapshot": text, "triggerIds": []}, "queue": []}


def _point(pause: PausePoint) -> dict[str, object]:
    data = pause.output["data"]
    return {
        "contextId": pause.context_id,
        "blockId": pause.block_id,
        "response": pause.output,
        "registeredAt": iso(pause.registered),
        "resumeStatus": pause.status,
        "snapshotReady": True,
        "resumeLinks": data["_resume"] if isinstance(data, Mapping) else None,
        "queuePosition": None,
        "latestResumeEntry": None,
    }
