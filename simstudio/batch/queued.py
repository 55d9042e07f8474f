"""``QueuedExecution``: executions of a service that queues each and is then polled, without claims."""

from __future__ import annotations

import time
from typing import Any, Generic

from simstudio.batch.execution import Limits, Mode, Models, Price, R, Receipt, Refusal
from simstudio.core.context import Context
from simstudio.core.resource import APIResource
from simstudio.transport.errors import RateLimitError, SimStudioError
from simstudio.transport.flow import Flow


class QueuedExecution(Generic[R]):
    """An :class:`~simstudio.batch.execution.Execution`; a subclass has ``begin``, ``settle`` and ``models``.

    An item that the service's limiter refused did not run and is sent again. An item that may have run is ``unknown``:
    the service offers no way to find a run without its id.

    Attributes:
        workflow_id: Id of the workflow.
    """

    mode: Mode = "async"
    api_version: str = ""
    cost: int = 1
    claims: bool = False
    has_prices: bool = False
    claims_advice: str = ""
    models: Models

    def __init__(self, context: Context, workflow_id: str) -> None:
        self.workflow_id = workflow_id
        self._context = context
        self._call_limit = context.session.call_limit

    def prepare(self) -> Flow[None]:
        """Make no request."""
        return
        yield  # makes it a generator, which every flow is

    def new_claim(self) -> str | None:
        """None, because these services have no claims."""
        return None

    def limits(self) -> Flow[Limits | None]:
        """Calls that are left of the documented limit, counted by this process; None if no limit is documented."""
        limit = self._call_limit
        if limit is None or limit.calls is None or limit.remaining is None:
            return None
        reset = limit.reset
        return Limits(limit.calls, limit.remaining, reset=None if reset is None else time.time() + reset)
        yield  # makes it a generator, which every flow is

    def reach(self) -> Flow[object]:
        """Ask for the base address: any answer, an error too, shows that the service is there."""
        return APIResource[Any](self._context, "")._generic("GET", "/")

    def price(self, run_id: str) -> Flow[Price | None]:  # noqa: ARG002
        """None: these services do not report costs."""
        return None
        yield  # a flow that sends no request

    def refusal(self, error: SimStudioError) -> Refusal | None:
        """The refusal, if the request that begins an execution was answered with 429."""
        return Refusal(error.retry_after) if isinstance(error, RateLimitError) else None


def receipt_or_raise(error: SimStudioError) -> Receipt:
    """The receipt of the run whose id an error has.

    Raises:
        SimStudioError: The error has no id, and is raised itself.
    """
    if error.task_id is None:
        raise error
    return Receipt(error.task_id)
