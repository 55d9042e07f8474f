"""The logs of a workspace, and their statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.logs import Logs as ClientLogs
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.logs import Entry, Logs
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso, iso_or_none
from simstudio.sandbox.v2 import results
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.runs import describe_file, download_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simstudio.sandbox.core import Core

_SHORTEST_SEGMENT = 60_000


@V2().serves(
    ClientLogs.list, {"details": "basic", "sortBy": "startedAt", "sortOrder": "desc", "limit": 100}, clamped=("limit",)
)
def list_logs(call: Call) -> Reply:
    """A page of the entries."""
    query = call.query
    if query.get("includeJobRuns") and query["sortBy"] != "startedAt":
        raise invalid_value(
            "sortBy", 'sortBy: only "startedAt" can order job runs; drop includeJobRuns or sort by "startedAt"'
        )
    if query.get("minDurationMs", 0) > query.get("maxDurationMs", math.inf):
        raise invalid_value("minDurationMs", "minDurationMs must be less than or equal to maxDurationMs")
    entries = [each for each in _entries(call) if _is_wanted(each, query)]
    descending = query["sortOrder"] == "desc"
    shown, after = page(call, entries, _KEYS[query["sortBy"]], descending=descending)
    return listing([_item(call, each) for each in shown], after)


@V2().serves(ClientLogs.get, {"includeWorkflowState": True})
def get_log(call: Call) -> Reply:
    """One entry, by the id of its run."""
    core, run_id = call.core, call.path["runId"]
    found = core.engine.execution(run_id)
    if found is None or call.key == "outsider":
        raise Refusal(404, "Log not found")
    entry = _logs(core).entry(found)
    shown = {
        **_basics(entry),
        "runId": run_id,
        "executedByEmail": None,
        "workflow": _workflow(entry),
        "workflowState": entry.workflow_state() if call.query["includeWorkflowState"] else None,
        "traceSpans": entry.spans(core.definitions),
        "finalOutput": core.output(entry.final_output, found.id, is_stored=True),
        "cost": {**entry.cost, "items": None} if found.ended is not None else None,
        "workflowInput": found.received,
        "createdAt": entry.started_at,
    }
    return data({name: value for name, value in shown.items() if name not in ("kind", "hasHandledErrors")})


@V2().serves(ClientLogs.stats, {"segmentCount": 72, "includeEmpty": False}, spelled=("includeEmpty",))
def stats(call: Call) -> Reply:
    """Numbers of runs and of successful runs, in equal segments of time."""
    query = call.query
    entries = [each for each in _entries(call) if _is_wanted(each, query)]
    began = [each.execution.started for each in entries]
    start = query.get("startDate", min(began, default=call.core.clock()))
    end = max(query.get("endDate", max(began, default=start)), start)
    count: int = query["segmentCount"]
    width = max(_SHORTEST_SEGMENT, math.ceil((end - start) * 1000 / count))
    segments = _Segments(start, width, min(count, int((end - start) * 1000 // width) + 1), query["includeEmpty"])
    by_workflow: dict[str, list[Entry]] = {}
    for each in entries:
        by_workflow.setdefault(each.execution.workflow_id, []).append(each)
    return data(
        {
            "workflows": [_of_workflow(found, segments) for found in by_workflow.values()],
            "workflowsTruncated": False,
            "aggregateSegments": segments.of(entries),
            "totalRuns": len(entries),
            "totalErrors": sum(each.level == "error" for each in entries),
            "avgLatency": _average(entries),
            "timeBounds": {"start": iso(start), "end": iso(end)},
            "segmentMs": width,
        }
    )


class _Segments:
    """Equal segments of time. ``start`` is epoch seconds, ``width`` milliseconds."""

    def __init__(self, start: float, width: int, count: int, empty: bool) -> None:  # noqa: FBT001
        self._start = start
        self._width = width
        self._count = count
        self._empty = empty

    def of(self, entries: Sequence[Entry]) -> list[dict[str, object]]:
        """Numbers of entries by segment; empty segments only if requested."""
        parts: list[list[Entry]] = [[] for _ in range(self._count)]
        for each in entries:
            number = int((each.execution.started - self._start) * 1000 // self._width)
            parts[min(max(number, 0), self._count - 1)].append(each)
        return [
            {
                "timestamp": iso(self._start + number * self._width / 1000),
                "totalExecutions": len(part),
                "successfulExecutions": sum(each.level != "error" for each in part),
                "avgDurationMs": _average(part),
            }
            for number, part in enumerate(parts)
            if part or self._empty
        ]


def _of_workflow(entries: Sequence[Entry], segments: _Segments) -> dict[str, object]:
    successful = sum(each.level != "error" for each in entries)
    return {
        "workflowId": entries[0].execution.workflow_id,
        "workflowName": entries[0].workflow_name,
        "segments": segments.of(entries),
        "totalExecutions": len(entries),
        "totalSuccessful": successful,
        "overallSuccessRate": successful / len(entries) * 100,
    }


def _average(entries: Sequence[Entry]) -> float:
    durations = [each.duration for each in entries if each.duration is not None]
    return sum(durations) / len(durations) if durations else 0


def _logs(core: Core) -> Logs:
    return Logs(core.store.executions, core.store.files, core.definitions, core.account())


def _entries(call: Call) -> list[Entry]:
    return _logs(call.core).of_workspace(call.workspace(call.query["workspaceId"]))


def _is_wanted(entry: Entry, query: Mapping[str, Any]) -> bool:
    run, duration = entry.execution, entry.duration
    folder = None if entry.definition is None else entry.definition.folder
    triggers = query.get("triggers", [])
    lists = (
        (query.get("workflowIds"), run.workflow_id),
        (None if "all" in triggers else triggers or None, run.trigger),
        (query.get("folderPaths"), folder),
        (query.get("status"), run.state),
    )
    if any(allowed is not None and value not in allowed for allowed, value in lists):
        return False
    exact = {"level": entry.level, "runId": run.id}
    if any(query[name] != value for name, value in exact.items() if name in query):
        return False
    if query.get("model") or query.get("workflowName", "").lower() not in entry.workflow_name.lower():
        return False  # no run uses a model
    least, most = query.get("minDurationMs"), query.get("maxDurationMs")
    if (least is not None or most is not None) and duration is None:
        return False
    fits = (duration or 0) >= (least or 0) and (most is None or (duration or 0) <= most)
    in_time = iso(query.get("startDate", 0)) <= entry.started_at <= iso(query.get("endDate", _FOR_EVER))
    return fits and in_time and query.get("minCost", 0) <= 0 <= query.get("maxCost", 0)


_FOR_EVER = 253402300799.0
"""The last second of the year 9999."""

_KEYS: dict[str, Callable[[Entry], Position]] = {
    "startedAt": lambda each: (each.started_at, each.execution.id),
    "durationMs": lambda each: (each.duration or 0, each.execution.id),
    "cost": lambda each: (each.cost["total"], each.execution.id),
    "status": lambda each: (each.execution.state, each.execution.id),
}


def _item(call: Call, entry: Entry) -> dict[str, object]:
    query = call.query
    shown = {**_basics(entry), "cost": entry.cost if entry.execution.ended is not None else None}
    spans, output = query.get("includeTraceSpans"), query.get("includeFinalOutput")
    if query["details"] == "full" or spans or output:
        workflow = _workflow(entry)
        shown["workflow"] = {name: workflow[name] for name in ("id", "name", "description", "deleted")}
    if output:
        shown["finalOutput"] = call.core.output(entry.final_output, entry.execution.id, is_stored=True)
    if spans:
        shown["traceSpans"] = entry.spans(call.core.definitions)
    return shown


def _basics(entry: Entry) -> dict[str, object]:
    run = entry.execution
    files = [describe_file(file, download_path(run.workflow_id, run.id, file)) for file in entry.files]
    return {
        "kind": "workflow",
        "runId": run.id,
        "workflowId": None if entry.deleted else run.workflow_id,
        "deploymentVersionId": run.deployment,
        "status": results.status_of(run),
        "level": entry.level,
        "trigger": run.trigger,
        "startedAt": entry.started_at,
        "endedAt": entry.ended_at,
        "totalDurationMs": entry.duration,
        "files": files or None,
        "hasHandledErrors": False,
    }


def _workflow(entry: Entry) -> dict[str, object]:
    found = entry.definition
    return {
        "id": None if entry.deleted else entry.execution.workflow_id,
        "name": entry.workflow_name,
        "description": None if found is None else found.description,
        "folderPath": None if found is None else found.folder,
        "ownerEmail": None,
        "workspaceId": entry.workspace_id,
        "createdAt": iso_or_none(None if found is None else found.created),
        "updatedAt": iso_or_none(None if found is None else found.updated),
        "deleted": entry.deleted,
    }
