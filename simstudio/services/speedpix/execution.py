"""``PredictionExecution``: predictions of SpeedPix for the batch engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simstudio.batch.execution import Hear, Receipt
from simstudio.batch.queued import QueuedExecution, receipt_or_raise
from simstudio.core.context import Context
from simstudio.core.conversion import structure
from simstudio.services.speedpix.errors import SpeedPixException
from simstudio.services.speedpix.models import PredictionResult
from simstudio.services.speedpix.outputs import plain_output
from simstudio.services.speedpix.resource import SpeedPixSession
from simstudio.services.speedpix.resources.files import Files
from simstudio.services.speedpix.resources.predictions import Predictions
from simstudio.services.speedpix.transfers import Transfers
from simstudio.transport.errors import InvalidResponseError
from simstudio.transport.flow import Flow


class PredictionExecution(QueuedExecution[PredictionResult]):
    """Predictions of one workflow: an :class:`~simstudio.batch.execution.Execution`.

    Args:
        submission: Arguments of a submission beside its input.
        timeout: Seconds to wait for each prediction; None waits for ever.
        context: Context of the client.
        on_hint: Not called: no response reports the limit.
    """

    models = {"result": PredictionResult, "error": SpeedPixException}  # noqa: RUF012 - declared in the base

    def __init__(
        self,
        workflow_id: str,
        submission: Mapping[str, Any],
        timeout: float | None,
        context: Context,
        on_hint: Hear | None = None,
    ) -> None:
        del on_hint
        super().__init__(context, workflow_id)
        self._submission = submission
        self._timeout = timeout
        session = context.session
        assert isinstance(session, SpeedPixSession)  # noqa: S101 - the client made it
        transfers = Transfers(context, insecure=session.policy.allow_insecure_urls)
        files: Files[Any] = Files(context, "files", session.policy, transfers)
        self._predictions: Predictions[Any] = Predictions(context, "predictions", files, transfers)

    def begin(self, value: Any, claim: str | None) -> Flow[Receipt]:
        """Submit a prediction, after its files were uploaded."""
        del claim
        return self._predictions._redact_errors(self._submit(value))

    def settle(self, receipt: Receipt) -> Flow[PredictionResult]:
        """Wait for a prediction, and take its output."""
        return self._predictions._redact_errors(self._wait(receipt.task_id))

    def _submit(self, value: Any) -> Flow[Receipt]:
        try:
            made = yield from self._predictions._begin(self.workflow_id, value, max_retries=0, **self._submission)
        except InvalidResponseError as error:
            return receipt_or_raise(error)
        return Receipt(made.id, made.id)

    def _wait(self, prediction_id: str) -> Flow[PredictionResult]:
        made = self._predictions.handle(prediction_id)
        yield from made._await(self._timeout, None, None)
        output = plain_output(made.output)
        return structure({"id": made.id, "status": made.status, "output": output}, PredictionResult)
