"""The events that Sim delivers to a webhook; :mod:`simstudio.webhooks` verifies and reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from simstudio.core.functions import with_hints
from simstudio.core.model import Model, model
from simstudio.models.large_values import with_references
from simstudio.models.runs import find_trace
from simstudio.models.usage import ExecutionRateLimits, Usage

if TYPE_CHECKING:
    from simstudio.traces.trace import Trace

EXECUTION_COMPLETED = "workflow.execution.completed"
"""The ``type`` of the event that Sim's workflow notifications deliver."""

PROBE = {"sim": "connection-test"}
"""The only row of a data drain's test delivery."""


class DeliveredModel(Model):
    """A model of a delivery, which is public under :mod:`simstudio.webhooks`."""

    __slots__ = ()
    _public_module: ClassVar[str | None] = "simstudio.webhooks"


@model
class TokenCounts(DeliveredModel):
    """The tokens that a run's language models read (input) and wrote (output), and their sum."""

    input: int | None = None
    output: int | None = None
    total: int | None = None


@model
class ExecutionCost(DeliveredModel):
    """The cost of a run, in US dollars.

    Attributes:
        total: All costs, the base price of a run included.
        input: Input of the language models.
        output: Output of the language models.
        models: Cost and tokens by language model, as JSON data.
    """

    total: float | None = None
    input: float | None = None
    output: float | None = None
    tokens: TokenCounts | None = None
    models: dict[str, Any] | None = None


@model
class NotifiedUsage(DeliveredModel, Usage):
    """The usage of the current period, in a notification.

    Attributes:
        current_period_cost: US dollars.
        limit: US dollars.
        plan: Not sent by current servers.
        percent_used: 0 to 100, and above.
        is_exceeded: Whether the usage is above the limit.
    """

    percent_used: float | None = None
    is_exceeded: bool | None = None


@model
class WorkflowExecutionData(DeliveredModel):
    """The run that a :class:`WorkflowExecutionCompleted` reports.

    Attributes:
        execution_id: Id of the run. It stays the same when the delivery is repeated, while all other ids are new.
        status: ``success`` or ``error``.
        workflow_name: Name of the workflow at that time.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: ISO 8601.
        ended_at: ISO 8601.
        final_output: JSON data, if the subscription includes it. ``"finalOutput" in data`` is False if it was not sent.
        trace_spans: JSON data, if the subscription includes it.
        rate_limits: Rate limits of the account, if the subscription includes them.
        usage: Usage of the account, if the subscription includes it.
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
    final_output: Any = attrs.field(default=None, converter=with_references)
    trace_spans: list[Any] | None = attrs.field(default=None, converter=with_references)
    rate_limits: ExecutionRateLimits | None = None
    usage: NotifiedUsage | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the run succeeded."""
        return self.status == "success"

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the subscription does not include spans."""
        return find_trace(self._mapping())


@model
class WorkflowExecutionCompleted(DeliveredModel):
    """A run ended, with success or without: the event of Sim's workflow notifications.

    Attributes:
        id: Id of the delivery, new for each attempt; ``data.execution_id`` stays the same.
        type: ``workflow.execution.completed``.
        timestamp: Time of the attempt in milliseconds since 1970.
        links: ``links["log"]`` is a path of Sim's web pages; sent by the "test" button only.
    """

    id: str
    type: str
    timestamp: int
    data: WorkflowExecutionData
    links: dict[str, str] | None = None

    @property
    def is_test(self) -> bool:
        """Whether the "test" button sent the event, about a run that never took place."""
        return str(self.id).startswith("evt_test_")


@model
class DataDrainDelivery(DeliveredModel):
    """Rows that a data drain delivers: up to 1000 logs of runs, jobs, audits or chats.

    A row may be delivered again, also among others: recognise it by its ``id``.

    Attributes:
        rows: The rows as JSON data; their fields depend on the drain's source.
    """

    rows: list[dict[str, Any]] = attrs.field(converter=with_references)

    @property
    def type(self) -> None:
        """None: a data drain sends no type. The property lets code compare ``event.type`` of any event."""

    @property
    def is_probe(self) -> bool:
        """Whether the "test" button sent the delivery, which then has no row of a log."""
        return self.rows == [PROBE]


@model
class GenericEvent(DeliveredModel):
    """Any other delivery: the payload of a Webhook block, which its author defines, or an event of a later Sim.

    As a mapping it is the payload; it is empty if the payload is no object.

    Attributes:
        payload: The payload as JSON data; the bytes of the body if it is not JSON.
        problem: Reason why the delivery does not fit its type, or is no JSON; None if it fits.

    Example:
        >>> event = GenericEvent({"type": "order.paid", "order": 7})
        >>> event.type, event["order"]
        ('order.paid', 7)
    """

    payload: Any = attrs.field(default=None, converter=with_references, metadata={"wire": ()})
    problem: str | None = attrs.field(default=None, metadata={"wire": ()})

    @property
    def type(self) -> str | None:
        """The ``type`` of the payload; None if it has none that is text."""
        named = self._mapping().get("type")
        return named if isinstance(named, str) else None

    def _mapping(self) -> dict[str, Any]:
        return self.payload if isinstance(self.payload, dict) else {}
