"""A client for VectorVein (向量脉络): workflows, VApps and their access keys, files, task agents, workspaces.

    from simstudio.services.vectorvein import VectorVeinClient, WorkflowInputField

    with VectorVeinClient(api_key="…") as client:
        fields = [WorkflowInputField(node_id="…", field_name="商品名称", value="测试商品")]
        result = client.run_workflow(wid="…", input_fields=fields, wait_for_completion=True)

Every method that VectorVein's own package documents is there, flat, and in the namespaces ``workflows``,
``run_records``, ``run_schedules``, ``workflow_templates``, ``access_keys``, ``files``, ``agents``, ``agent_tasks``,
``agent_cycles``, ``workspaces`` and ``user``.
"""

from __future__ import annotations

from simstudio.services.vectorvein.client import (
    DEFAULT_BASE_URL,
    AsyncRawVectorVeinClient,
    AsyncVectorVeinClient,
    RawVectorVeinClient,
    VectorVeinClient,
)
from simstudio.services.vectorvein.errors import (
    AccessKeyError,
    APIKeyError,
    RequestError,
    RequestTimeoutError,
    TimeoutError,  # noqa: A004 - the documented name, and also the builtin
    VectorVeinAPIError,
    WorkflowError,
)
from simstudio.services.vectorvein.models.access_keys import (
    AccessKey,
    AccessKeyListResponse,
    AccessKeyStatus,
    AccessKeyType,
    VApp,
)
from simstudio.services.vectorvein.models.agents import (
    Agent,
    AgentCycle,
    AgentCycleListResponse,
    AgentDefinition,
    AgentListResponse,
    AgentSettings,
    AgentTask,
    AgentTaskListResponse,
    AttachmentDetail,
    OssAttachmentDetail,
    TaskInfo,
    User,
    WaitingQuestion,
)
from simstudio.services.vectorvein.models.files import FileUploadResult
from simstudio.services.vectorvein.models.user import APIUserIdentity
from simstudio.services.vectorvein.models.workflows import (
    APIKeyType,
    OutputScope,
    Workflow,
    WorkflowInputField,
    WorkflowListResponse,
    WorkflowOutput,
    WorkflowRunResult,
    WorkflowTag,
)
from simstudio.services.vectorvein.models.workspaces import (
    AgentWorkspace,
    AgentWorkspaceListResponse,
    WorkspaceFile,
    WorkspaceFileContent,
    WorkspaceFileListResponse,
)
from simstudio.services.vectorvein.resources.pages import Pages
from simstudio.services.vectorvein.resources.task_runs import AgentTaskRun
from simstudio.services.vectorvein.resources.workflows import WorkflowRun
from simstudio.services.vectorvein.vapp import VAppURL

__all__ = [
    "DEFAULT_BASE_URL",
    "APIKeyError",
    "APIKeyType",
    "APIUserIdentity",
    "AccessKey",
    "AccessKeyError",
    "AccessKeyListResponse",
    "AccessKeyStatus",
    "AccessKeyType",
    "Agent",
    "AgentCycle",
    "AgentCycleListResponse",
    "AgentDefinition",
    "AgentListResponse",
    "AgentSettings",
    "AgentTask",
    "AgentTaskListResponse",
    "AgentTaskRun",
    "AgentWorkspace",
    "AgentWorkspaceListResponse",
    "AsyncRawVectorVeinClient",
    "AsyncVectorVeinClient",
    "AttachmentDetail",
    "FileUploadResult",
    "OssAttachmentDetail",
    "OutputScope",
    "Pages",
    "RawVectorVeinClient",
    "RequestError",
    "RequestTimeoutError",
    "TaskInfo",
    "TimeoutError",
    "User",
    "VApp",
    "VAppURL",
    "VectorVeinAPIError",
    "VectorVeinClient",
    "WaitingQuestion",
    "Workflow",
    "WorkflowError",
    "WorkflowInputField",
    "WorkflowListResponse",
    "WorkflowOutput",
    "WorkflowRun",
    "WorkflowRunResult",
    "WorkflowTag",
    "WorkspaceFile",
    "WorkspaceFileContent",
    "WorkspaceFileListResponse",
]
