"""The logs of ``/api/v1``, with the observed faults of the servers.

Before v0.8 a cursor and ``model`` cause a 500; a wrong date does on every server. Paging works with ``endDate`` (or
``startDate``, in ascending order) set to the last entry's ``startedAt``, which is inclusive.
"""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Number, OneOf, Optional, Parsed, Shape, Text, as_number
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.logs import FULL_COST, Entry, Logs
from simstudio.sandbox.operation import Call
from simstudio.sandbox.pauses import Place
from simstudio.sandbox.routes.v1_requests import foreign_workspace, with_limits
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.core import Core

_V1 = V1("Invalid parameters")
_TEXT, _NUMBER = Optional(Text()), Optional(Parsed(as_number, Number()))
_LISTED = Shape(
    {
        "workspaceId": Text(),
        "level": Optional(OneOf(("info", "error"))),
        "details": Optional(OneOf(("basic", "full")), "basic"),
        "order": Optional(OneOf(("desc", "asc")), "desc"),
        **dict.fromkeys(("minDurationMs", "maxDurationMs", "minCost", "maxCost"), _NUMBER),
        "limit": Optional(Parsed(as_number, Number()), 100),
        **dict.fromkeys(("workflowIds", "triggers", "folderIds", "executionId"), _TEXT),
        **dict.fromkeys(("startDate", "endDate", "model", "cursor", "includeFinalOutput", "includeTraceSpans"), _TEXT),
    }
)


@_V1.operation("GET", "/api/v1/logs", query=_LISTED)
def list_logs(call: Call) -> Reply:
    """GET /api/v1/logs."""
    query = call.query
    strict, descending = call.core.dialect.since_v08, query["order"] == "desc"
    if strict and (query["workspaceId"] not in call.core.definitions.workspaces or call.key == "outsider"):
        raise foreign_workspace(call)
    after = _position(query.get("cursor"))
    if strict and query.get("cursor") and after is None:
        raise Refusal(400, "Invalid cursor")
    if _breaks(query) or (not strict and (query.get("model") or after is not None)):
        raise Refusal(500, "Internal server error")
    entries = [each for each in _visible(call, query["workspaceId"]) if _is_wanted(each, query)]
    entries.sort(key=_order, reverse=descending)
    if after is not None:
        entries = [each for each in entries if (_order(each) < after if descending else _order(each) > after)]
    size = int(query["limit"])
    shown = entries[:size]  # a negative size cuts the end, like slice() of JavaScript
    body: dict[str, Any] = {"data": [_item(call, each) for each in shown]}
    if len(entries) > size and shown:
        body["nextCursor"] = _cursor(shown[-1])
    return with_limits(call, **body)


@_V1.operation("GET", "/api/v1/logs/{log}")
def get_log(call: Call) -> Reply:
    """GET /api/v1/logs/{log}: by the entry's id, not the run's."""
    core, wanted = call.core, call.path["log"]
    entry = next((each for each in _visible(call) if each.id == wanted), None)
    if entry is None:
        raise Refusal(404, "Log not found")
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
        "cost": entry.full_cost,
        "createdAt": entry.started_at,
    }
    if entry.files:
        shown["files"] = _files(call, entry)
    return with_limits(call, data=shown)


@_V1.operation("GET", "/api/v1/logs/executions/{execution}")
def get_execution(call: Call) -> Reply:
    """GET /api/v1/logs/executions/{execution}: the graph that ran."""
    core = call.core
    found = core.store.execution(call.path["execution"])
    if found is None or found.continues is not None or call.key == "outsider":
        raise Refusal(404, "Workflow execution not found")
    entry = _logs(core).entry(found)
    metadata = {
        "trigger": found.trigger,
        "startedAt": entry.started_at,
        "endedAt": entry.ended_at,
        "totalDurationMs": entry.duration,
        "cost": entry.full_cost,
    }
    body = {
        "executionId": found.id,
        "workflowId": found.workflow_id,
        "workflowState": entry.workflow_state(),
        "executionMetadata": metadata,
    }
    return with_limits(call, **body)


def _logs(core: Core) -> Logs:
    return Logs(core.store.executions, core.store.files, core.definitions, core.account())


def _visible(call: Call, workspace_id: str | None = None) -> list[Entry]:
    """The entries of a workspace; none for an unknown workspace or another user."""
    if call.key == "outsider":
        return []
    return _logs(call.core).of_workspace(call.core.account().workspace_id if workspace_id is None else workspace_id)


def _breaks(query: Mapping[str, Any]) -> bool:
    """Whether the real server answers a query with 500."""
    dates = [query[name] for name in ("startDate", "endDate") if query.get(name)]
    return any(_moment(text) is None for text in dates)


def _order(entry: Entry) -> tuple[str, str]:
    return entry.started_at, entry.id


def _position(cursor: str | None) -> tuple[str, str] | None:
    """The beginning of a page; None for an empty cursor."""
    try:
        position = jsontext.loads(base64.b64decode(cursor or "", validate=True))
    except ValueError:
        return None
    if not position or not isinstance(position, dict):
        return None
    return str(position.get("startedAt")), str(position.get("id"))


def _moment(text: str) -> str | None:
    """A date as the API writes it; None if JavaScript's ``Date`` cannot read it."""
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return iso(moment.timestamp())


def _is_wanted(entry: Entry, query: Mapping[str, Any]) -> bool:
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
    shortest, longest = query.get("minDurationMs"), query.get("maxDurationMs")
    if shortest is not None and (duration is None or duration < shortest):
        return False
    if longest is not None and (duration is None or duration > longest):
        return False
    if query.get("model"):
        return False  # no run uses a model
    least, most = query.get("minCost", 0), query.get("maxCost", 0)
    return bool(least <= 0 <= most)


def _cursor(entry: Entry) -> str:
    return base64.b64encode(jsontext.encode({"startedAt": entry.started_at, "id": entry.id})).decode()


def _item(call: Call, entry: Entry) -> dict[str, Any]:
    core, run, query = call.core, entry.execution, call.query
    full = query["details"] == "full"
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
        "cost": None if run.ended is None else entry.full_cost if full else entry.cost,
        "files": _files(call, entry) or None,
    }
    if not full:
        return shown
    workflow = _workflow(core, entry)
    shown["workflow"] = {name: workflow[name] for name in ("id", "name", "description", "deleted")}
    if query.get("includeFinalOutput"):  # any text is true, also "false"
        shown["finalOutput"] = core.output(entry.final_output, run.id, is_stored=True)
    if query.get("includeTraceSpans"):
        shown["traceSpans"] = entry.spans(core.definitions)
    return shown


def _files(call: Call, entry: Entry) -> list[dict[str, object]]:
    place = Place(call.core.base_url(call.request), entry.execution.workflow_id, entry.execution.id)
    return [file.to_log(place, entry.workspace_id) for file in entry.files]


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
    blocks = [span for span in spans[0]["children"] if "blockId" in span]
    logs = [
        {
            "input": span["input"],
            "output": span["output"],
            "blockId": span["blockId"],
            "endedAt": span.get("endTime"),
            "success": span["status"] == "success",
            "blockName": span["name"],
            "blockType": span["type"],
            "startedAt": span["startTime"],
            "durationMs": span.get("duration"),
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
        "finalOutput": core.output(entry.final_output, run.id, is_stored=True),
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
