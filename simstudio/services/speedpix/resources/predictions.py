"""``client.predictions``: runs of workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.core.context import Context
from simstudio.core.conversion import structure
from simstudio.core.failures import run_beforehand
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_headers, check_interval, check_timeout
from simstudio.core.polling import TRANSIENT_ERRORS, Poller
from simstudio.services.speedpix.envelope import invalid, refuse
from simstudio.services.speedpix.errors import (
    SpeedPixException,
    SpeedPixRefusedError,
    UnsupportedOperationError,
)
from simstudio.services.speedpix.models import FINAL, SUCCEEDED, Outcome, Progress, Submission, data_of, task_id_of
from simstudio.services.speedpix.outputs import wrap_output
from simstudio.services.speedpix.prediction import Prediction, PredictionTimeoutError
from simstudio.services.speedpix.resource import SpeedPixResource
from simstudio.services.speedpix.resources.files import Files
from simstudio.services.speedpix.transfers import Transfers
from simstudio.services.speedpix.twins import asynchronous
from simstudio.transport.errors import InvalidInputError, SimStudioError

if TYPE_CHECKING:
    import os

    from simstudio.services.speedpix.envelope import Envelope
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

DEFAULT_RESOURCE = "default"
"""Id of the shared capacity."""


class Predictions(SpeedPixResource[M]):
    """Run workflows, and fetch their runs.

    Attributes:
        poller: Polls in waits.
    """

    def __init__(self, context: Context, name: str, files: Files[M], transfers: Transfers) -> None:
        super().__init__(context, name)
        self.poller = Poller(transient=(*TRANSIENT_ERRORS, SpeedPixRefusedError))
        self._files: Files[M] = files
        self._transfers = transfers

    @operation
    def create(
        self,
        workflow_id: str,
        input: Mapping[str, Any],
        version_id: str | None = None,
        alias_id: str | None = None,
        randomise_seeds: bool | None = None,  # noqa: FBT001 - the documented order
        return_temp_files: bool | None = None,  # noqa: FBT001
        resource_config_id: str | None = DEFAULT_RESOURCE,
        file_encoding_strategy: str | None = None,
        *,
        upload_paths: bool | None = None,
        upload_root: str | os.PathLike[str] | None = None,
    ) -> Flow[Prediction[M]]:
        """Submit a run of a workflow. A request that may have arrived is not sent again.

        Args:
            input: Input of the workflow. Its ``pathlib.Path`` objects, open files, and texts that name a media file
                below ``upload_root`` are uploaded first, however deep they are nested.
            version_id: Version of the workflow.
            alias_id: Alias of a version; by default ``main`` if there is no ``version_id``.
            randomise_seeds: Whether to draw new seeds.
            return_temp_files: Whether to return intermediate files as well.
            resource_config_id: Capacity to run on; an empty text sends none.
            file_encoding_strategy: ``url`` uploads files (the default), ``base64`` sends them within the input, up to
                1 MiB each.
            upload_paths: Whether to upload media files that texts name, in place of the client's setting.
            upload_root: Directory of such files, in place of the client's setting.

        Returns:
            The prediction; ``wait()`` waits for it.

        Raises:
            InvalidInputError: The input cannot be sent, or names a file outside ``upload_root``.
            SpeedPixAPIError: The service refused the submission.
            SpeedPixException: Any other failure. ``task_id`` is the prediction's id if the response had it.

        Example:
            >>> client.predictions.create("workflow-123", {"prompt": "a cat"}).id  # doctest: +SKIP
        """
        return (
            yield from self._begin(
                workflow_id,
                input,
                version_id=version_id,
                alias_id=alias_id,
                randomise_seeds=randomise_seeds,
                return_temp_files=return_temp_files,
                resource_config_id=resource_config_id,
                file_encoding_strategy=file_encoding_strategy,
                upload_paths=upload_paths,
                upload_root=upload_root,
            )
        )

    async_create = asynchronous(create)

    @operation
    def get(self, prediction_id: str | Prediction[Any]) -> Flow[Prediction[M]]:
        """Retrieve the state of a prediction, and its output once it has ended.

        Args:
            prediction_id: Id of the prediction, or an earlier state of it.

        Raises:
            SpeedPixAPIError: No prediction has this id, or the service refused the call.

        Example:
            >>> client.predictions.get("task-1").status  # doctest: +SKIP
        """
        found = self.handle(prediction_id)
        yield from self._reload(found, UNSET)
        return found

    async_get = asynchronous(get)

    def handle(self, prediction: str | Prediction[Any]) -> Prediction[M]:
        """Make a prediction for an id, to wait for it. Nothing is sent, so its state is unknown.

        Example:
            >>> client.predictions.handle("task-1").result(timeout=600)  # doctest: +SKIP
        """
        return Prediction(self, check_id(getattr(prediction, "id", prediction), "prediction_id"))

    @operation
    def list(self) -> Flow[Sequence[Prediction[M]]]:
        """Raise an error: the service's document names this call, but the service does not have it.

        Raises:
            UnsupportedOperationError: The service cannot list predictions. Keep the ids that ``create`` returns.
        """
        raise UnsupportedOperationError(
            "SpeedPix has no call that lists predictions, though its document names one. Keep the ids of those that "
            "you create, and ask for each with predictions.get(id). Nothing was sent."
        )
        yield  # a flow that sends no request

    @operation
    def cancel(self, prediction_id: str | Prediction[Any]) -> Flow[Prediction[M]]:
        """Raise an error: the service's own SDK has this method, but it sends nothing.

        Raises:
            UnsupportedOperationError: The service cannot cancel predictions. A submitted one goes on.
        """
        raise UnsupportedOperationError(
            f"SpeedPix has no call that cancels a prediction: {getattr(prediction_id, 'id', prediction_id)} goes on. "
            "You need not wait for it. Nothing was sent."
        )
        yield  # a flow that sends no request

    async_cancel = asynchronous(cancel)
    async_list = asynchronous(list)  # noqa: A003 - the documented name

    # -- flows of one prediction -----------------------------------------------------------------------------------

    def _begin(
        self,
        workflow_id: str,
        input: Mapping[str, Any],
        *,
        version_id: str | None,
        alias_id: str | None,
        randomise_seeds: bool | None,
        return_temp_files: bool | None,
        resource_config_id: str | None,
        file_encoding_strategy: str | None,
        upload_paths: bool | None,
        upload_root: str | os.PathLike[str] | None,
        max_retries: int | None = None,
        patience: float | None = 0.0,
    ) -> Flow[Prediction[M]]:
        """Submit a prediction.

        Args:
            patience: Seconds for which an upload or the submission is repeated while the limiter refuses it; None for a
                day.
        """
        for name, value in (("workflow_id", workflow_id), ("version_id", version_id), ("alias_id", alias_id)):
            check_id(value, name, optional=name != "workflow_id")
        if not isinstance(input, Mapping):
            raise InvalidInputError(f"input must be a mapping of the workflow's fields, not {type(input).__name__}.")
        headers = {"X-SP-RESOURCE-CONFIG-ID": resource_config_id} if resource_config_id else None
        sendable = check_headers(headers)
        preparation = self._files._prepare(
            input,
            strategy=file_encoding_strategy,
            upload_paths=upload_paths,
            upload_root=upload_root,
            patience=patience,
        )
        inputs = yield from run_beforehand(preparation)
        body = {
            "workflow_id": workflow_id,
            "version_id": version_id,
            "inputs": inputs,
            "alias_id": alias_id if alias_id is not None or version_id is not None else "main",
            "randomise_seeds": randomise_seeds,
            "return_temp_files": return_temp_files,
        }

        def submit() -> Flow[Prediction[M]]:
            response = yield from self._invoke(
                "/scc/comfy_prompt", body, resend="never", headers=sendable, max_retries=max_retries
            )
            return self._read_receipt(response, inputs)

        return (yield from self.poller.begin(submit, patience if self._context.options.max_retries else 0.0))

    def _read_receipt(self, response: Response, inputs: Any) -> Prediction[M]:
        task_id: str | None = None
        try:
            envelope = self._envelope(response)
            task_id = task_id_of(envelope.data) if isinstance(envelope.data, dict) else None
            if envelope.refused:
                refuse(envelope, response, "The workflow was not run")
            data = data_of(envelope.data, response, of="a prediction")
            if task_id is None:
                raise invalid(response, "it holds no taskId, so nothing is known of what it began")
            told = structure(data, Submission, response=response)
        except SpeedPixException as error:
            if task_id is not None:
                error.task_id, error.prediction = task_id, Prediction(self, task_id, inputs)
            raise
        prediction = Prediction(self, task_id, inputs)
        status = told.status if isinstance(told.status, str) and told.status else "waiting"
        prediction._see(status, estimate=told.estimated_duration)
        return prediction

    def _reload(self, prediction: Prediction[Any], timeout: float | Unset | None) -> Flow[None]:
        """Fetch the state of a prediction. It changes only when all responses have arrived."""
        asked = {"taskId": prediction.id}
        try:
            response = yield from self._invoke("/scc/comfy_get_progress", asked, resend="read", timeout=timeout)
            envelope = self._envelope(response)
            data = envelope.data
            if not isinstance(data, dict) and envelope.refused:
                refuse(envelope, response, f"The prediction {prediction.id} could not be asked for")
            progress = structure(data_of(data, response, of="progress"), Progress, response=response)
            status = progress.status if isinstance(progress.status, str) and progress.status else "running"
            if status not in FINAL:
                prediction._see(status, progress, invoke_id=envelope.invoke_id)
                return
            response = yield from self._invoke("/scc/comfy_get_result", asked, resend="read", timeout=timeout)
            self._conclude(prediction, status, progress, envelope, self._envelope(response), response)
        except SimStudioError as error:
            error.task_id = prediction.id
            if isinstance(error, SpeedPixException):
                error.prediction = prediction
            raise

    def _conclude(
        self,
        prediction: Prediction[Any],
        status: str,
        progress: Progress,
        told: Envelope,
        result: Envelope,
        response: Response,
    ) -> None:
        """Update a prediction that has ended from the responses with its progress and its result."""
        if result.throttled:
            refuse(result, response, f"The result of the prediction {prediction.id} could not be asked for")
        succeeded = status in SUCCEEDED and not result.refused
        data = data_of(result.data, response, of="a result") if succeeded else result.data
        outcome = structure(data, Outcome, response=response) if isinstance(data, dict) else Outcome()
        error = error_code = None
        if not succeeded:
            said = [result.message, told.message, progress.message, outcome.info]
            text = next((text for text in said if isinstance(text, str) and text), None)
            error = text or f"the service gave no reason (status {status!r})"
            error_code = result.code or told.code
            status = "failed" if status in SUCCEEDED else status
        prediction._see(status, progress, invoke_id=result.invoke_id)
        prediction.output = wrap_output(outcome.result, self._transfers)
        redact = self._context.session.credentials.redact
        prediction.error = None if error is None else redact(error)
        prediction.error_code = None if error_code is None else redact(error_code)

    def _await(
        self,
        prediction: Prediction[Any],
        *,
        timeout: float | None,
        on_progress: Callable[[Any], Any] | None,
        interval: float | None,
    ) -> Flow[None]:
        """Wait until a prediction has ended, successfully or not."""
        pause = check_waiting(timeout, on_progress, interval)
        poller = self.poller.with_interval(pause)
        if prediction.done:
            return

        def ask(seconds: float | Unset) -> Flow[Prediction[Any]]:
            yield from self._reload(prediction, seconds)
            return prediction

        def make_error(_: object) -> SimStudioError:
            error = PredictionTimeoutError(
                f"The prediction {prediction.id} was not done within {timeout:g} s (last seen {prediction.status!r}). "
                "It goes on: wait again with error.prediction.wait(), or give a longer timeout."
            )
            error.prediction, error.task_id = prediction, prediction.id
            return error

        try:
            yield from poller.wait(
                ask,
                done=lambda seen: seen.done,
                expired=make_error,
                timeout=timeout,
                client_timeout=self._context.options.timeout,
                on_progress=on_progress,
                estimate=lambda seen: seen._estimate,
                subject=f"The prediction {prediction.id}",
                again=f"client.predictions.get({prediction.id!r}).wait()",
            )
        except SimStudioError as error:
            error.task_id = prediction.id
            raise


def check_waiting(timeout: object, on_progress: object, interval: object) -> float | None:
    """Check the options of a wait, and return the pause between polls.

    Raises:
        InvalidInputError: An option cannot be used; the message names it.
    """
    check_timeout(timeout)
    if on_progress is not None and not callable(on_progress):
        raise InvalidInputError(f"on_progress must be a function of the prediction, not {on_progress!r}.")
    return check_interval(interval)


def check_id(value: Any, name: str, *, optional: bool = False) -> str:
    """Check an id, and return it.

    Raises:
        InvalidInputError: The value is no text, or empty.
    """
    if (optional and value is None) or (isinstance(value, str) and value.strip()):
        return value or ""
    what = "is empty" if isinstance(value, str) else f"must be a str, not {type(value).__name__}"
    raise InvalidInputError(f"{name} {what}: pass the id that SpeedPix shows.")
