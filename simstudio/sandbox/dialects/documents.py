"""Sim as the documents of the official Python SDK describe it; every real server differs from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from simstudio.sandbox.dialects.v04 import V04
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.dialects.base import Account, Area, Check, KeyErrors, Option
    from simstudio.sandbox.limits import Allowance, Limiter
    from simstudio.sandbox.records import JobRecord
    from simstudio.sandbox.runs import Outcome, Run

_KEY: KeyErrors = {"missing": (401, "Invalid API key"), "invalid": (401, "Invalid API key")}
_MEMBERS: KeyErrors = {**_KEY, "outsider": (403, "Access denied")}


class Documents(V04):
    """Bare ``[DONE]`` after ``done``, rate-limit headers everywhere, ``retry-after`` on 429."""

    name = "documents"
    options: ClassVar[frozenset[Option]] = frozenset(("cancel", "executions"))
    checks: ClassVar[tuple[Check, ...]] = (
        "capacity",
        "key",
        "body",
        "workflow",
        "access",
        "deployed",
        "usage",
        "rate",
    )
    key_errors: ClassVar[Mapping[Area, KeyErrors]] = {
        "execute": _MEMBERS,
        "status": _MEMBERS,
        "executions": _MEMBERS,
        "cancel": _MEMBERS,
        "jobs": _MEMBERS,
        "usage": _KEY,
    }
    usage_checked_at_start = False
    keeps_streamed_blocks = False
    done = "[DONE]"
    codes: ClassVar[Mapping[int, str]] = {
        401: "UNAUTHORIZED",
        402: "USAGE_LIMIT_EXCEEDED",
        429: "RATE_LIMIT_EXCEEDED",
    }
    invalid_json = "INVALID_JSON"

    def write_limit_headers(self, limiter: Limiter, allowance: Allowance) -> dict[str, str]:
        """Headers that ``get_rate_limit_info`` reads; the reset is in epoch seconds."""
        now = limiter.read(allowance)
        return {
            "x-ratelimit-limit": str(now.per_minute),
            "x-ratelimit-remaining": str(now.remaining),
            "x-ratelimit-reset": str(math.ceil(now.reset_at)),
        }

    def refuse_over_limit(self, limiter: Limiter, *, background: bool) -> Refusal:
        """A 429 with ``retry-after`` in seconds."""
        seconds = limiter.seconds_to_reset(self.allowance(background=background))
        return Refusal(429, "Rate limit exceeded", headers=(("retry-after", str(max(1, math.ceil(seconds)))),))

    def write_outcome(self, run: Run, outcome: Outcome, error: str | None) -> Reply:
        """All the fields of the documented result class."""
        del run
        duration = round(outcome.duration * 1000)
        body: dict[str, object] = {
            "success": outcome.ending == "completed",
            "output": outcome.output,
            "logs": [],
            "metadata": {"duration": duration, "startTime": iso(outcome.started), "endTime": iso(outcome.ended)},
            "traceSpans": [],
            "totalDuration": duration,
        }
        if error is not None:
            body["error"] = error
        return json_reply(body)

    def chunked_path(self, path: str) -> str | None:
        """Only blocks that stream send chunks."""
        del path
        return None

    def write_output(self, output: object, *, response: bool) -> object:
        """The output, also of a Response block."""
        del response
        return output

    def last_frames(self, outcome: Outcome, output: object, error: str | None) -> list[object]:
        """One event ``done`` with the fields of the result at its top level."""
        frame: dict[str, object] = {"event": "done", "success": outcome.ending == "completed", "output": output}
        if error is not None:
            frame["error"] = error
        return [{**frame, "metadata": {"duration": round(outcome.duration * 1000)}}]

    def job(self, job: JobRecord, account: Account) -> dict[str, object]:
        """A failed workflow is a failed job, and ``output`` is the workflow's own."""
        body = super().job(job, account)
        if job.ending in ("failed", "timeout"):
            body.pop("output", None)
            return {**body, "status": "failed", "error": self.job_error(job)}
        if job.ending == "completed":
            body["output"] = job.output
        return body

    def job_error(self, job: JobRecord) -> object:
        """The error of a failed job, as text."""
        return job.error or "Execution timed out"
