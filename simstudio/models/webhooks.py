"""The events that Sim delivers to a webhook; ``simstudio.webhooks`` verifies and reads them."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model
from simstudio.models.usage import ExecutionRateLimits, Usage

EXECUTION_COMPLETED = "workflow.execution.completed"
"""The ``type`` of the event that Sim's workflow notifications deliver."""


@model
class TokenCounts(Model):
    """The tokens that the language models of a run read and wrote.

    Attributes:
        input: Read.
        output: Written.
        total: Both.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None


@model
class ExecutionCost(Model):
    """What a run cost.

    Attributes:
        total: US dollars, the run's base price included.
        input: US dollars for what the language models read.
        output: US dollars for what they wrote.
        tokens: The tokens behind it.
        models: By language model, plain JSON data.
    """

    total: float | None = None
    input: float | None = None
    output: float | None = None
    tokens: TokenCounts | None = None
    models: dict[str, Any] | None = None


@model
class NotifiedUsage(Usage):
    """What was used in the current period, as a notification tells it.

    Attributes:
        current_period_cost: US dollars.
        limit: US dollars.
        plan: Not sent so far.
        percent_used: 0 to 100, and above.
        is_exceeded: Whether the limit is passed.
    """

    percent_used: float | None = None
    is_exceeded: bool | None = None


@model
class WorkflowExecutionData(Model):
    """The run that a :class:`WorkflowExecutionCompleted` tells of.

    Attributes:
        execution_id: Of the run: what to recognise a repeated delivery by, whose other ids are all new.
        workflow_id: The workflow that ran.
        status: ``success`` or ``error``.
        workflow_name: Its name at that time.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: ISO 8601.
        ended_at: ISO 8601.
        total_duration_ms: Milliseconds.
        cost: What it cost.
        final_output: Plain JSON data, where the subscription asks for it (``"finalOutput" in data`` tells null from
            not sent).
        trace_spans: Plain JSON data, where the subscription asks for it.
        rate_limits: The account's, where the subscription asks for them.
        usage: The account's, where the subscription asks for it.
    """

    execution_id: str
    workflow_id: str
    status: str
    workflow_name: str | None = None
    level: str | None = None
    trigger: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    cost: ExecutionCost | None = None
    final_output: Any = None
    trace_spans: list[Any] | None = None
    rate_limits: ExecutionRateLimits | None = None
    usage: NotifiedUsage | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the run succeeded."""
        return self.status == "success"


@model
class WorkflowExecutionCompleted(Model):
    """A run ended, well or not: the event of Sim's workflow notifications.

    Attributes:
        id: New for each attempt to deliver it; ``data.execution_id`` is what stays.
        type: ``workflow.execution.completed``.
        timestamp: Milliseconds since 1970, of this attempt.
        data: The run.
        links: ``links["log"]`` is a path of Sim's pages; only in the deliveries of the "test" button so far.
    """

    id: str
    type: str
    timestamp: int
    data: WorkflowExecutionData
    links: dict[str, str] | None = None

    @property
    def is_test(self) -> bool:
        """Whether the "test" button sent it, with a run that never was."""
        return str(self.id).startswith("evt_test_")


@model
class GenericEvent(Model):
    """Any other delivery: a Webhook block's payload, which its workflow's author chooses, or an event of a later Sim.

    As a mapping it is the payload, or empty where that is not an object.

    Attributes:
        payload: The whole payload as plain JSON data; the body's bytes where it is not JSON.
        problem: Why the delivery is not the event that it says it is, or not JSON; None where nothing is wrong.

    Example:
        >>> event = GenericEvent({"type": "order.paid", "order": 7})
        >>> event.type, event["order"]
        ('order.paid', 7)
    """

    payload: Any = attrs.field(default=None, metadata={"wire": ()})
    problem: str | None = attrs.field(default=None, metadata={"wire": ()})

    @property
    def type(self) -> str | None:
        """The payload's own ``type``, when it has one that is text."""
        named = self._mapping().get("type")
        return named if isinstance(named, str) else None

    def _mapping(self) -> dict[str, Any]:
        return self.payload if isinstance(self.payload, dict) else {}
