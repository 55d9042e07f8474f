"""Runs of a workflow: lists, details, cancellation, resumption and files."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from simstudio.resources.v2.runs import Runs
from simstudio.sandbox.disconnects import wait_for_outcome
from simstudio.sandbox.families import PRIVATE, V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.outputs import selected_values
from simstudio.sandbox.records import ExecutionRecord
from simstudio.sandbox.routes.runs import describe_pause
from simstudio.sandbox.times import iso, iso_or_none
from simstudio.sandbox.v2 import results, views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.execute import BODY_LIMIT, RUN_ID
from simstudio.sandbox.v2.paging import page

if TYPE_CHECKING:
    from simstudio.sandbox.records import JobRecord
    from simstudio.sandbox.runfiles import RunFile

_ALL = "/api/v2/workflows/{workflowId}/runs"
_LARGEST_BASE64 = 16 * 1024 * 1024
_BLOCK_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@V2().serves(Runs.list, {"order": "desc", "limit": 50})
def list_runs(call: Call) -> Reply:
    """A page of the runs, by default newest first; queued jobs are pending."""
    found = views.workflow_of(call)
    query = call.query
    if query.get("startDate", 0) > query.get("endDate", math.inf):
        raise invalid_value("startDate", "startDate must be before or equal to endDate")
    runs = [results.summary(each) for each in call.core.store.executions(found.id)]
    runs += [
        _of_job(job, "pending")
        for job in call.core.store.unfinished_jobs()
        if job.workflow_id == found.id and job.resumes is None and call.core.store.execution(job.execution_id) is None
    ]
    wanted = [run for run in runs if _is_wanted(run, query)]
    newest_first = query["order"] == "desc"
    shown, after = page(call, wanted, lambda run: (str(run["startedAt"]), str(run["runId"])), descending=newest_first)
    return listing(shown, after)


def _is_wanted(run: dict[str, Any], query: Any) -> bool:
    same = all(query[name] == run[name] for name in ("status", "trigger") if name in query)
    started = run["startedAt"]
    after = "startDate" not in query or started >= iso(query["startDate"])
    return same and after and ("endDate" not in query or started <= iso(query["endDate"]))


@V2().serves(Runs.get)
def get_run(call: Call) -> Reply:
    """One run; also a queued one, and one that was refused before it began."""
    query = call.query
    if query.get("includeFileBase64") and not query.get("includeOutput"):
        raise invalid_value("includeFileBase64", "includeFileBase64 requires includeOutput")
    if "base64MaxBytes" in query and not query.get("includeFileBase64"):
        raise invalid_value("base64MaxBytes", "base64MaxBytes requires includeFileBase64")
    selected: list[str] = query.get("selectedOutputs", [])
    unknown = [selector for selector in selected if _BLOCK_ID.fullmatch(selector.partition(".")[0]) is None]
    found = _run(call)
    if unknown:
        named = ", ".join(unknown)
        hint = 'This resource matches block ids only: pass "blockId" or "blockId.path", not a block name.'
        raise Refusal(400, f"selectedOutputs did not resolve to any block on this run: {named}. {hint}")
    run_id: str = call.path["runId"]
    if not isinstance(found, ExecutionRecord):
        return data({**_of_job(found, "queued"), **_NOTHING_YET, "error": results.refusal_of(found)})
    core = call.core
    whole = bool(query.get("includeOutput"))
    output = found.output if whole and found.state == "completed" else None
    values = selected_values(found.blocks, selected) if selected else None
    return data(
        {
            **results.summary(found),
            "runId": run_id,
            "paused": describe_pause(found, internal_id=False),
            "error": results.error_of(found),
            "output": core.output(output, found.id, is_stored=True),
            "blockOutputs": None
            if values is None
            else {name: core.output(each, found.id) for name, each in values.items()},
            "files": _files(call, found, run_id) if whole else None,
        }
    )


@V2().serves(Runs.cancel)
def cancel_run(call: Call) -> Reply:
    """Cancel a run, unless it has ended already."""
    found = _run(call)
    core, run_id = call.core, call.path["runId"]
    ended = found.state if isinstance(found, ExecutionRecord) else ("failed" if found.state == "done" else "running")
    redis = core.settings.redis
    cancelled = {"success": False, "paused": False}
    reason = "recorded" if redis else "redis_unavailable"
    if ended in ("completed", "failed", "cancelled"):
        reason = f"already_{ended}"
    elif redis:
        run = found.id if isinstance(found, ExecutionRecord) else found.execution_id
        cancelled = {"success": True, "paused": core.engine.cancel(run)}
    return data(
        {
            "success": cancelled["success"],
            "runId": run_id,
            "redisAvailable": redis,
            "durablyRecorded": cancelled["success"],
            "locallyAborted": False,
            "pausedCancelled": cancelled["paused"],
            "reason": reason,
        }
    )


@V2().serves(Runs.download_file)
def download(call: Call) -> Reply:
    """The bytes of one file of a run."""
    found = _run(call)
    files = call.core.store.files(found.id) if isinstance(found, ExecutionRecord) else []
    file = next((each for each in files if each.id == call.path["fileId"]), None)
    if file is None:
        raise Refusal(404, "File not found")
    headers = (
        ("content-type", file.type),
        ("content-disposition", f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"),
        ("x-content-type-options", "nosniff"),
        *PRIVATE,
    )
    return Reply(200, file.data, headers)


@V2(body_limit=BODY_LIMIT).serves(Runs.resume)
async def resume_run(call: Call) -> Reply:
    """Answer a pause: the run continues under a new id, in the mode of the first request, but never as a stream."""
    core = call.core
    found = views.workflow_of(call)
    over = core.account().error
    if over is not None:
        raise Refusal(402, over)
    context_id: str = call.body["contextId"]
    answer = call.body.get("input", {})
    record = core.store.execution(call.path["runId"])
    if record is None or record.workflow_id != found.id:
        raise Refusal(404, "Run not found")
    resumption = core.engine.claim(found.id, record.id, context_id, answer)
    run_id = core.engine.rename(resumption)
    headers = ((RUN_ID, run_id),)
    if resumption.execution.mode != "sync":
        core.engine.submit_resumption(resumption, context_id)
        status_url = f"{core.base_url(call.request)}/api/v2/workflows/{found.id}/runs/{run_id}"
        return data({"runId": run_id, "statusUrl": status_url}, 202, headers)
    run = resumption.run
    outcome = await wait_for_outcome(core, run, core.engine.resume(resumption), call.request.receive)
    if outcome.ending == "interrupted":
        raise Refusal(503, "Server is shutting down", {"runId": run_id}, headers=headers)
    return data(results.present_run(core, run, outcome, run_id), headers=headers)


def _run(call: Call) -> ExecutionRecord | JobRecord:
    """The run that the path names, or its queued job.

    Raises:
        Refusal: 404.
    """
    found = views.workflow_of(call, archived=True)
    run_id: str = call.path["runId"]
    run: ExecutionRecord | JobRecord | None = call.core.engine.execution(run_id) or call.core.store.job_of(run_id)
    if run is None or run.workflow_id != found.id:
        raise Refusal(404, "Run not found")
    return run


_NOTHING_YET = {"paused": None, "output": None, "blockOutputs": None, "files": None}


def _of_job(job: JobRecord, waiting: str) -> dict[str, object]:
    """A job without a run: queued or refused."""
    refused_it = job.ending == "refused"
    return {
        "runId": job.execution_id,
        "workflowId": job.workflow_id,
        "status": "failed" if refused_it else waiting,
        "trigger": job.trigger,
        "startedAt": iso(job.created),
        "endedAt": iso_or_none(job.ended),
        "durationMs": 0 if refused_it else None,
        "cost": None,
    }


def _files(call: Call, found: ExecutionRecord, run_id: str) -> list[dict[str, object]]:
    """The files of a run, with their bytes if requested.

    Raises:
        Refusal: 413, a file is too large; the details have its download path.
    """
    inline, most = call.query.get("includeFileBase64", False), call.query.get("base64MaxBytes", _LARGEST_BASE64)
    return [_file(file, found.workflow_id, run_id, most if inline else -1) for file in call.core.store.files(found.id)]


def _file(file: RunFile, workflow_id: str, run_id: str, most: int) -> dict[str, object]:
    path = download_path(workflow_id, run_id, file)
    if most >= 0 and file.size > _LARGEST_BASE64:
        message = f"File {file.name!r} exceeds the 16 MB inline limit; download it with GET {path}"
        raise Refusal(413, message)
    return {**describe_file(file, path), "base64": file.content if file.size <= most else None}


def download_path(workflow_id: str, run_id: str, file: RunFile) -> str:
    """Path for the download of a file."""
    return f"/api/v2/workflows/{workflow_id}/runs/{run_id}/files/{file.id}"


def describe_file(file: RunFile, path: str) -> dict[str, object]:
    """A file without its bytes."""
    return {"id": file.id, "name": file.name, "size": file.size, "type": file.type, "downloadPath": path}
