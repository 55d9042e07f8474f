"""Sim v0.8 (August 2026), the default: executions that run at most once, and stricter reading of requests."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Issue, Issues, Text
from simstudio.sandbox.dialects.base import Check
from simstudio.sandbox.dialects.v06 import V06
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.limits import UNLIMITED, RateLimits
from simstudio.sandbox.zod import zod4

if TYPE_CHECKING:
    from simstudio.sandbox.runs import Invocation, Outcome

_LARGEST_BODY = 10 * 1024 * 1024
_EXECUTION_ID = Text(
    most=(128, "Execution ID too long"),
    pattern=(
        r"[A-Za-z0-9._:-]+",
        "Execution ID can only contain letters, numbers, dots, underscores, colons, and hyphens",
    ),
)


class V08(V06):
    """Execution ids may come from the caller and stay claimed; job ids are derived from them."""

    name = "v0.8"
    limits = RateLimits(UNLIMITED, UNLIMITED, UNLIMITED)
    checks: ClassVar[tuple[Check, ...]] = (*V06.checks[:-2], "claim", *V06.checks[-2:])
    since_v08 = True
    claims = True
    body_limit = None
    large_value_limit = 8 * 1024 * 1024
    job_takes_token = False

    def refuse_at_capacity(self) -> Refusal:
        """The refusal with a code."""
        body = {"error": "Too many requests", "message": "Server is at capacity. Please retry shortly."}
        coded = {**body, "code": "ADMISSION_GATE_CAPACITY", "retryable": True, "retryAfterSeconds": 5}
        return Refusal(429, body=coded, headers=(("retry-after", "5"),))

    def wording(self, issue: Issue) -> dict[str, Any]:
        """The text of an issue as zod 4 writes it."""
        return zod4(issue)

    def job_id(self, execution_id: str) -> str:
        """The id of the execution with the prefix ``workflow-execution:``."""
        return f"workflow-execution:{execution_id}"

    def invocation(self, body: bytes, headers: Mapping[str, str]) -> Invocation:
        """Read the body; the id of the execution, from a header or the body, is not part of the input."""
        header = headers.get("x-execution-id")
        if header is not None:
            self._check("X-Execution-Id", header, "Invalid execution ID header")
        if len(body) > _LARGEST_BODY:
            raise Refusal(413, "Workflow execution request body exceeds maximum size")
        if body.strip() and not _is_json(body):
            raise Refusal(400, "Invalid JSON in request body")
        invocation = super().invocation(body, headers)
        if invocation.trigger != "api":
            raise Refusal(400, "External callers cannot override triggerType")
        raw, received = invocation.raw, invocation.received
        if not (isinstance(raw, Mapping) and isinstance(received, Mapping) and "executionId" in raw):
            return attrs.evolve(invocation, execution_id=header)
        self._check("executionId", raw["executionId"], "Invalid request body")
        received = {key: value for key, value in received.items() if key != "executionId"}
        return attrs.evolve(invocation, received=received, execution_id=header or raw["executionId"])

    def says_done(self, outcome: Outcome) -> bool:
        """True, also after a failure."""
        del outcome
        return True

    def _check(self, name: str, value: object, message: str) -> None:
        issues = Issues()
        _EXECUTION_ID.read(value, (name,), issues)
        if issues:
            raise self.invalid(issues, message)


def _is_json(body: bytes) -> bool:
    """Whether a body is JSON, without a byte order mark."""
    try:
        jsontext.loads(body)
    except ValueError:
        return False
    return not body.startswith(codecs.BOM_UTF8)
