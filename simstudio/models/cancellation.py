"""The result of a request to cancel an execution."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class CancelResult(Model):
    """What came of asking to cancel an execution.

    Attributes:
        success: Whether the request was recorded. Sim says true even of unknown and finished executions (recordings
            086, 087), and false (with 200) where it has no Redis (345): the run then goes on.
        execution_id: Of the execution.
        reason: ``recorded``, ``redis_unavailable``, of v2 also ``already_completed`` …
        redis_available: Whether the server could record it.
        durably_recorded: Whether other server processes will see it.
        locally_aborted: Whether the asked process itself stopped it.
        paused_cancelled: Whether it was a paused one.
    """

    success: bool
    execution_id: str | None = attrs.field(default=None, metadata={"wire": ("executionId", "runId")})
    reason: str | None = None
    redis_available: bool | None = None
    durably_recorded: bool | None = None
    locally_aborted: bool | None = None
    paused_cancelled: bool | None = None
