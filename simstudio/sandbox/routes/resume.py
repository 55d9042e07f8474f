"""Paused runs: listed, looked at, resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox import jsontext
from simstudio.sandbox.engine import NotResumable
from simstudio.sandbox.http import Refusal, json_reply
from simstudio.sandbox.streaming import EventStream
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.engine import Resumption
    from simstudio.sandbox.pauses import PausePoint
    from simstudio.sandbox.records import ExecutionRecord
    from simstudio.sandbox.runs import Outcome
    from simstudio.sandbox.workflow import Workflow


async def list_paused(core: Core, request: Request) -> ASGIApp:
    """GET /api/workflows/{id}/paused: newest first, by ``status``, which may be empty or a list with commas."""
    workflow = _workflow(core, request)
    status = request.query_params.get("status")
    if status is None:
        raise Refusal(json_reply({"error": "Expected string, received null"}, 400))
    wanted = {each.strip() for each in status.split(",") if each.strip()}
    paused = [each for each in core.store.executions(workflow.id) if each.pauses]
    paused.sort(key=lambda each: each.pauses[0].registered, reverse=True)
    shown = [_summary(core, each) for each in paused if not wanted or each.paused_state in wanted]
    return json_reply({"pausedExecutions": shown})


async def get_paused(core: Core, request: Request) -> ASGIApp:
    """GET /api/workflows/{id}/paused/{execution} and GET /api/resume/{id}/{execution}."""
    return json_reply(_detail(core, _paused(core, request, "Paused execution not found")))


async def get_context(core: Core, request: Request) -> ASGIApp:
    """GET /api/resume/{id}/{execution}/{context}."""
    missing = "Pause context not found"
    execution = _paused(core, request, missing)
    pause = execution.pause(request.path_params["context"])
    if pause is None:
        raise Refusal(json_reply({"error": missing}, 404))
    return json_reply({"execution": _detail(core, execution), "pausePoint": _point(pause), "queue": []})


async def resume(core: Core, request: Request) -> ASGIApp:
    """POST /api/resume/{id}/{execution}/{context}: answered in the way the run was begun."""
    workflow = _workflow(core, request)
    context_id = request.path_params["context"]
    answer = _answer(await request.body())
    try:
        resumption = core.engine.claim(workflow.id, request.path_params["execution"], context_id, answer)
    except NotResumable as problem:
        raise Refusal(json_reply({"error": problem.message}, 400)) from None
    run = resumption.run
    if resumption.execution.mode == "stream":
        headers = (("x-execution-id", run.id),)
        return EventStream(core, run, headers, lambda sink: core.engine.resume(resumption, sink))
    if resumption.execution.mode == "async":
        job = core.engine.submit_resumption(resumption, context_id)
        accepted = core.dialect.accepted(job, core.base_url(request))
        return json_reply({**accepted, "message": "Resume execution queued"}, 202)
    outcome = await asyncio.shield(core.engine.resume(resumption))
    return json_reply(_result(core, resumption, outcome))


def _workflow(core: Core, request: Request) -> Workflow:
    """The workflow in the path, for a caller who may read it; the errors have no code here.

    Raises:
        Refusal: 401, 404 or 403.
    """
    key = core.key_state(request)
    if key != "outsider":
        core.dialect.check_key("execute", key)
    workflow = core.workflows.get(request.path_params["id"])
    if workflow is None:
        raise Refusal(json_reply({"error": "Workflow not found"}, 404))
    core.dialect.check_key("execute", key)
    return workflow


def _paused(core: Core, request: Request, missing: str) -> ExecutionRecord:
    workflow = _workflow(core, request)
    execution = core.engine.execution(request.path_params["execution"])
    if execution is None or execution.workflow_id != workflow.id or not execution.pauses:
        raise Refusal(json_reply({"error": missing}, 404))
    return execution


def _answer(body: bytes) -> object:
    """What was answered: the ``input`` of the body, or all of it; what is no JSON is an empty answer."""
    try:
        payload = jsontext.loads(body)
    except ValueError:
        return {}
    given = payload.get("input") if isinstance(payload, Mapping) else None
    if given is not None:
        return given
    return {} if payload is None else payload


def _result(core: Core, resumption: Resumption, outcome: Outcome) -> dict[str, object]:
    """A failed run is an answer like any other here: 200."""
    run = resumption.run
    error = core.dialect.error_text(outcome, run.workflow, run.timeout)
    body: dict[str, object] = {
        "success": outcome.ending in ("completed", "paused"),
        "status": outcome.ending if outcome.ending in ("completed", "paused", "cancelled") else "failed",
        "executionId": run.id,
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
