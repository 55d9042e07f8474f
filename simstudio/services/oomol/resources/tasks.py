"""``client.tasks``: run blocks and flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.oomol.inputs import InputValues
from simstudio.services.oomol.models import CreatedTask, RunResult, StopReply, Task, TaskList
from simstudio.services.oomol.options import PollingOptions, polling
from simstudio.services.oomol.requests import id_of
from simstudio.services.oomol.resources.task_batches import TaskBatches
from simstudio.services.oomol.resources.task_flows import Logs, TaskHandle
from simstudio.services.oomol.waiting import LogReader
from simstudio.transport.endpoint import segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from simstudio.transport.flow import Flow


class Tasks(TaskBatches[M]):
    """Run blocks and flows: create a task, wait for it, take its result."""

    @operation
    def list(self) -> Flow[TaskList]:
        """List all tasks.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> [task.status for task in client.tasks.list().tasks]  # doctest: +SKIP
        """
        response = yield from self._get("/v1/tasks")
        return self._model(self._data(response), TaskList, response)

    @operation
    def create(self, request: Mapping[str, Any]) -> Flow[CreatedTask]:
        """Start a task. A request that may have arrived is not sent again.

        Args:
            request: ``{"blockId": "package::block", "inputValues": …}``, or ``manifest`` in place of ``blockId`` (older
                servers, flows). A server that asks for the other name gets it. Inputs are values by handle, a list of
                ``{"handle", "value"}`` or a list of ``{"nodeId", "inputs"}``. Further keys are sent unchanged.

        Returns:
            The receipt: ``created.task``, ``created.id``.

        Raises:
            InvalidInputError: The request cannot be sent.
            ApiError: The server refused the request, or sent no usable answer (``error.task_id`` if it had the id).

        Example:
            >>> client.tasks.create({"blockId": "audio-lab::text-to-audio", "inputValues": {"text": "hi"}}).id
            ... # doctest: +SKIP
        """
        return (yield from self._create(request))

    @operation
    def create_with_files(
        self,
        block_id: str | None = None,
        input_values: InputValues | None = None,
        files: object = None,
        *,
        manifest: str | None = None,
    ) -> Flow[CreatedTask]:
        """Start a task with files.

        Args:
            block_id: ``package::block``.
            input_values: Inputs, as in :meth:`create`.
            files: One file or a list of files: a file opened in binary mode, a ``pathlib.Path``, bytes, a
                :class:`simstudio.File`, a file that a web framework received (Starlette's ``UploadFile``, Werkzeug's
                ``FileStorage`` …), or a tuple ``(name, content)`` or ``(name, content, media type)``. A str is refused.
            manifest: The same as ``block_id``, sent as ``manifest``.

        Returns:
            The receipt: ``created.task``, ``created.id``.

        Raises:
            InvalidInputError: An argument cannot be sent.
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> client.tasks.create_with_files("pkg::resize", {"width": 64}, Path("cat.png")).id  # doctest: +SKIP
        """
        return (yield from self._create_with_files(block_id, input_values, files, manifest))

    @operation
    def get(self, task_id: str | Task | CreatedTask) -> Flow[Task]:
        """Retrieve the state of one task.

        Args:
            task_id: Id of the task, an earlier state of it, or its receipt.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> client.tasks.get("t-1").status  # doctest: +SKIP
            'completed'
        """
        return (yield from self._fetch(id_of(task_id)))

    @operation
    def stop(self, task_id: str | Task | CreatedTask) -> Flow[StopReply]:
        """Ask the server to stop a task.

        Args:
            task_id: Id of the task, an earlier state of it, or its receipt.

        Returns:
            The server's answer; ``task`` is None if it does not show the task.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> client.tasks.stop("t-1")  # doctest: +SKIP
        """
        response = yield from self._post(f"/v1/tasks/{segment(id_of(task_id), 'task_id')}/stop")
        data = self._data(response) if response.content.strip() else {}
        if isinstance(data, Mapping) and "task" not in data and "status" in data and "id" in data:
            data = {"task": data}
        return self._model(data, StopReply, response)

    @operation
    def get_logs(self, task_id: str | Task | CreatedTask) -> Flow[Logs]:
        """Retrieve the whole log of a task.

        Args:
            task_id: Id of the task, an earlier state of it, or its receipt.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> [log.type for log in client.tasks.get_logs("t-1")]  # doctest: +SKIP
        """
        return (yield from self._logs(id_of(task_id)))

    @operation
    def wait_for_completion(
        self,
        task_id: str | Task | CreatedTask,
        options: Mapping[str, Any] | None = None,
        **keywords: Unpack[PollingOptions],
    ) -> Flow[Task]:
        """Wait until a task has completed.

        Args:
            task_id: Id of the task, an earlier state of it, or its receipt.
            options: Options as a dict, see :class:`PollingOptions`.
            **keywords: The same as keywords; they win.

        Raises:
            TaskFailedError: The task failed.
            TaskStoppedError: The task was stopped.
            TimeoutError: The task was not done in time; it goes on at the server.
            ApiError: The polls failed (``error.task_id``).

        Example:
            >>> client.tasks.wait_for_completion("t-1", {"timeout_ms": 60_000}).status  # doctest: +SKIP
            'completed'
        """
        chosen = polling(options, **keywords)
        return (yield from self._wait(id_of(task_id), chosen, LogReader()))

    @operation
    def create_and_wait(
        self,
        /,
        request: Mapping[str, Any],
        polling_options: Mapping[str, Any] | None = None,
        **options: Unpack[PollingOptions],
    ) -> Flow[Task]:
        """Start a task and wait until it has completed.

        Args:
            request: Block and inputs, as in :meth:`create`.
            polling_options: Options of the wait as a dict, see :class:`PollingOptions`.
            **options: The same as keywords; they win.

        Raises:
            TaskFailedError: The task failed.
            TaskStoppedError: The task was stopped.
            TimeoutError: The task was not done in time; it goes on at the server.
            ApiError: The server refused a request, or sent no answer (``error.task_id`` if the task was created).

        Example:
            >>> client.tasks.create_and_wait({"blockId": "pkg::block"}, timeout_ms=60_000).status  # doctest: +SKIP
        """
        chosen = polling(polling_options, **options)
        created = yield from self._begin_run(lambda: self._create(request), chosen)
        return (yield from self._wait(created.id, chosen, LogReader()))

    @operation
    def run(
        self,
        /,
        request: Mapping[str, Any],
        polling_options: Mapping[str, Any] | None = None,
        **options: Unpack[PollingOptions],
    ) -> Flow[RunResult]:
        """Start a task, wait until it has completed, and take its result.

        Args:
            request: Block and inputs, as in :meth:`create`.
            polling_options: Options of the wait as a dict, see :class:`PollingOptions`.
            **options: The same as keywords; they win.

        Returns:
            ``result["task_id"]``, ``result["task"]``, ``result["logs"]``, ``result["result"]``; also as attributes.

        Raises:
            TaskFailedError: The task failed (``error.reason``, ``error.logs``).
            TaskStoppedError: The task was stopped.
            TimeoutError: The task was not done in time; it goes on at the server.
            ApiError: The server refused a request, or sent no answer (``error.task_id`` if the task was created).

        Example:
            >>> client.tasks.run({"blockId": "pkg::block", "inputValues": {"text": "hi"}}).result  # doctest: +SKIP
        """
        chosen = polling(polling_options, **options)
        created = yield from self._begin_run(lambda: self._create(request), chosen)
        return (yield from self._finish(created.id, chosen))

    @operation
    def run_with_files(
        self,
        /,
        block_id: str | None = None,
        input_values: InputValues | None = None,
        files: object = None,
        polling_options: Mapping[str, Any] | None = None,
        *,
        manifest: str | None = None,
        **options: Unpack[PollingOptions],
    ) -> Flow[RunResult]:
        """Start a task with files, wait until it has completed, and take its result.

        Args:
            block_id: ``package::block``.
            input_values: Inputs, as in :meth:`create`.
            files: Files, as in :meth:`create_with_files`.
            polling_options: Options of the wait as a dict, see :class:`PollingOptions`.
            manifest: The same as ``block_id``, sent as ``manifest``.
            **options: The polling options as keywords; they win.

        Returns:
            The same as :meth:`run`.

        Raises:
            OomolConnectError: The same as :meth:`run`.

        Example:
            >>> with open("test.txt", "rb") as f:  # doctest: +SKIP
            ...     client.tasks.run_with_files("pkg::file-processor", {"input1": "value"}, f).result
        """
        chosen = polling(polling_options, **options)
        created = yield from self._create_with_files(block_id, input_values, files, manifest, chosen)
        return (yield from self._finish(created.id, chosen))

    def handle(self, task: str | Task | CreatedTask) -> TaskHandle[M]:
        """A handle of one task, of the kind that every service's client gives.

        Nothing is sent. ``handle.refresh()``, ``handle.wait()`` and ``handle.result()`` are awaited on an async client.

        Example:
            >>> client.tasks.handle("t-1").result(timeout=60).result  # doctest: +SKIP
        """
        state = task.task if isinstance(task, CreatedTask) else task if isinstance(task, Task) else None
        return TaskHandle(self, id_of(task), state)
