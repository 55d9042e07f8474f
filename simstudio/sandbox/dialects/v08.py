"""Sim v0.8 (August 2026): what it has beyond v0.6 for executions that run at most once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.dialects.base import Check
from simstudio.sandbox.dialects.v06 import V06
from simstudio.sandbox.http import Refusal, Reply, json_reply

if TYPE_CHECKING:
    from simstudio.sandbox.runs import Invocation, Outcome

_ID = re.compile(r"[A-Za-z0-9._:-]+")
_LONGEST_ID = 128


class V08(V06):
    """Execution ids of the caller, kept for good; jobs named after their execution."""

    name = "v0.8"
    checks: ClassVar[tuple[Check, ...]] = (*V06.checks[:-2], "claim", *V06.checks[-2:])
    claims = True
    job_takes_token = False

    def at_capacity(self) -> Reply:
        """With a code."""
        body = {"error": "Too many requests", "message": "Server is at capacity. Please retry shortly."}
        coded = {**body, "code": "ADMISSION_GATE_CAPACITY", "retryable": True, "retryAfterSeconds": 5}
        return json_reply(coded, 429, (("retry-after", "5"),))

    def job_id(self, execution_id: str) -> str:
        """The execution's, prefixed."""
        return f"workflow-execution:{execution_id}"

    def invocation(self, body: bytes, headers: Mapping[str, str]) -> Invocation:
        """The id of an execution comes in a header, or in the body, of which it is no input."""
        header = headers.get("x-execution-id")
        if header is not None:
            _check("Invalid execution ID header", "X-Execution-Id", header)
        invocation = super().invocation(body, headers)
        raw, received = invocation.raw, invocation.received
        if not (isinstance(raw, Mapping) and isinstance(received, Mapping) and "executionId" in raw):
            return attrs.evolve(invocation, execution_id=header)
        _check("Invalid request body", "executionId", raw["executionId"])
        received = {key: value for key, value in received.items() if key != "executionId"}
        return attrs.evolve(invocation, received=received, execution_id=header or raw["executionId"])

    def says_done(self, outcome: Outcome) -> bool:
        """After a failure, too."""
        del outcome
        return True


def _check(error: str, path: str, value: object) -> None:
    if not isinstance(value, str):
        message = f"Invalid input: expected string, received {jsontext.type_name(value)}"
    elif len(value) > _LONGEST_ID:
        message = "Execution ID too long"
    elif _ID.fullmatch(value) is None:
        message = "Execution ID can only contain letters, numbers, dots, underscores, colons, and hyphens"
    else:
        return
    raise Refusal(json_reply({"error": error, "details": [{"path": path, "message": message}]}, 400))
