"""Sim v0.6 (April 2026)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simstudio.sandbox.dialects import body as execute_body
from simstudio.sandbox.dialects.base import Account, Area, Check, Dialect, KeyErrors, Option
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.limits import Allowance, Limiter, Meter, RateLimits, TokenBucket
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.records import JobRecord
    from simstudio.sandbox.runs import Invocation, Outcome, Run
    from simstudio.sandbox.workflow import Workflow

_KEY: KeyErrors = {"missing": (401, "Unauthorized"), "invalid": (401, "Invalid API key")}
_READ: KeyErrors = {**_KEY, "outsider": (403, "Unauthorized: Access denied to read this workflow")}
_WRITE: KeyErrors = {**_KEY, "outsider": (403, "Unauthorized: Access denied to write this workflow")}
_NOT_YOURS: KeyErrors = {**_KEY, "outsider": (403, "Access denied")}
_ANYONE: KeyErrors = {
    "missing": (401, "Authentication required"),
    "invalid": (401, "Authentication required"),
}
_STORAGE_LIMIT = 5 * 1024**3
_MINUTE = 60


class V06(Dialect):
    """Envelope with ``executionId``, failures as 500, jobs by ``jobId``, chunks only of blocks that stream."""

    name = "v0.6"
    limits = RateLimits()
    options: ClassVar[frozenset[Option]] = frozenset(("cancel", "executions", "v1", "hitl"))
    body_limit: ClassVar[int | None] = 10 * 1024 * 1024
    checks: ClassVar[tuple[Check, ...]] = (
        "capacity",
        "call_chain",
        "key",
        "body",
        "workflow",
        "access",
        "deployed",
        "usage",
        "rate",
    )
    key_errors: ClassVar[Mapping[Area, KeyErrors]] = {
        "execute": _READ,
        "status": _READ,
        "executions": _READ,
        "cancel": _WRITE,
        "jobs": _NOT_YOURS,
        "usage": _ANYONE,
    }
    execution_codes = False
    job_takes_token = True
    hanging_up_cancels_stream = True
    done = '"[DONE]"'

    def meter(self, per_minute: int, now: float) -> Meter:
        """A token bucket."""
        return TokenBucket(per_minute, now)

    def allowance(self, *, background: bool) -> Allowance:
        """The sync bucket, also for background executions; the async bucket is only reported."""
        del background
        return "sync"

    def invocation(self, body: bytes, headers: Mapping[str, str]) -> Invocation:
        """Read the body without its control keys; a body that is not JSON counts as empty."""
        return execute_body.read(self, body, headers)

    def refuse_over_limit(self, limiter: Limiter, *, background: bool) -> Refusal:
        """A 429 without ``Retry-After``."""
        del limiter, background
        return Refusal(429, self.rate_limited_job)

    def error_text(self, outcome: Outcome, workflow: Workflow, timeout: float | None) -> str | None:
        """The error with the name of the block."""
        if outcome.ending == "timeout":
            return f"Execution timed out after {_format_period(timeout or 0)}"
        return None if outcome.error is None else f"{workflow.block}: {outcome.error}"

    def write_outcome(self, run: Run, outcome: Outcome, error: str | None) -> Reply:
        """The envelope; runs that failed or timed out have no ``executionId``."""
        metadata = {
            "duration": outcome.duration * 1000,
            "startTime": iso(outcome.started),
            "endTime": iso(outcome.ended),
        }
        if error is not None:
            status = 408 if outcome.ending == "timeout" else 500
            return json_reply({"success": False, "output": {}, "error": error, "metadata": metadata}, status)
        return json_reply(
            {
                "success": outcome.ending in ("completed", "paused"),
                "executionId": run.id,
                "output": outcome.output,
                "metadata": metadata,
            }
        )

    def chunked_path(self, path: str) -> str | None:
        """A path that is written with the prefix ``output.``, as observed; None for other paths."""
        return path.removeprefix("output.") if path.startswith("output.") else None

    def keeps_path(self, path: str) -> bool:
        """Whether the final output has a path: not if its value was sent in chunks."""
        return self.chunked_path(path) is None

    def last_frames(self, outcome: Outcome, output: object, error: str | None) -> list[object]:
        """One event ``final`` or ``error``."""
        if error is not None:
            return [{"event": "error", "error": error}]
        if outcome.ending == "paused":
            return [{"event": "final", "data": {"success": True, "output": output, "status": "paused"}}]
        return [{"event": "final", "data": {"success": outcome.ending == "completed", "output": output}}]

    def says_done(self, outcome: Outcome) -> bool:
        """True except after a failure; a timeout has ``[DONE]``."""
        return outcome.ending != "failed"

    def write_receipt(self, job: JobRecord, base_url: str) -> dict[str, object]:
        """A body with ``jobId`` and an absolute ``statusUrl``."""
        return {
            "success": True,
            "async": True,
            "jobId": job.id,
            "executionId": job.execution_id,
            "message": "Workflow execution queued",
            "statusUrl": f"{base_url}/api/jobs/{job.id}",
        }

    def job(self, job: JobRecord, account: Account) -> dict[str, object]:
        """Cancelled and timed-out jobs are ``completed`` with ``success`` false inside."""
        metadata: dict[str, object] = {
            "userId": account.user_id,
            "workflowId": job.workflow_id,
            "correlation": {
                "source": "workflow",
                "requestId": job.request_id,
                "workflowId": job.workflow_id,
                "executionId": job.execution_id,
                "triggerType": job.trigger,
            },
            "workspaceId": account.workspace_id,
        }
        if job.resumes is not None:
            del metadata["correlation"]
        body: dict[str, object] = {
            "success": True,
            "taskId": job.id,
            "status": job.state,
            "metadata": metadata,
            "output": None,
        }
        if job.ending in ("failed", "refused"):
            error = f"{job.block}: {job.error}" if job.ending == "failed" else job.error
            body.update(status="failed", error=error)
        elif job.ending is not None:
            succeeded = job.ending == "completed"
            body["status"] = "completed"
            body["output"] = {
                "output": job.output if succeeded else {},
                "success": succeeded,
                "executedAt": iso_or_none(job.ended),
                "workflowId": job.workflow_id,
                "executionId": job.execution_id,
            }
        return body

    def deployment(self, workflow: Workflow) -> dict[str, object]:
        """The status without ``isPublished``."""
        return {
            "isDeployed": workflow.deployed,
            "deployedAt": iso(workflow.deployed_at or workflow.created) if workflow.deployed else None,
            "needsRedeployment": workflow.needs_redeployment,
        }

    def usage(self, limiter: Limiter, account: Account) -> dict[str, object]:
        """The limits with burst sizes and storage."""
        return {
            "success": True,
            "rateLimit": {
                "sync": _limit(limiter, "sync"),
                "async": _limit(limiter, "async"),
                "authType": "api",
            },
            "usage": account.usage,
            "storage": {"usedBytes": 0, "limitBytes": _STORAGE_LIMIT, "percentUsed": 0},
        }


def _limit(limiter: Limiter, allowance: Allowance) -> dict[str, object]:
    return {"isLimited": limiter.is_limited(allowance), **report_bucket(limiter, allowance)}


def report_bucket(limiter: Limiter, allowance: Allowance) -> dict[str, object]:
    """A bucket as v0.6 reports it."""
    now = limiter.read(allowance)
    return {
        "requestsPerMinute": now.per_minute,
        "maxBurst": now.burst,
        "remaining": now.remaining,
        "resetAt": iso(now.reset_at),
    }


def _format_period(seconds: float) -> str:
    number, unit = (seconds / _MINUTE, "minute") if seconds >= _MINUTE else (seconds, "second")
    return f"{number:g} {unit}" if number == 1 else f"{number:g} {unit}s"
