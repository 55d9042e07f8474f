"""The logs of ``/api/v1``, with the faults they are known for.

Every cursor the list itself gave out breaks it, as does ``model``; a wrong date does, too. What works is to ask again
with ``endDate`` (or ``startDate``, in ascending order) set to the last entry's ``startedAt``, which is inclusive.
"""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from simstudio.sandbox import jsontext
from simstudio.sandbox.http import Refusal, json_reply
from simstudio.sandbox.logs import COST, FULL_COST, Entry, Logs
from simstudio.sandbox.pauses import Place
from simstudio.sandbox.routes.endpoint import Endpoint, Handler
from simstudio.sandbox.routes.v1_access import counted, limits_of
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core

_PAGE = 100
_CHOICES = {"level": ("info", "error"), "details": ("basic", "full"), "order": ("desc", "asc")}
_NUMBERS = ("minDurationMs", "maxDurationMs", "minCost", "maxCost", "limit")


async def list_logs(core: Core, request: Request) -> ASGIApp:
    """GET /api/v1/logs."""
    headers = counted(core, request)
    query = request.query_params
    numbers = _validated(query)
    if _breaks(query):
        raise _broken()
    entries = [each for each in _visible(core, request, query["workspaceId"]) if _is_wanted(each, query, numbers)]
    entries.sort(key=lambda each: (each.started_at, each.id), reverse=query.get("order", "desc") == "desc")
    size = int(numbers.get("limit", _PAGE))
    shown = entries[:size]  # a negative one cuts the page from its end, as it does in JavaScript
    body: dict[str, Any] = {"data": [_item(core, request, each) for each in shown]}
    if len(entries) > size and shown:
        body["nextCursor"] = _cursor(shown[-1])
    return json_reply({**body, "limits": limits_of(core)}, headers=headers)


async def get_log(core: Core, request: Request) -> ASGIApp:
    """GET /api/v1/logs/{log}: by the entry's id, not the run's."""
    headers = counted(core, request)
    wanted = request.path_params["log"]
    entry = next((each for each in _visible(core, request) if each.id == wanted), None)
    if entry is None:
        raise Refusal(json_reply({"error": "Log not found"}, 404))
    run = entry.execution
    shown = {
        "id": entry.id,
        "workflowId": run.workflow_id,
        "executionId": run.id,
        "level": entry.level,
        "trigger": run.trigger,
        "startedAt": entry.started_at,
        "endedAt": entry.ended_at,
        "totalDurationMs": entry.duration,
        "workflow": _workflow(core, entry),
        "executionData": _execution_data(core, entry),
        "cost": FULL_COST,
        "createdAt": entry.started_at,
    }
    if entry.files:
        shown["files"] = _files(core, request, entry)
    return json_reply({"data": shown, "limits": limits_of(core)}, headers=headers)


async def get_execution(core: Core, request: Request) -> ASGIApp:
    """GET /api/v1/logs/executions/{execution}: the graph that ran."""
    headers = counted(core, request)
    found = core.store.execution(request.path_params["execution"])
    if found is None or found.continues is not None or core.key_state(request) == "outsider":
        raise Refusal(json_reply({"error": "Workflow execution not found"}, 404))
    entry = _logs(core).entry(found)
    metadata = {
        "trigger": found.trigger,
        "startedAt": entry.started_at,
        "endedAt": entry.ended_at,
        "totalDurationMs": entry.duration,
        "cost": FULL_COST,
    }
    body = {
        "executionId": found.id,
        "workflowId": found.workflow_id,
        "workflowState": entry.workflow_state(),
        "executionMetadata": metadata,
        "limits": limits_of(core),
    }
    return json_reply(body, headers=headers)


_ROUTES: tuple[tuple[str, Handler], ...] = (
    ("/api/v1/logs", list_logs),
    ("/api/v1/logs/executions/{execution}", get_execution),
    ("/api/v1/logs/{log}", get_log),
)


def routes(core: Core) -> list[Route]:
    """The routes of this group."""
    return [Route(path, Endpoint(core, handler), methods=["GET"]) for path, handler in _ROUTES]


def _logs(core: Core) -> Logs:
    return Logs(core.store.executions, core.store.files, core.definitions, core.account())


def _visible(core: Core, request: Request, workspace_id: str | None = None) -> list[Entry]:
    """The entries of a workspace; of an unknown one, or for somebody else, there are simply none."""
    if core.key_state(request) == "outsider":
        return []
    return _logs(core).of_workspace(core.account().workspace_id if workspace_id is None else workspace_id)


def _broken() -> Refusal:
    return Refusal(json_reply({"error": "Internal server error"}, 500))


def _breaks(query: Mapping[str, str]) -> bool:
    """Whether the real server stumbles over a query."""
    if query.get("model"):
        return True
    dates = [query[name] for name in ("startDate", "endDate") if query.get(name)]
    if any(_moment(text) is None for text in dates):
        return True
    cursor = query.get("cursor")
    if not cursor:
        return False
    try:
        position = jsontext.loads(base64.b64decode(cursor, validate=True))
    except ValueError:
        return False
    return bool(position)


def _validated(query: Mapping[str, str]) -> dict[str, float]:
    """The numbers of a query.

    Raises:
        Refusal: 400, with the validator's raw issues.
    """
    issues: list[object] = []
    if "workspaceId" not in query:
        kinds = {"code": "invalid_type", "expected": "string", "received": "undefined"}
        issues.append({**kinds, "path": ["workspaceId"], "message": "Required"})
    for name, choices in _CHOICES.items():
        if name in query and query[name] not in choices:
            expected = " | ".join(f"'{each}'" for each in choices)
            message = f"Invalid enum value. Expected {expected}, received '{query[name]}'"
            kinds = {"received": query[name], "code": "invalid_enum_value"}
            issues.append({**kinds, "options": list(choices), "path": [name], "message": message})
    numbers: dict[str, float] = {}
    for name in _NUMBERS:
        if name in query:
            try:
                numbers[name] = float(query[name] or 0)
            except ValueError:
                kinds = {"code": "invalid_type", "expected": "number", "received": "nan"}
                issues.append({**kinds, "path": [name], "message": "Expected number, received nan"})
    if issues:
        raise Refusal(json_reply({"error": "Invalid parameters", "details": issues}, 400))
    return numbers


