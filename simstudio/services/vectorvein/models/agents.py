"""Task agents, their tasks, and the cycles of tasks."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import model
from simstudio.services.vectorvein.models.base import Record

_ENDED = frozenset({
    "ABORTED", "CANCELED", "CANCELLED", "COMPLETED", "DONE", "ERROR", "FAILED", "FINISHED", "MAX_CYCLE_REACH",
    "STOPPED", "SUCCESS",
})  # fmt: skip
_PAUSED = "PAUSED"
_WAITING = frozenset({"WAIT_RESPONSE", "WAITING"})


def _is_settled(status: object, complete_time: object) -> bool:
    """Whether a task or a cycle with this status goes on only after an answer or ``resume``, or never."""
    word = _word(status)
    return complete_time is not None or word in _ENDED or word == _PAUSED or word in _WAITING


def _word(status: object) -> str:
    """A status for comparison: VectorVein does not always write it in capitals."""
    return status.strip().upper() if isinstance(status, str) else ""


@model
class AttachmentDetail(Record):
    """A file of a task, by its URL."""

    name: str
    url: str


@model
class OssAttachmentDetail(Record):
    """A file of a task that was uploaded: ``oss_key`` is the ``oss_path`` of the upload."""

    name: str
    oss_key: str


@model
class TaskInfo(Record):
    """Instructions of a task.

    Attributes:
        text: Instructions for the agent.
        attachments_detail: :class:`AttachmentDetail`, :class:`OssAttachmentDetail`, and files, which are uploaded; in
            a response, plain JSON data.
        model_preference: ``default``, ``high_performance``, ``low_cost`` or ``custom``.
        custom_backend_type: Backend, with ``custom``.
        custom_model_name: Model, with ``custom``.
    """

    text: str
    attachments_detail: list[Any] | None = None
    model_preference: str = "default"
    custom_backend_type: str | None = None
    custom_model_name: str | None = None


@model
class AgentDefinition(Record):
    """An agent that is made for one task. Fields that are None are not sent.

    Attributes:
        compress_memory_after_tokens: Tokens after which memory is compressed.
        compress_memory_after_characters: Threshold of version 0.3.68, in characters.
    """

    model_name: str
    backend_type: str
    system_prompt: str = "You are a helpful assistant."
    allow_interruption: bool = True
    use_workspace: bool = True
    compress_memory_after_tokens: int | None = None
    tools: list[dict[str, Any]] = attrs.field(factory=list)
    agent_type: str | None = None
    workspace_files: list[Any] = attrs.field(factory=list)
    sub_agent_ids: list[str] = attrs.field(factory=list)
    computer_pod_setting_id: str | None = None
    output_verifier: str | None = None
    active_skills: list[Any] | None = None
    bound_skills: list[Any] | None = None
    required_skills_status: Any = None
    enable_workflow_design_tools: bool | None = None
    compress_memory_after_characters: int | None = attrs.field(default=None, kw_only=True)


@model
class AgentSettings(Record):
    """Settings of one task that differ from its agent's. Fields that are None are not sent.

    Attributes:
        compress_memory_after_tokens: Tokens after which memory is compressed.
        compress_memory_after_characters: Threshold of version 0.3.68, in characters.
    """

    model_name: str | None = None
    backend_type: str | None = None
    use_workspace: bool | None = None
    allow_interruption: bool | None = None
    compress_memory_after_tokens: int | None = None
    agent_type: str | None = None
    computer_pod_setting_id: str | None = None
    compress_memory_after_characters: int | None = attrs.field(default=None, kw_only=True)


@model
class User(Record):
    """The owner of an agent, a task or a workspace."""

    nickname: str | None = None
    avatar: str | None = None


@model
class Agent(Record):
    """An agent.

    Attributes:
        default_compress_memory_after_tokens: Tokens after which the memory of its tasks is compressed.
        default_use_workspace: Field of version 0.3.68; None from servers of today.
        default_compress_memory_after_characters: Threshold of version 0.3.68; None from servers of today.
        used_count: Number of uses.
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
    default_load_user_memory: bool | None = None
    default_compress_memory_after_tokens: int | None = None
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
    usage_hint: Any = None
    default_agent_type: str | None = None
    default_reasoning_effort: str | None = None
    default_progress_mode: str | None = None
    default_workspace_files: list[Any] | None = None
    default_sub_agent_ids: list[str] | None = None
    required_skills: list[Any] | None = None
    required_skills_count: int | None = None
    default_output_verifier: str | None = None
    default_computer_pod_setting_id: str | None = None
    default_cloud_storage_paths: list[str] | None = None
    default_cloud_storage_write_enabled: bool | None = None
    tags: list[Any] | None = None
    available_workflows: list[Any] | None = None
    available_workflow_templates: list[Any] | None = None
    available_mcp_tools: list[Any] | None = None
    is_favorited: bool | None = None
    default_use_workspace: bool | None = attrs.field(default=None, kw_only=True)
    default_compress_memory_after_characters: int | None = attrs.field(default=None, kw_only=True)


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
    """The question of a task that waits for an answer (``respond_to_agent_task(task_id, tool_call_id, …)``)."""

    cycle_id: str | None = None
    tool_call_id: str | None = None
    question: str | None = None


@model
class AgentCycle(Record):
    """One cycle of a task: messages of the agent, and its calls of tools, as plain JSON data.

    Attributes:
        status: Status in the server's words.
    """

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

    @property
    def done(self) -> bool:
        """Whether it ended, is paused or waits for an answer."""
        return _is_settled(self.status, self.complete_time)


@model
class AgentTask(Record):
    """A task of an agent.

    Attributes:
        status: Status in the server's words, such as ``RUNNING`` and ``COMPLETED``.
        result: Output of the task, as plain JSON data.
        waiting_question: Question to its user, while it waits for an answer.
        cycles: Its cycles; only of a shared task.
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
        """Whether the task ended, is paused or waits for an answer, so that waiting changes nothing more.

        A task with a ``complete_time`` ended; otherwise the status decides, and an unknown one means that it runs.
        """
        return _is_settled(self.status, self.complete_time)

    @property
    def paused(self) -> bool:
        """Whether the task is paused (``resume_agent_task``)."""
        return _word(self.status) == _PAUSED

    @property
    def waiting(self) -> bool:
        """Whether the task waits for an answer to its ``waiting_question`` (``respond_to_agent_task``)."""
        return _word(self.status) in _WAITING


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
