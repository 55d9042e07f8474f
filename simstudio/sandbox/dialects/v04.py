"""Sim v0.4 (October 2025), the time of the documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from simstudio.sandbox import jsontext
from simstudio.sandbox.dialects.base import Account, Area, Check, Dialect, KeyErrors, Option
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.limits import Allowance, Limiter, Meter, RateLimits, Window
from simstudio.sandbox.runs import Invocation, Outcome, Run
from simstudio.sandbox.times import format_js_date, iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.records import JobRecord
    from simstudio.sandbox.workflow import Workflow

_KEY: KeyErrors = {
    "missing": (401, "Unauthorized: API key required"),
    "invalid": (401, "Unauthorized: Invalid API key"),
    "outsider": (401, "Unauthorized: Invalid API key"),
}
_ANYONE: KeyErrors = {
    "missing": (401, "Authentication required"),
    "invalid": (401, "Authentication required"),
}
_ESTIMATED_DURATION = 180_000


class V04(Dialect):
    """Failures as 200, jobs by ``taskId``, ``input`` a control key, codes on every error."""

    name = "v0.4"
    limits = RateLimits(sync_per_minute=10, async_per_minute=50, v1_per_minute=10)
    options: ClassVar[frozenset[Option]] = frozenset(("execute by GET",))
    checks: ClassVar[tuple[Check, ...]] = ("workflow", "deployed", "key", "access", "body", "rate")
    key_errors: ClassVar[Mapping[Area, KeyErrors]] = {"execute": _KEY, "jobs": _ANYONE, "usage": _ANYONE}
    usage_checked_at_start = True
    keeps_streamed_blocks = True
    done = '"[DONE]"'
    invalid_json: ClassVar[str | None] = None
    """Code of the error for a body that is not JSON; None for that of the message."""

    def meter(self, per_minute: int, now: float) -> Meter:
        """A fixed window."""
        return Window(per_minute, now)

    def invocation(self, body: bytes, headers: Mapping[str, str]) -> Invocation:
        """The input is the field ``input`` if it is given, else the whole body."""
        raw = self._parse(body)
        fields: Mapping[str, object] = raw if isinstance(raw, Mapping) else {}
        stream = fields.get("stream") is True or headers.get("x-stream-response") == "true"
        background = headers.get("x-execution-mode") == "async"
        received = fields.get("input", raw) if fields else raw
        return Invocation(
            received=received if isinstance(received, Mapping) else {"input": received},
            raw=raw,
            stream=stream,
            background=background,
            selected=self._read_selectors(fields, headers) if stream and not background else (),
            exempt=fields.get("isSecureMode") is True and not background,
        )

    def _parse(self, body: bytes) -> object:
        if not body:
            return {}
        try:
            raw = jsontext.loads(body)
        except ValueError as error:
            raise Refusal(400, "Invalid JSON in request body", code=self.invalid_json) from error
        if raw is None:
            message = "Cannot read properties of null (reading 'isSecureMode')"
            raise Refusal(500, message, code="EXECUTION_ERROR")
        return raw

    def _read_selectors(self, fields: Mapping[str, object], headers: Mapping[str, str]) -> tuple[str, ...]:
        selected = fields.get("selectedOutputs")
        if selected is None and "x-selected-outputs" in headers:
            try:
                selected = jsontext.loads(headers["x-selected-outputs"].encode())
            except ValueError as error:
                message = "Unexpected token in JSON"
                raise Refusal(500, message, code="EXECUTION_ERROR") from error
        if selected is None:
            return ()
        if not isinstance(selected, list):
            raise Refusal(500, "selectedOutputs.map is not a function", code="EXECUTION_ERROR")
        return tuple(each for each in selected if isinstance(each, str))

    def refuse_over_limit(self, limiter: Limiter, *, background: bool) -> Refusal:
        """Different bodies for synchronous and background executions, no headers."""
        now = limiter.read(self.allowance(background=background))
        if background:
            message = (
                f"You have exceeded your async execution limit. {now.remaining} requests remaining. "
                f"Limit resets at {format_js_date(now.reset_at)}."
            )
            reset_at = iso(now.reset_at)
            body = {"error": "Rate limit exceeded", "message": message, "remaining": now.remaining, "resetAt": reset_at}
            return Refusal(429, body=body)
        message = f"Rate limit exceeded. You have {now.remaining} requests remaining. Resets at {iso(now.reset_at)}"
        return Refusal(429, message, code="RATE_LIMIT_EXCEEDED")

    def error_text(self, outcome: Outcome, workflow: Workflow, timeout: float | None) -> str | None:
        """The error without the name of the block."""
        del workflow
        if outcome.ending == "timeout":
            return f"Script execution timed out after {(timeout or 0) * 1000:g}ms"
        return outcome.error

    def write_outcome(self, run: Run, outcome: Outcome, error: str | None) -> Reply:
        """Status 200, also of a failure, which has the output of the last block that succeeded."""
        del run
        body: dict[str, object] = {"success": outcome.ending == "completed"}
        metadata: dict[str, object] = {"duration": round(outcome.duration * 1000), "startTime": iso(outcome.started)}
        if error is not None:
            body.update(output=outcome.last_block_output, error=error)
        else:
            body["output"] = outcome.output
            metadata["endTime"] = iso(outcome.ended)
        return json_reply({**body, "metadata": metadata})

    def chunked_path(self, path: str) -> str | None:
        """The path itself: every selected value is also sent as a chunk."""
        return path

    def write_output(self, output: object, *, response: bool) -> object:
        """The output; that of a Response block is nested one level deeper."""
        return {"response": output} if response else output

    def last_frames(self, outcome: Outcome, output: object, error: str | None) -> list[object]:
        """One event ``final``, also of a failure."""
        data: dict[str, object] = {"success": outcome.ending == "completed"}
        if error is not None:
            data["error"] = error
        return [{"event": "final", "data": {**data, "output": output}}]

    def write_receipt(self, job: JobRecord, base_url: str) -> dict[str, object]:
        """A body with ``taskId`` and a relative link."""
        del base_url
        return {
            "success": True,
            "taskId": job.id,
            "status": "queued",
            "createdAt": iso(job.created),
            "links": {"status": f"/api/jobs/{job.id}"},
        }

    def job(self, job: JobRecord, account: Account) -> dict[str, object]:
        """A failed workflow is a ``completed`` job; only a job that was refused is ``failed``."""
        del account
        body: dict[str, object] = {"success": True, "taskId": job.id}
        if job.ending is None:
            waiting = job.state == "pending"
            metadata = {} if waiting else {"startedAt": iso_or_none(job.started)}
            status = "queued" if waiting else "processing"
            return {**body, "status": status, "metadata": metadata, "estimatedDuration": _ESTIMATED_DURATION}
        if job.ending == "cancelled":
            return {**body, "status": "cancelled", "metadata": {"startedAt": iso_or_none(job.started)}}
        body.update(status="completed", metadata=_times(job))
        if job.ending == "refused":
            return {**body, "status": "failed", "error": self.job_error(job)}
        succeeded = job.ending == "completed"
        output = {
            "success": succeeded,
            "workflowId": job.workflow_id,
            "executionId": job.execution_id,
            "output": self.write_output(job.output, response=job.response) if succeeded else {},
            "executedAt": iso_or_none(job.ended),
            "metadata": {"triggerType": "api"},
        }
        return {**body, "output": output}

    def job_error(self, job: JobRecord) -> object:
        """The error of a failed job, as an object."""
        return {"message": job.error, "name": "Error", "stackTrace": f"Error: {job.error}"}

    def deployment(self, workflow: Workflow) -> dict[str, object]:
        """The status with ``isPublished``."""
        return {
            "isDeployed": workflow.deployed,
            "deployedAt": iso(workflow.deployed_at or workflow.created) if workflow.deployed else None,
            "isPublished": False,
            "needsRedeployment": workflow.needs_redeployment,
        }

    def usage(self, limiter: Limiter, account: Account) -> dict[str, object]:
        """The limits with one ``limit`` a window, without storage."""
        return {
            "success": True,
            "rateLimit": {"sync": _limit(limiter, "sync"), "async": _limit(limiter, "async"), "authType": "api"},
            "usage": account.usage,
        }


def _limit(limiter: Limiter, allowance: Allowance) -> dict[str, object]:
    now = limiter.read(allowance)
    return {
        "isLimited": limiter.is_limited(allowance),
        "limit": now.per_minute,
        "remaining": now.remaining,
        "resetAt": iso(now.reset_at),
    }


def _times(job: JobRecord) -> dict[str, object]:
    started, ended = job.started or job.created, job.ended or job.created
    return {"startedAt": iso(started), "completedAt": iso(ended), "duration": round((ended - started) * 1000)}
