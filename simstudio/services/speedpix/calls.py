"""Methods of the client itself: ``run``, ``async_run``, and raw calls of the service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.client import BaseClient
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, check_headers
from simstudio.core.resource import namespace
from simstudio.services.speedpix.options import one_interval, unwrap
from simstudio.services.speedpix.resource import Policy, SpeedPixSession
from simstudio.services.speedpix.resources.files import Files
from simstudio.services.speedpix.resources.prediction_batches import PredictionBatches
from simstudio.services.speedpix.resources.predictions import DEFAULT_RESOURCE, Predictions, check_waiting
from simstudio.services.speedpix.transfers import Transfers
from simstudio.services.speedpix.twins import asynchronous
from simstudio.transport.endpoint import check_path
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.message import Response

if TYPE_CHECKING:
    import os

    from simstudio.services.speedpix.prediction import Prediction
    from simstudio.transport.flow import Flow

_UNSIGNABLE = re.compile(r"%(?![0-9A-Fa-f]{2})|(?:^|/)\.{1,2}(?:/|$)")


class SpeedPixCalls(PredictionBatches[M], BaseClient[M]):
    """Base of the clients: their namespaces and methods."""

    @namespace
    def predictions(self) -> Predictions[M]:
        """Predictions: run workflows, and wait for their runs."""
        return Predictions(self._context, "predictions", self.files, self._transfers)

    @namespace
    def files(self) -> Files[M]:
        """Files: upload them for inputs."""
        return Files(self._context, "files", self._policy, self._transfers)

    @namespace
    def _transfers(self) -> Transfers:
        return Transfers(self._context, insecure=self._policy.allow_insecure_urls)

    @property
    def _policy(self) -> Policy:
        session = self._context.session
        assert isinstance(session, SpeedPixSession)  # noqa: S101 - the constructor made it
        return session.policy

    @operation
    def run(
        self,
        workflow_id: str,
        input: Mapping[str, Any],
        *,
        wait: bool = True,
        version_id: str | None = None,
        alias_id: str | None = None,
        randomise_seeds: bool | None = None,
        return_temp_files: bool | None = None,
        resource_config_id: str | None = DEFAULT_RESOURCE,
        polling_interval: float | None = None,
        file_encoding_strategy: str | None = None,
        timeout: float | None = 3600.0,
        on_progress: Callable[[Prediction[M]], Any] | None = None,
        poll_interval: float | None = None,
        upload_paths: bool | None = None,
        upload_root: str | os.PathLike[str] | None = None,
    ) -> Flow[Any]:
        """Run a workflow and wait for its output.

        Args:
            input: Input of the workflow; files in it are uploaded, see :meth:`predictions.create`. The form ``{"input":
                {…}, "alias_id": …}``, which the service's document also shows, is read as options, with a
                DeprecationWarning, if it holds only names of options and ``input`` is a dict.
            wait: False returns the prediction at once.
            version_id: Version of the workflow.
            alias_id: Alias of a version; by default ``main`` if there is no ``version_id``.
            randomise_seeds: Whether to draw new seeds.
            return_temp_files: Whether to return intermediate files as well.
            resource_config_id: Capacity to run on; an empty text sends none.
            polling_interval: The same as ``poll_interval``, as the service's own package calls it.
            file_encoding_strategy: ``url`` or ``base64``; see :meth:`predictions.create`.
            timeout: Seconds to wait. None waits for ever, unless all calls are refused (429) for a day.
            on_progress: Called with the prediction at each poll.
            poll_interval: Seconds between polls, in place of growing pauses (0.5 s to 10 s).
            upload_paths: Whether to upload media files that texts name, in place of the client's setting.
            upload_root: Directory of such files, in place of the client's setting.

        Returns:
            The output of the workflow: plain data in which each URL is a
            :class:`~simstudio.services.speedpix.FileOutput`. With ``wait=False`` the prediction.

        Raises:
            PredictionError: The workflow failed (``error.prediction``).
            PredictionTimeoutError: The prediction was not done in time; it goes on at the server.
            SpeedPixAPIError: The service refused a call.
            InvalidInputError: The input cannot be sent.
            SpeedPixException: Any other failure; ``error.task_id`` is the prediction's id once there is one.

        Example:
            >>> client.run("workflow-123", {"prompt": "a cat"})["images"]["url"].save("cat.png")  # doctest: +SKIP
        """
        options = unwrap(
            input,
            wait=wait,
            version_id=version_id,
            alias_id=alias_id,
            randomise_seeds=randomise_seeds,
            return_temp_files=return_temp_files,
            resource_config_id=resource_config_id,
            polling_interval=polling_interval,
            poll_interval=poll_interval,
            file_encoding_strategy=file_encoding_strategy,
            timeout=timeout,
            on_progress=on_progress,
            upload_paths=upload_paths,
            upload_root=upload_root,
        )
        waits = options.pop("wait")
        interval = one_interval(options.pop("polling_interval"), options.pop("poll_interval"))
        waiting = (options.pop("timeout"), options.pop("on_progress"), interval)
        check_waiting(*waiting)  # before anything is sent
        patience = waiting[0] if waits else 0.0
        prediction = yield from self.predictions._begin(workflow_id, options.pop("input"), patience=patience, **options)
        if not waits:
            return prediction
        yield from prediction._await(*waiting)
        return prediction.output

    async_run = asynchronous(run)

    @operation
    def post(self, path: str, json: Any = UNSET, headers: Mapping[str, str] | None = None) -> Flow[Response]:
        """Call any endpoint, signed.

        Args:
            path: Path such as ``/scc/…``; may hold a query. It is signed unchanged.
            headers: Headers to add to the client's.

        Returns:
            The response, also if its envelope reports an error: ``.status``, ``.headers``, ``.json()``.

        Raises:
            SpeedPixStatusError: The response has an HTTP error status.

        Example:
            >>> client.post("/scc/comfy_get_progress", {"taskId": "task-1"}).json()  # doctest: +SKIP
        """
        return (yield from self._call(self._raw_request("POST", path, json=json, headers=check_headers(headers))))

    async_post = asynchronous(post)

    @operation
    def invoke(
        self, path: str, json_data: Any = UNSET, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> Flow[Response]:
        """Call any endpoint, signed, under the service's own name for it; see :meth:`post`.

        Args:
            path: Path such as ``/scc/…``; may hold a query. It is signed unchanged.
            json_data: JSON data of the body.
            method: HTTP verb. The service's endpoints take POST.
            headers: Headers to add to the client's.

        Example:
            >>> client.invoke("/scc/comfy_get_progress", {"taskId": "task-1"}).json()  # doctest: +SKIP
        """
        request = self._raw_request(method, path, json=json_data, headers=check_headers(headers))
        return (yield from self._call(request))

    async_invoke = asynchronous(invoke)

    def _generic(self, method: str, path: str, **options: Any) -> Flow[Any]:
        _check_signable(path)
        return super()._generic(method, path, **options)

    def _raw_request(self, method: str, path: str, **options: Any) -> Any:
        _check_signable(path)
        return self._request(method, check_path(path), **options)


def _check_signable(path: object) -> None:
    if isinstance(path, str) and _UNSIGNABLE.search(path.partition("?")[0]):
        raise InvalidInputError(
            f"path {path[:80]!r} would not be sent as it is signed: write it without dot segments, and % as %25."
        )
