"""``client.agent_tasks``: tasks of agents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from simstudio.core.files import File, UploadedFile, as_file
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset
from simstudio.core.polling import Poller, PollSchedule
from simstudio.services.vectorvein.envelope import salvage_id
from simstudio.services.vectorvein.models.agents import (
    AgentDefinition,
    AgentSettings,
    AgentTask,
    AgentTaskListResponse,
    AttachmentDetail,
    OssAttachmentDetail,
    TaskInfo,
)
from simstudio.services.vectorvein.models.base import plain
from simstudio.services.vectorvein.resource import drop_none, identifier, invalid, texts
from simstudio.services.vectorvein.resources.pages import Pages
from simstudio.services.vectorvein.resources.task_runs import AgentTaskRun
from simstudio.services.vectorvein.resources.uploads import Uploads
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from simstudio.core.context import Context
    from simstudio.transport.flow import Flow

SCHEDULE = PollSchedule(initial=2.0, multiplier=1.5, maximum=15.0)

Attachment = (
    AttachmentDetail | OssAttachmentDetail | Mapping[str, Any] | os.PathLike[str] | BinaryIO | UploadedFile | File
)
Attachments = Iterable[Attachment]


class AgentTasks(Uploads[M]):
    """Tasks of agents: create, get, list, answer, pause, resume, share and delete.

    Attributes:
        poller: Schedule of the polls of a wait.
    """

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self.poller = Poller(SCHEDULE)

    @operation
    def create(
        self,
        task_info: TaskInfo | Mapping[str, Any] | str,
        agent_id_to_start: str | None = None,
        agent_definition_to_start: AgentDefinition | Mapping[str, Any] | None = None,
        agent_settings: AgentSettings | Mapping[str, Any] | None = None,
        max_cycles: int | None = None,
        title: str | None = None,
    ) -> Flow[AgentTask]:
        """Give an agent a task.

        Args:
            task_info: Instructions and attachments; a ``str`` stands for ``TaskInfo(text)``.
            agent_id_to_start: Id of the agent; or
            agent_definition_to_start: an agent for this task alone.
            agent_settings: Settings that differ from the agent's; only what is set is sent.
            max_cycles: Most cycles of the task.

        Returns:
            The task; :meth:`handle` waits for it.

        Example:
            >>> client.create_agent_task(TaskInfo("Compare the two"), "agent-id").task_id  # doctest: +SKIP
        """
        if isinstance(task_info, str):
            task_info = TaskInfo(task_info)
        if not isinstance(task_info, Mapping):
            raise invalid(f"task_info must be a TaskInfo, not {type(task_info).__name__}.")
        for name, value in (
            ("agent_definition_to_start", agent_definition_to_start),
            ("agent_settings", agent_settings),
        ):
            if value is not None and not isinstance(value, Mapping):
                raise invalid(f"{name} must be a model or a mapping, not {type(value).__name__}.")
        task = plain(task_info)
        if task.get("attachments_detail") is not None:
            task["attachments_detail"] = yield from self._attachments(task["attachments_detail"])
        settings = plain(agent_settings, unset=not isinstance(agent_settings, AgentSettings))
        body = drop_none(
            task_info=task,
            agent_id_to_start=agent_id_to_start,
            agent_definition_to_start=plain(
                agent_definition_to_start, unset=not isinstance(agent_definition_to_start, AgentDefinition)
            ),
            agent_settings=settings,
            max_cycles=max_cycles,
            title=title,
        )
        try:
            envelope = yield from self._write("task-agent/agent-task/create", body)
            return self._data(envelope, AgentTask, task_id=str)
        except SimStudioError as error:
            error.task_id = salvage_id(error, "task_id")
            raise

    @operation
    def get(self, task_id: str) -> Flow[AgentTask]:
        """Retrieve a task.

        Example:
            >>> client.get_agent_task("task-id").status  # doctest: +SKIP
        """
        return (yield from self._task(task_id))

    @operation
    def list(
        self,
        page: int = 1,
        page_size: int = 10,
        status: str | Iterable[str] | None = None,
        agent_id: str | None = None,
        search: str | None = None,
    ) -> Flow[AgentTaskListResponse]:
        """List tasks, one page of them; :meth:`iterate` gives all.

        Args:
            page: Page number, from 1.
            page_size: Tasks a page.
            status: One status of the tasks, or several.
            agent_id: Id of the agent that has the tasks.
            search: Text that the tasks match.

        Example:
            >>> client.list_agent_tasks(status="running").tasks  # doctest: +SKIP
        """
        return (yield from self._page("list", page, page_size, **_filters(status, agent_id, search)))

    def iterate(
        self,
        *,
        page_size: int = 50,
        status: str | Iterable[str] | None = None,
        agent_id: str | None = None,
        search: str | None = None,
    ) -> Pages[AgentTask]:
        """All tasks, fetched page by page as they are iterated over (``async for`` on an async client).

        Example:
            >>> [task.title for task in client.agent_tasks.iterate()]  # doctest: +SKIP
        """
        filters = _filters(status, agent_id, search)
        return Pages(self, lambda page: self._page("list", page, page_size, **filters), "tasks", page_size)

    @operation
    def delete(self, task_id: str) -> Flow[None]:
        """Delete a task.

        Example:
            >>> client.delete_agent_task("task-id")  # doctest: +SKIP
        """
        yield from self._write("task-agent/agent-task/delete", {"task_id": identifier(task_id, "task_id")})

    @operation
    def delete_many(self, task_ids: str | Iterable[str]) -> Flow[Any]:
        """Delete several tasks in one call.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.batch_delete_agent_tasks(["task-1", "task-2"])  # doctest: +SKIP
        """
        body = {"task_ids": texts(task_ids, "task_ids")}
        return (yield from self._write("task-agent/agent-task/batch-delete", body)).data

    @operation
    def respond(self, task_id: str, tool_call_id: str, response_content: str) -> Flow[AgentTask]:
        """Answer the question of a task (``task.waiting_question``).

        Args:
            tool_call_id: Id in the question.
            response_content: The answer.

        Example:
            >>> client.respond_to_agent_task("task-id", "tool-call-id", "Yes")  # doctest: +SKIP
        """
        tool_call_id = identifier(tool_call_id, "tool_call_id")
        return (yield from self._act("respond", task_id, tool_call_id=tool_call_id, response_content=response_content))

    @operation
    def update_share(
        self,
        task_id: str,
        shared: bool | None = None,  # noqa: FBT001 - the documented signature
        is_public: bool | None = None,  # noqa: FBT001
        shared_meta: Mapping[str, Any] | None = None,
    ) -> Flow[AgentTask]:
        """Share a task, or stop sharing it.

        Args:
            shared: Whether others who know its id may see it.
            is_public: Whether it is listed for everybody.
            shared_meta: Title and other data for readers.

        Example:
            >>> client.update_agent_task_share("task-id", shared=True)  # doctest: +SKIP
        """
        options = {"shared": shared, "is_public": is_public, "shared_meta": plain(shared_meta)}
        return (yield from self._act("update-share", task_id, **options))

    @operation
    def get_shared(self, task_id: str) -> Flow[AgentTask]:
        """Retrieve a shared task with its cycles.

        Example:
            >>> client.get_shared_agent_task("task-id").cycles  # doctest: +SKIP
        """
        body = {"task_id": identifier(task_id, "task_id")}
        envelope = yield from self._read("task-agent/agent-task/get-shared", body)
        return self._data(envelope, AgentTask)

    @operation
    def list_public_shared(
        self,
        page: int = 1,
        page_size: int = 10,
        search: str | None = None,
        sort_field: str = "update_time",
        sort_order: str = "descend",
    ) -> Flow[AgentTaskListResponse]:
        """List tasks that are shared with everybody, one page of them; :meth:`iterate_public_shared` gives all.

        Args:
            page: Page number, from 1.
            page_size: Tasks a page.
            search: Text that the tasks match.
            sort_order: ``descend`` or ``ascend``.

        Example:
            >>> client.list_public_shared_agent_tasks().tasks  # doctest: +SKIP
        """
        options = {"search": search, "sort_field": sort_field, "sort_order": sort_order}
        return (yield from self._page("public-shared-list", page, page_size, **options))

    def iterate_public_shared(
        self,
        *,
        page_size: int = 50,
        search: str | None = None,
        sort_field: str = "update_time",
        sort_order: str = "descend",
    ) -> Pages[AgentTask]:
        """All tasks that are shared with everybody, as :meth:`iterate`.

        Example:
            >>> [task.title for task in client.agent_tasks.iterate_public_shared()]  # doctest: +SKIP
        """
        options = {"search": search, "sort_field": sort_field, "sort_order": sort_order}

        def fetch(page: int) -> Flow[AgentTaskListResponse]:
            return self._page("public-shared-list", page, page_size, **options)

        return Pages(self, fetch, "tasks", page_size)

    @operation
    def continue_(self, task_id: str, message: str, attachments_detail: Attachments | None = None) -> Flow[AgentTask]:
        """Continue a task that ended.

        Args:
            message: New instructions.
            attachments_detail: Files for it: :class:`AttachmentDetail`, :class:`OssAttachmentDetail`, or files, which
                are uploaded (a path object, a file opened in binary mode, a :class:`simstudio.File` …).

        Example:
            >>> client.continue_agent_task("task-id", "Now in French")  # doctest: +SKIP
        """
        task_id = identifier(task_id, "task_id")
        attachments = yield from self._attachments(attachments_detail)
        return (yield from self._act("continue-task", task_id, message=message, attachments_detail=attachments))

    @operation
    def pause(self, task_id: str) -> Flow[AgentTask]:
        """Pause a task.

        Example:
            >>> client.pause_agent_task("task-id").status  # doctest: +SKIP
        """
        return (yield from self._act("pause-task", task_id))

    @operation
    def resume(
        self, task_id: str, message: str | None = None, attachments_detail: Attachments | None = None
    ) -> Flow[AgentTask]:
        """Resume a paused task.

        Args:
            message: Message to the agent.
            attachments_detail: Files for it, as :meth:`continue_`.

        Example:
            >>> client.resume_agent_task("task-id").status  # doctest: +SKIP
        """
        task_id = identifier(task_id, "task_id")
        attachments = yield from self._attachments(attachments_detail)
        return (yield from self._act("resume-task", task_id, message=message, attachments_detail=attachments))

    @operation
    def add_pending_message(
        self,
        task_id: str,
        message: str,
        attachments_detail: Attachments | None = None,
        action_type: str | None = None,
    ) -> Flow[Any]:
        """Leave a message for a running task; its agent reads it later.

        Args:
            message: Message to the agent.
            attachments_detail: Files for it, as :meth:`continue_`.
            action_type: Purpose of the message, in VectorVein's words.

        Returns:
            The answer's data, as plain JSON data.

        Example:
            >>> client.add_pending_message("task-id", "Use the newer figures")  # doctest: +SKIP
        """
        task_id = identifier(task_id, "task_id")
        options = drop_none(
            attachments_detail=(yield from self._attachments(attachments_detail)), action_type=action_type
        )
        body = {"task_id": task_id, "message": message, **options}
        return (yield from self._write("task-agent/agent-task/add-pending-message", body)).data

    def handle(self, task: AgentTask | str, *, until: Callable[[AgentTask], bool] | None = None) -> AgentTaskRun[M]:
        """A handle of a task, with which to wait for it. Nothing is sent.

        Args:
            task: The task, or its id.
            until: Whether a task is in a state that ends waiting; by default ``task.done``: it ended, is paused, or
                waits for an answer. A handle can only be pickled if this function can.

        Example:
            >>> client.agent_tasks.handle("task-id").wait(timeout=600).result  # doctest: +SKIP
        """
        if until is not None and not callable(until):
            raise invalid(f"until must be a function of the task, not {until!r}.")
        state = task if isinstance(task, AgentTask) else None
        task_id = identifier(task.task_id if isinstance(task, AgentTask) else task, "task")
        return AgentTaskRun(self, task_id, state, until)

    # -- flows -----------------------------------------------------------------------------------------------------

    def _task(self, task_id: str, timeout: float | Unset | None = UNSET) -> Flow[AgentTask]:
        body = {"task_id": identifier(task_id, "task_id")}
        envelope = yield from self._read("task-agent/agent-task/get", body, timeout=timeout, poll=True)
        return self._data(envelope, AgentTask, {"task_id": task_id})

    def _act(self, endpoint: str, task_id: str, **options: Any) -> Flow[AgentTask]:
        body = {"task_id": identifier(task_id, "task_id"), **drop_none(**options)}
        try:
            envelope = yield from self._write(f"task-agent/agent-task/{endpoint}", body)
            return self._data(envelope, AgentTask, {"task_id": task_id})
        except SimStudioError as error:
            error.task_id = task_id
            raise

    def _attachments(self, attachments: Attachments | None) -> Flow[Any]:
        """Attachments as JSON data; files among them are uploaded."""
        if attachments is None:
            return None
        if isinstance(attachments, (str, bytes, Mapping)) or not isinstance(attachments, Iterable):
            raise invalid(f"attachments_detail must be a list of attachments, not {type(attachments).__name__}.")
        sent = []
        for attachment in attachments:
            if isinstance(attachment, Mapping):
                sent.append(plain(attachment))
                continue
            file = as_file(attachment)
            if file is None:
                raise invalid(
                    "An attachment must be an AttachmentDetail, an OssAttachmentDetail, a path object or an open file, "
                    f"not {type(attachment).__name__}."
                )
            uploaded = yield from self._upload(file)
            sent.append({"name": file.name, "oss_key": uploaded.oss_path})
        return sent

    def _page(self, endpoint: str, page: int, page_size: int, **options: Any) -> Flow[AgentTaskListResponse]:
        body = {"page": page, "page_size": page_size, **drop_none(**options)}
        envelope = yield from self._read(f"task-agent/agent-task/{endpoint}", body)
        return self._data(envelope, AgentTaskListResponse, tasks=list)


def _filters(status: str | Iterable[str] | None, agent_id: str | None, search: str | None) -> dict[str, Any]:
    states = status if status is None or isinstance(status, str) else texts(status, "status")
    return {"status": states, "agent_id": agent_id, "search": search}
