"""Oomol Connect: run blocks and flows on an Oomol server.

    from simstudio.services.oomol import OomolConnectClient

    with OomolConnectClient("http://localhost:3000/api", "your-token") as client:
        result = client.tasks.run({"blockId": "audio-lab::text-to-audio", "inputValues": {"text": "hi"}})
        print(result["result"])

Code written for the ``oomol_connect_sdk`` package, which is async, imports the async client under its name:
``from simstudio.services.oomol import AsyncOomolConnectClient as OomolConnectClient``.
"""

from __future__ import annotations

from simstudio.services.oomol.client import (
    DEFAULT_APPLETS_URL,
    DEFAULT_BASE_URL,
    AsyncOomolConnectClient,
    AsyncRawOomolConnectClient,
    OomolConnectClient,
    RawOomolConnectClient,
)
from simstudio.services.oomol.errors import (
    ApiAuthenticationError,
    ApiConflictError,
    ApiConnectionError,
    ApiError,
    ApiInvalidRequestError,
    ApiInvalidResponseError,
    ApiLockedError,
    ApiNotFoundError,
    ApiPermissionDeniedError,
    ApiRateLimitError,
    ApiServerError,
    ApiStatusError,
    ApiTimeoutError,
    ApiUsageLimitExceededError,
    InstallFailedError,
    OomolConnectError,
    TaskFailedError,
    TaskStoppedError,
    TimeoutError,  # noqa: A004 - the documented name
)
from simstudio.services.oomol.models import (
    Applet,
    AppletData,
    Block,
    BlockList,
    CreatedTask,
    Dependency,
    Flow,
    FlowList,
    InstallTask,
    InstallTaskList,
    Package,
    PackageList,
    RunResult,
    StopReply,
    Task,
    TaskList,
    TaskLog,
)
from simstudio.services.oomol.options import BackoffStrategy, PollingOptions
from simstudio.services.oomol.task_flows import TaskHandle

__all__ = [
    "DEFAULT_APPLETS_URL",
    "DEFAULT_BASE_URL",
    "ApiAuthenticationError",
    "ApiConflictError",
    "ApiConnectionError",
    "ApiError",
    "ApiInvalidRequestError",
    "ApiInvalidResponseError",
    "ApiLockedError",
    "ApiNotFoundError",
    "ApiPermissionDeniedError",
    "ApiRateLimitError",
    "ApiServerError",
    "ApiStatusError",
    "ApiTimeoutError",
    "ApiUsageLimitExceededError",
    "Applet",
    "AppletData",
    "AsyncOomolConnectClient",
    "AsyncRawOomolConnectClient",
    "BackoffStrategy",
    "Block",
    "BlockList",
    "CreatedTask",
    "Dependency",
    "Flow",
    "FlowList",
    "InstallFailedError",
    "InstallTask",
    "InstallTaskList",
    "OomolConnectClient",
    "OomolConnectError",
    "Package",
    "PackageList",
    "PollingOptions",
    "RawOomolConnectClient",
    "RunResult",
    "StopReply",
    "Task",
    "TaskFailedError",
    "TaskHandle",
    "TaskList",
    "TaskLog",
    "TaskStoppedError",
    "TimeoutError",
]
