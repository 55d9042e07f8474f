"""The result of a request to cancel an execution."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class CancelResult(Model):
    """The result of a request to cancel an execution.

    Attributes:
        success: Whether the server recorded the request, even of an unknown or finished execution. Without
            Redis it cannot: then this is False, with status 200, and the run continues.
        reason: ``recorded``, ``redis_unavailable``; on v2 also ``already_completed`` …
        redis_available: Whether the server reached Redis.
        durably_recorded: Whether other processes of the server will see the request.
        locally_aborted: Whether the process that answered stopped the execution itself.
        paused_cancelled: Whether the execution was a paused one.
    """

    success: bool
    execution_id: str | None = attrs.field(default=None, metadata={"wire": ("executionId", "runId")})
    reason: str | None = None
    redis_available: bool | None = None
    durably_recorded: bool | None = None
    locally_aborted: bool | None = None
    paused_cancelled: bool | None = None