def _moment(text: str) -> str | None:
    """A date as the API writes it; None for what JavaScript's ``Date`` would not read either."""
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return iso(moment.timestamp())


def _is_wanted(entry: Entry, query: Mapping[str, str], numbers: Mapping[str, float]) -> bool:
    run, duration = entry.execution, entry.duration
    folder = None if entry.definition is None else entry.definition.folder.lstrip("/")
    of_run = {"workflowIds": run.workflow_id, "triggers": run.trigger, "folderIds": folder}
    if any(value not in query[name].split(",") for name, value in of_run.items() if query.get(name)):
        return False
    exact = {"level": entry.level, "executionId": run.id}
    if any(query[name] != value for name, value in exact.items() if query.get(name)):
        return False
    start, end = query.get("startDate"), query.get("endDate")
    if start and entry.started_at < str(_moment(start)):
        return False
    if end and entry.started_at > str(_moment(end)):
        return False
    shortest, longest = numbers.get("minDurationMs"), numbers.get("maxDurationMs")
    if shortest is not None and (duration is None or duration < shortest):
        return False
    if longest is not None and (duration is None or duration > longest):
        return False
    return numbers.get("minCost", 0) <= 0 <= numbers.get("maxCost", 0)


def _cursor(entry: Entry) -> str:
    return base64.b64encode(jsontext.encode({"startedAt": entry.started_at, "id": entry.id})).decode()


def _item(core: Core, request: Request, entry: Entry) -> dict[str, Any]:
    run, query = entry.execution, request.query_params
    full = query.get("details") == "full"
    shown: dict[str, Any] = {
        "id": entry.id,
        "workflowId": run.workflow_id,
        "executionId": run.id,
        "deploymentVersionId": run.deployment,
        "level": entry.level,
        "trigger": run.trigger,
        "startedAt": entry.started_at,
        "endedAt": entry.ended_at,
        "totalDurationMs": entry.duration,
        "cost": None if run.ended is None else FULL_COST if full else COST,
        "files": _files(core, request, entry) or None,
    }
    if not full:
        return shown
    workflow = _workflow(core, entry)
    shown["workflow"] = {name: workflow[name] for name in ("id", "name", "description", "deleted")}
    if query.get("includeFinalOutput"):  # any text is true, "false" too
        shown["finalOutput"] = entry.final_output
    if query.get("includeTraceSpans"):
        shown["traceSpans"] = entry.spans(core.definitions)
    return shown


def _files(core: Core, request: Request, entry: Entry) -> list[dict[str, object]]:
    place = Place(core.base_url(request), entry.execution.workflow_id, entry.execution.id)
    return [file.in_log(place, entry.workspace_id) for file in entry.files]


def _workflow(core: Core, entry: Entry) -> dict[str, Any]:
    found = entry.definition
    return {
        "id": entry.execution.workflow_id,
        "name": entry.workflow_name,
        "description": "" if found is None else found.description or "",
        "color": "#3972f6",
        "folderId": None,
        "userId": core.account().user_id,
        "workspaceId": entry.workspace_id,
        "createdAt": None if found is None else iso(found.created),
        "updatedAt": None if found is None else iso(found.updated),
        "deleted": entry.deleted,
    }


def _execution_data(core: Core, entry: Entry) -> dict[str, Any]:
    run = entry.execution
    spans = entry.spans(core.definitions)
    blocks = spans[0]["children"]
    logs = [
        {
            "input": span["input"],
            "output": span["output"],
            "blockId": span["blockId"],
            "endedAt": span["endTime"],
            "success": span["status"] == "success",
            "blockName": span["name"],
            "blockType": span["type"],
            "startedAt": span["startTime"],
            "durationMs": span["duration"],
            "executionOrder": number,
        }
        for number, span in enumerate(blocks, 1)
    ]
    last = logs[-1] if logs else {}
    named = ("blockId", "blockName", "blockType")
    return {
        "models": {},
        "tokens": FULL_COST["tokens"],
        "trigger": {"type": run.trigger, "source": run.trigger, "timestamp": entry.started_at},
        "traceSpans": spans,
        "environment": {
            "userId": core.account().user_id,
            "variables": {},
            "workflowId": run.workflow_id,
            "executionId": run.id,
            "workspaceId": entry.workspace_id,
        },
        "finalOutput": entry.final_output,
        "hasTraceSpans": True,
        "executionState": {
            "blockLogs": logs,
            "decisions": {"router": {}, "condition": {}},
            "blockStates": {
                each["blockId"]: {"output": each["output"], "executed": True, "executionTime": 0} for each in logs
            },
            "pendingQueue": [],
            "completedLoops": [],
            "executedBlocks": [each["blockId"] for each in logs],
            "loopExecutions": {},
            "dagIncomingEdges": {each["blockId"]: [] for each in logs},
            "parallelExecutions": {},
            "activeExecutionPath": [],
        },
        "traceSpanCount": len(blocks) + 1,
        "finalizationPath": run.state,
        "lastStartedBlock": {name: last.get(name) for name in (*named, "startedAt")},
        "lastCompletedBlock": {name: last.get(name) for name in (*named, "endedAt", "success")},
    }
