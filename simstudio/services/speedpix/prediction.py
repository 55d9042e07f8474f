"""``Prediction``: one run of a workflow, and its errors."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simstudio.core.context import Context
from simstudio.core.errors import JobCancelledError, JobFailedError, JobTimeoutError
from simstudio.core.modes import M, Sync
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Options
from simstudio.core.resource import APIResource
from simstudio.core.runs import SubmittedRun
from simstudio.services.speedpix.errors import SpeedPixException
from simstudio.services.speedpix.models import CANCELED, FINAL, SUCCEEDED, Progress
from simstudio.services.speedpix.options import one_interval
from simstudio.services.speedpix.twins import Detached, asynchronous

if TYPE_CHECKING:
    from simstudio.services.speedpix.resources.predictions import Predictions
    from simstudio.transport.flow import Flow


class Prediction(SubmittedRun[M, "Prediction[Any]", Any]):
    """A run of a workflow. ``reload()``, ``wait()`` and ``result()`` update it.

    On an async client they are awaited; ``async_reload``, ``async_wait`` and ``async_result`` are awaited on both.
    Attributes that the service has not sent are None.

    Attributes:
        id: Id at the service.
        input: Input as it was sent; None if this client did not submit it.
        output: Output of the workflow once it has succeeded: plain data in which each URL is a
            :class:`~simstudio.services.speedpix.FileOutput`.
        error: Message of the service once it has failed.
        error_code: Code of the service once it has failed.
        invoke_id: Id of the last call about it at the service.
        progress: From 0 to 1.
        eta: Seconds left, as the service estimates.
        message: Remark of the service.
        status: State as last fetched; see :class:`PredictionStatus` for the known ones.
        done: Whether it had ended when it was last fetched.

    A pickled prediction is only a record: it holds no client and no key.
    """

    def __init__(self, predictions: Predictions[M] | None, prediction_id: str, input: Any = None) -> None:
        self._predictions: Predictions[M] | None = predictions
        context = predictions._context if predictions is not None else _make_context(prediction_id)
        APIResource.__init__(self, context, "predictions")
        self.id = prediction_id
        self.input = input
        self.output: Any = None
        self.error: str | None = None
        self.error_code: str | None = None
        self.invoke_id: str | None = None
        self.progress: float | None = None
        self.eta: float | None = None
        self.message: str | None = None
        self._status = "unknown"
        self._estimate: float | None = None

    @property
    def state(self) -> Prediction[Any] | None:
        """The prediction itself, which is its own state."""
        return self

    @state.setter
    def state(self, value: Prediction[Any] | None) -> None:
        """Ignore the value: a fetch has updated the prediction itself."""

    @property
    def succeeded(self) -> bool:
        """Whether it had succeeded when it was last fetched."""
        return self._status in SUCCEEDED

    @operation
    def reload(self) -> Flow[Prediction[M]]:
        """Fetch the state, and the output once it has ended.

        Returns:
            This prediction.

        Raises:
            SpeedPixAPIError: The service refused the call. The prediction is unchanged.
            SpeedPixException: Any other failure (``error.task_id``).

        Example:
            >>> prediction.reload().status  # doctest: +SKIP
        """
        return (yield from self._fetch_state())

    refresh = reload

    @operation
    def wait(  # pyright: ignore[reportIncompatibleVariableOverride] - the documented argument comes first
        self,
        polling_interval: float | None = None,
        *,
        timeout: float | None = 3600.0,
        on_progress: Callable[[Prediction[M]], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[Prediction[M]]:
        """Wait until it has ended.

        It polls at once, then after growing pauses (0.5 s to 10 s, fewer polls if the service estimates a long
        duration), and tolerates up to five failed polls in a row.

        Args:
            polling_interval: The same as ``poll_interval``, as the service's own package calls it.
            timeout: Seconds to wait. None waits for ever, unless all calls are refused (429) for a day.
            on_progress: Called with this prediction at each poll; may be async if the wait is awaited. An exception of
                it ends the wait.
            poll_interval: Seconds between polls, in place of growing pauses.

        Returns:
            This prediction, which has succeeded.

        Raises:
            PredictionError: The prediction failed (``error.prediction``).
            PredictionCanceledError: The prediction was canceled.
            PredictionTimeoutError: The prediction was not done in time; it goes on at the server.
            SpeedPixException: The polls failed (``error.task_id``).

        Example:
            >>> prediction.wait(timeout=600).output  # doctest: +SKIP
        """
        return (yield from self._await(timeout, on_progress, one_interval(polling_interval, poll_interval)))

    @operation
    def result(self, *, timeout: float | None = 3600.0) -> Flow[Any]:
        """Return the output. If the prediction has not ended, wait for it.

        Args:
            timeout: Seconds to wait; None waits for ever.

        Raises:
            PredictionError: The prediction failed.
            PredictionTimeoutError: The prediction was not done in time.
            SpeedPixException: The polls failed.

        Example:
            >>> prediction.result()["images"]["url"].save("out.png")  # doctest: +SKIP
        """
        yield from self._await(timeout, None, None)
        return self.output

    async_reload = asynchronous(reload)
    async_refresh = asynchronous(reload)
    async_wait = asynchronous(wait)
    async_result = asynchronous(result)

    @property
    def _client(self) -> Predictions[M]:
        assert self._predictions is not None  # noqa: S101 - a detached one's session refuses before
        return self._predictions

    def _status_of(self, state: Prediction[Any]) -> str:
        return state._status

    def _is_done(self, state: Prediction[Any]) -> bool:
        return state._status in FINAL

    def _fetch_state(self) -> Flow[Prediction[M]]:
        yield from self._client._reload(self, UNSET)
        return self

    def _await(
        self, timeout: float | None, on_progress: Callable[[Any], Any] | None, poll_interval: float | None
    ) -> Flow[Prediction[M]]:
        yield from self._client._await(self, timeout=timeout, on_progress=on_progress, interval=poll_interval)
        if not self.succeeded:
            raise self._failure()
        return self

    def _result(self, state: Prediction[Any]) -> Flow[Any]:
        return state.output
        yield  # a flow that sends no request

    def _failure(self) -> PredictionError:
        canceled = self._status in CANCELED
        kind = PredictionCanceledError if canceled else PredictionError
        what = "was canceled" if canceled else "failed"
        code = f" ({self.error_code})" if self.error_code else ""
        error = kind(f"The prediction {self.id} {what}: {self.error}{code}.", server_code=self.error_code)
        error.task_id, error.prediction = self.id, self
        error.error_code, error.invoke_id = self.error_code, self.invoke_id
        return error

    def _see(
        self,
        status: str,
        progress: Progress | None = None,
        *,
        invoke_id: str | None = None,
        estimate: float | None = None,
    ) -> None:
        """Update the state from a response."""
        self._status = status
        if invoke_id is not None:
            self.invoke_id = invoke_id
        if progress is not None:
            self.progress, self.eta, self.message = progress.progress, progress.eta, progress.message
        if isinstance(estimate, (int, float)):
            self._estimate = estimate

    def __reduce__(self) -> tuple[Any, ...]:
        kept = {name: value for name, value in vars(self).items() if name not in ("_predictions", "_context", "_name")}
        return _restored, (self.id, kept)

    def __repr__(self) -> str:
        code = f", error_code={self.error_code!r}" if self.error_code else ""
        return f"Prediction(id={self.id!r}, status={self._status!r}{code})"


def _restored(prediction_id: str, kept: dict[str, Any]) -> Prediction[Any]:
    made: Prediction[Any] = Prediction(None, prediction_id)
    vars(made).update(kept)
    return made


def _make_context(prediction_id: str) -> Context:
    advice = (
        f"This record of the prediction {prediction_id} has no client, because it was pickled. "
        "Ask for it with client.predictions.get(prediction.id)."
    )
    session: Any = Detached(advice)
    return Context(session, Options(), Sync, lambda _: _restored(prediction_id, {}))


class PredictionError(SpeedPixException, JobFailedError):
    """The workflow ran and failed: ``prediction.error``, ``prediction.error_code``."""

    prediction: Prediction[Any]  # pyright: ignore[reportIncompatibleVariableOverride] - here there always is one


class PredictionCanceledError(PredictionError, JobCancelledError):
    """The prediction was canceled."""


class PredictionTimeoutError(SpeedPixException, JobTimeoutError, builtins.TimeoutError):
    """A prediction was not done in time. It goes on at the server; ``prediction.wait()`` waits for it again."""

    prediction: Prediction[Any]  # pyright: ignore[reportIncompatibleVariableOverride] - here there always is one
