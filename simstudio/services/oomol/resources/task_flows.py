"""Flows of tasks: create, fetch, wait, take the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from simstudio.core.conversion import structure
from simstudio.core.modes import M
from simstudio.core.multipart import Part, encode_multipart, file_part, read_once
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import describe_unsendable
from simstudio.core.runs import SubmittedRun
from simstudio.services.oomol.errors import (
    ApiStatusError,
    TaskStoppedError,
    TimeoutError,  # noqa: A004 - the documented name
)
from simstudio.services.oomol.inputs import InputValues
from simstudio.services.oomol.models import CreatedTask, RunResult, Task, TaskLog, result_of
from simstudio.services.oomol.options import Polling, polling
from simstudio.services.oomol.requests import BlockField, file_list, request_body, task_in, with_block_in
from simstudio.services.oomol.resource import OomolResource
from simstudio.services.oomol.waiting import LogReader, call_back, describe_last, identify, make_failure
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidInputError, SimStudioError
from simstudio.transport.flow import Blocking

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

Logs: TypeAlias = list[TaskLog]  # a resource has a method of the name

_PATIENCE = 3600.0
"""Seconds for which a handle asks for the log of a completed task again while the limiter refuses it."""


class TaskFlows(OomolResource[M]):
    """Flows that tasks and applets share."""

    def _create(self, request: Mapping[str, Any], max_retries: int | None = None) -> Flow[CreatedTask]:
        return (
            yield from self._start(
                request_body(request), lambda body: self._post("/v1/tasks", json=body, max_retries=max_retries)
            )
        )

    def _start(self, body: dict[str, Any], send: Callable[[dict[str, Any]], Flow[Response]]) -> Flow[CreatedTask]:
        """Send a task's request; once more where the server asks for the block id under its other name."""
        field = self._context.session.share(BlockField)
        name = field.name_in(body)
        try:
            response = yield from send(with_block_in(name, body))
        except ApiStatusError as refusal:
            other = field.find_wanted(refusal, name)
            if other is None or other in body:
                raise
            try:
                response = yield from send(with_block_in(other, body))
            except ApiStatusError as error:
                if field.find_wanted(error, other) is not None:
                    raise refusal from None  # the server takes neither name: the first refusal is about this call
                raise
            field.learnt = other
        return self._read_receipt(response)

    def _create_with_files(
        self,
        block_id: str | None,
        input_values: InputValues | None,
        files: object,
        manifest: str | None,
        options: Polling | None = None,
    ) -> Flow[CreatedTask]:
        """Start a task with files; with options of a wait, as :meth:`_begin_run` does."""
        name = "manifest" if block_id is None and manifest is not None else "blockId"
        if block_id is not None and manifest is not None:
            raise InvalidInputError("Give block_id or manifest, not both.")
        body = request_body({name: manifest if name == "manifest" else block_id, "inputValues": input_values})
        chosen = file_list(files)
        if not chosen:  # then the JSON route will do
            return (
                yield from self._begin_run(
                    lambda: self._start(body, lambda body: self._post("/v1/tasks", json=body)), options
                )
            )
        if inputs := body.pop("inputValues", None):
            try:
                body["inputValues"] = json.dumps(inputs, allow_nan=False)
            except (TypeError, ValueError, RecursionError) as error:
                problem = describe_unsendable(inputs, error)
                raise InvalidInputError(f"input_values cannot be sent as JSON: {problem}") from error
        files_of_form = yield Blocking(read_once, [file_part("files", file) for file in chosen])

        def send(body: dict[str, Any]) -> Flow[Response]:
            parts = [Part(name, value) for name, value in body.items()]
            content, content_type = yield Blocking(encode_multipart, parts + files_of_form)
            return (yield from self._post("/v1/tasks", content=content, headers={"Content-Type": content_type}))

        return (yield from self._begin_run(lambda: self._start(body, send), options))

    def _read_receipt(self, response: Response) -> CreatedTask:
        """The receipt of a task. An exception for an unusable one has the id, if it has one."""
        with identify(response):
            data = self._data(response)
            flat = isinstance(data, dict) and "task" not in data and "id" in data
            created = self._model({"task": data} if flat else data, CreatedTask, response)
            self._require(created, response, task=Task)
            self._require(created.task, response, id=str)
            return created

    def _fetch(self, task_id: str) -> Flow[Task]:
        task, _ = yield from self._ask_for(task_id)
        return task

    def _ask_for(self, task_id: str, timeout: float | Unset | None = UNSET) -> Flow[tuple[Task, Response]]:
        response = yield from self._get(f"/v1/tasks/{segment(task_id, 'task_id')}", timeout=timeout)
        return self._model(task_in(self._data(response)), Task, response, fallbacks={"id": task_id}), response

    def _logs(self, task_id: str, timeout: float | Unset | None = UNSET) -> Flow[Logs]:
        response = yield from self._get(f"/v1/tasks/{segment(task_id, 'task_id')}/logs", timeout=timeout)
        data = self._data(response)
        if isinstance(data, dict):
            found = data.get("logs")
            data = [] if found is None else found
        return self._model(data, Logs, response)

    def _wait(self, task_id: str, options: Polling, reader: LogReader) -> Flow[Task]:
        segment(task_id, "task_id")
        again = f"tasks.wait_for_completion({task_id!r})"

        def ask(timeout: float | Unset) -> Flow[Task]:
            task, response = yield from self._ask_for(task_id, timeout)
            self._require(task, response, status=str)
            if options.on_progress is not None:
                yield from call_back(options.on_progress, task)
            if options.on_log is not None:
                try:
                    logs = yield from self._logs(task_id, timeout)
                except SimStudioError:
                    if not task.done or task.succeeded:
                        raise
                    logs = []  # the failure is reported without it
                for log in reader.fresh(logs) if logs else ():
                    yield from call_back(options.on_log, log)
            return task

        def make_error(last: Task | None) -> TimeoutError:
            return TimeoutError(
                f"The task {task_id} did not complete within {options.timeout:g} s ({describe_last(last)}). "
                f"It goes on; wait again with {again}, or give a longer timeout.",
                task_id,
                last,
                logs=reader.logs,
            )

        with identify(task_id):
            task = yield from self._follow(f"task {task_id}", options, ask, expired=make_error, again=again)
            yield from self._check(task_id, task, reader.logs)
        return task

    def _check(self, task_id: str, task: Task, logs: Logs | None) -> Flow[None]:
        """Raise for a task that did not succeed. Its log is read for the reason, unless it was read before."""
        if task.status == "failed":
            if logs is None:
                with suppress(SimStudioError):  # the failure is reported without it
                    logs = yield from self._logs(task_id)
            raise make_failure(task, logs)
        if task.status == "stopped":
            raise TaskStoppedError(f"The task {task.id} was stopped.", task.id, task, logs=logs)

    def _finish(self, task_id: str, options: Polling) -> Flow[RunResult]:
        """Wait for a task, then take its result."""
        reader = LogReader()
        began = self.poller.clock()
        task = yield from self._wait(task_id, options, reader)
        left = None if options.timeout is None else options.timeout - (self.poller.clock() - began)
        return (yield from self._result(task_id, task, reader.logs, left))

    def _result(self, task_id: str, task: Task, logs: Logs | None, patience: float | None) -> Flow[RunResult]:
        """The result of a completed task. Its log is read, unless it was read before.

        Args:
            patience: Seconds for which the log is asked for again while the limiter refuses it; None for a day.
        """
        if logs is None:
            with identify(task_id):
                logs = yield from self._repeat_refused(lambda: self._logs(task_id), patience)
        plain = [log.to_dict() if isinstance(log, TaskLog) else log for log in logs]
        came = {"task_id": task_id, "task": task.to_dict(), "logs": plain, "result": result_of(logs)}
        return structure(came, RunResult, overrides={"task": task, "logs": logs})


class TaskHandle(SubmittedRun[M, Task, RunResult], OomolResource[M]):
    """A task as a :class:`~simstudio.core.runs.SubmittedRun`; made by ``client.tasks.handle``.

    A pickled handle contains the client's token: treat it as a secret.
    """

    def __init__(self, tasks: TaskFlows[M], task_id: str, state: Task | None) -> None:
        super().__init__(tasks._context, "tasks", task_id, state)
        self._tasks: TaskFlows[M] = tasks

    def _status_of(self, state: Task) -> str:
        return state.status

    def _is_done(self, state: Task) -> bool:
        return state.done

    def _fetch_state(self) -> Flow[Task]:
        return self._tasks._fetch(self.id)

    def _await(
        self, timeout: float | None, on_progress: Callable[[Task], Any] | None, poll_interval: float | None
    ) -> Flow[Task]:
        options = polling(None, timeout=timeout, poll_interval=poll_interval, on_progress=on_progress)
        return self._tasks._wait(self.id, options, LogReader())

    def _result(self, state: Task) -> Flow[RunResult]:
        yield from self._tasks._check(self.id, state, None)
        return (yield from self._tasks._result(self.id, state, None, _PATIENCE))

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskHandle, (self._tasks, self.id, self.state)
