"""Task agents, their tasks and the cycles of those."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import model
from simstudio.services.vectorvein.models.base import Record

_ENDED = frozenset({
    "aborted", "canceled", "cancelled", "completed", "done", "error", "failed", "finished", "stopped", "success",
})  # fmt: skip


@model
class AttachmentDetail(Record):
    """A file of a task, by its address."""

    name: str
    url: str


@model
class OssAttachmentDetail(Record):
    """A file of a task that was uploaded: ``oss_key`` is the ``oss_path`` of the upload."""

    name: str
    oss_key: str


@model
class TaskInfo(Record):
    """What a task is about.

    Attributes:
        text: What is to be done.
        attachments_detail: :class:`AttachmentDetail` and :class:`OssAttachmentDetail` (in an answer: as sent).
        model_preference: ``default``, ``high_performance``, ``low_cost`` or ``custom``.
        custom_backend_type: With ``custom``: the backend.
        custom_model_name: With ``custom``: the model.
    """

    text: str
    attachments_detail: list[Any] | None = None
    model_preference: str = "default"
    custom_backend_type: str | None = None
    custom_model_name: str | None = None


@model
class AgentDefinition(Record):
    """An agent that is made for one task. ``compress_memory_after_characters`` is a number of characters."""

    system_prompt: str
    model_name: str
    backend_type: str
    allow_interruption: bool
    use_workspace: bool
    compress_memory_after_characters: int
    tools: list[dict[str, Any]]


@model
class AgentSettings(Record):
    """What one task has otherwise than its agent. Only what is set is sent."""

    model_name: str | None = None
    backend_type: str | None = None
    use_workspace: bool | None = None
    allow_interruption: bool | None = None
    compress_memory_after_characters: int | None = None


@model
class User(Record):
    """Whose something is."""

    nickname: str | None = None
    avatar: str | None = None


@model
class Agent(Record):
    """An agent.

    Attributes:
        default_compress_memory_after_characters: Characters.
        used_count: How often it was used.
        create_time: As sent; so is ``update_time``.
    """

    agent_id: str
    user: User | None = None
    name: str | None = None
    avatar: str | None = None
    description: str | None = None
    system_prompt: str | None = None
    default_model_name: str | None = None
    default_backend_type: str | None = None
    default_max_cycles: int | None = None
    default_allow_interruption: bool | None = None
    default_use_workspace: bool | None = None
    default_compress_memory_after_characters: int | None = None
    shared: bool | None = None
    is_public: bool | None = None
    used_count: int | None = None
    is_official: bool | None = None
    official_order: int | None = None
    is_owner: bool | None = None
    create_time: str | None = None
    update_time: str | None = None
    name_display: str | None = None
    avatar_display: str | None = None
    usage_hint: str | None = None
    default_agent_type: str | None = None
    default_workspace_files: list[Any] | None = None
    default_sub_agent_ids: list[str] | None = None
    tags: list[Any] | None = None
    available_workflows: list[Any] | None = None
    available_workflow_templates: list[Any] | None = None


@model
class AgentListResponse(Record):
    """One page of agents."""

    agents: list[Agent]
    total: int | None = None
    page: int | None = None
    page_size: int | None = None
    page_count: int | None = None


@model
class WaitingQuestion(Record):
    """What a task asks its human; answer with ``respond_to_agent_task(task_id, tool_call_id, …)``."""

    cycle_id: str | None = None
    tool_call_id: str | None = None
    question: str | None = None


@model
class AgentCycle(Record):
    """One cycle of a task: what the agent thought, said and called. Messages and calls are as sent."""

    cycle_id: str
    agent_task_id: str | None = None
    cycle_index: int | None = None
    status: str | None = None
    title: str | None = None
    messages: list[Any] | None = None
    ai_response: Any = None
    tool_calls: list[Any] | None = None
    tool_responses: list[Any] | None = None
    memory_compressed: bool | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    used_credits: float | None = None
    start_time: str | None = None
    complete_time: str | None = None


@model
class AgentTask(Record):
    """A task of an agent.

    Attributes:
        status: The server's word.
        result: What came out, as sent.
        waiting_question: What it asks its human, while it waits for an answer.
        cycles: Its cycles, of a shared task.
    """

    task_id: str
    user: User | None = None
    source_agent_id: str | None = None
    source_agent_name: str | None = None
    source_agent_avatar: str | None = None
    title: str | None = None
    task_info: TaskInfo | None = None
    agent_definition: AgentDefinition | None = None
    status: str | None = None
    max_cycles: int | None = None
    workspace_id: str | None = None
    current_cycle_index: int | None = None
    result: Any = None
    total_prompt_tokens: int | None = None
    total_completion_tokens: int | None = None
    used_credits: float | None = None
    error_reason_title: str | None = None
    shared: bool | None = None
    is_public: bool | None = None
    shared_meta: Any = None
    create_time: str | None = None
    update_time: str | None = None
    complete_time: str | None = None
    waiting_question: WaitingQuestion | None = None
    cycles: list[AgentCycle] | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended: it has a ``complete_time``, or a status that speaks of an end.

        VectorVein documents no list of statuses, so a word nobody has seen yet counts as not ended.
        """
        return self.complete_time is not None or (isinstance(self.status, str) and self.status.lower() in _ENDED)


@model
class AgentTaskListResponse(Record):
    """One page of tasks."""

    tasks: list[AgentTask]
    total: int | None = None
    page: int | None = None
    page_size: int | None = None
    page_count: int | None = None


@model
class AgentCycleListResponse(Record):
    """The cycles of a task."""

    cycles: list[AgentCycle]
    total: int | None = None
