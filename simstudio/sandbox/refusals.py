"""The limits of executions that are checked once an execution has its id: a refused one is kept under it as failed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from simstudio.sandbox.core import Core
    from simstudio.sandbox.limits import Allowance

_RETRY_AFTER = 5
_TOO_MANY = (
    "Too many concurrent executions are in progress for this billing account. Please wait for them to finish and try "
    "again."
)


@attrs.frozen
class ExecutionRefusal:
    """The refusal of an execution, and its reason.

    Attributes:
        reason: The error of the run that the refusal leaves.
        message: Message of the response.
        code: Code of the limit in v2.
        retry_after: Seconds.
    """

    reason: str
    message: str
    code: str
    retry_after: int


def refuse_execution(core: Core, allowance: Allowance) -> ExecutionRefusal | None:
    """Use up one execution of an allowance; return why the execution is refused, or None."""
    limiter = core.limiter()
    if not limiter.take(allowance):
        return ExecutionRefusal(
            f"Rate limit exceeded. 0 requests remaining. Resets at {iso(limiter.read(allowance).reset_at)}.",
            "Rate limit exceeded. Please try again later.",
            "RATE_LIMIT_EXCEEDED",
            max(1, math.ceil(limiter.seconds_to_reset(allowance))),
        )
    if limiter.concurrent is not None and core.engine.under_way >= limiter.concurrent:
        return ExecutionRefusal(_TOO_MANY, _TOO_MANY, "EXECUTION_CONCURRENCY_LIMIT", _RETRY_AFTER)
    return None
