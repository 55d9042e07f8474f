"""``TaskExecution``: tasks of Oomol for the batch engine."""

from __future__ import annotations

from typing import Any

from simstudio.batch.execution import Hear, Receipt
from simstudio.batch.queued import QueuedExecution, receipt_or_raise
from simstudio.core.context import Context
from simstudio.services.oomol.errors import OomolConnectError
from simstudio.services.oomol.models import RunResult, Task
from simstudio.services.oomol.options import polling
from simstudio.services.oomol.resources.task_flows import TaskFlows
from simstudio.transport.errors import InvalidResponseError
from simstudio.transport.flow import Flow


class TaskExecution(QueuedExecution[RunResult]):
    """Tasks of one block: an :class:`~simstudio.batch.execution.Execution`.

    Args:
        block_id: ``package::block``.
        timeout: Seconds to wait for each task; None waits for ever.
        context: Context of the client.
        on_hint: Not called: no response reports the limit.
    """

    models = {"result": RunResult, "job": Task, "error": OomolConnectError}  # noqa: RUF012 - declared in the base

    def __init__(self, block_id: str, timeout: float | None, context: Context, on_hint: Hear | None = None) -> None:
        del on_hint
        super().__init__(context, block_id)
        # A short first pause: the interval of the documented options, 2 s, is long for a batch of small tasks.
        self._polling = polling(None, interval_ms=500, timeout=timeout)
        self._tasks: TaskFlows[Any] = TaskFlows(context, "tasks")

    def begin(self, value: Any, claim: str | None) -> Flow[Receipt]:
        """Create a task."""
        del claim
        return self._tasks._redact_errors(self._create(value))

    def settle(self, receipt: Receipt) -> Flow[RunResult]:
        """Wait for a task, and take its result."""
        return self._tasks._redact_errors(self._tasks._finish(receipt.task_id, self._polling))

    def _create(self, value: Any) -> Flow[Receipt]:
        try:
            created = yield from self._tasks._create({"blockId": self.workflow_id, "inputValues": value}, max_retries=0)
        except InvalidResponseError as error:
            return receipt_or_raise(error)
        return Receipt(created.task.id, created.task.id)
