"""Executions of VectorVein's workflows for the engine of batches: :class:`WorkflowExecution`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import attrs

from simstudio.batch.execution import Hear, Receipt
from simstudio.batch.queued import QueuedExecution, receipt_or_raise
from simstudio.core.context import Context
from simstudio.services.vectorvein.errors import VectorVeinAPIError
from simstudio.services.vectorvein.models.workflows import WorkflowRunResult
from simstudio.services.vectorvein.resource import identifier, invalid
from simstudio.transport.errors import InvalidResponseError
from simstudio.transport.flow import Flow


@attrs.frozen
class WorkflowOptions:
    """Options of the run of a workflow for each input. Its fields are those of ``client.workflows.map``."""

    wid: str
    output_scope: str
    api_key_type: str
    timeout: float | None

    def check(self) -> None:
        """Check the arguments of a batch.

        Raises:
            InvalidInputError: An option cannot be used; the message names it.
        """
        identifier(self.wid, "wid")
        if not isinstance(self.output_scope, str) or not self.output_scope:
            raise invalid(f'output_scope must be "output_fields_only" or "all", not {self.output_scope!r}.')
        if self.api_key_type not in ("WORKFLOW", "VAPP"):
            raise invalid(f'api_key_type must be "WORKFLOW" or "VAPP", not {self.api_key_type!r}.')


class WorkflowExecution(QueuedExecution[WorkflowRunResult]):
    """Runs of one workflow: an :class:`~simstudio.batch.execution.Execution`.

    Args:
        kind: Class of ``client.workflows``, whose flows it uses.
    """

    models = {"result": WorkflowRunResult, "job": WorkflowRunResult, "error": VectorVeinAPIError}  # noqa: RUF012 - declared in the base

    def __init__(
        self,
        options: WorkflowOptions,
        kind: Callable[[Context, str], Any],
        context: Context,
        on_hint: Hear | None = None,
    ) -> None:
        del on_hint  # no response states the limit
        super().__init__(context, options.wid)
        self._options = options
        self._workflows = kind(context, "workflows")

    def begin(self, value: Any, claim: str | None) -> Flow[WorkflowRunResult | Receipt]:
        """Begin a run; its outputs, where the server gives them at once."""
        del claim
        return cast("Flow[WorkflowRunResult | Receipt]", self._workflows._redact_errors(self._begin(value)))

    def settle(self, receipt: Receipt) -> Flow[WorkflowRunResult]:
        """Wait for a run."""
        wid = self._options.wid if self._options.api_key_type == "VAPP" else None
        run = self._workflows._reference(receipt.task_id, wid, self._options.api_key_type)
        flow: Flow[WorkflowRunResult] = self._workflows._wait(run, self._options.timeout, None, None)
        return cast("Flow[WorkflowRunResult]", self._workflows._redact_errors(flow))

    def _begin(self, value: Any) -> Flow[WorkflowRunResult | Receipt]:
        options = self._options
        try:
            run, state = yield from self._workflows._start(
                options.wid, value, options.output_scope, options.api_key_type, needs_rid=False, max_retries=0
            )
        except InvalidResponseError as error:
            return receipt_or_raise(error)
        if state is None:
            return Receipt(run.rid, run.rid)
        return cast("WorkflowRunResult", self._workflows._raise_if_failed(run, state))
