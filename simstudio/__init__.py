"""A client for Sim: run workflows from Python, blocking, streaming or in the background, sync or async.

    from simstudio import SimStudioClient

    with SimStudioClient() as client:                      # SIM_API_KEY, SIM_BASE_URL
        result = client.workflows.execute("my-workflow", {"name": "Ada"})
        print(result.output)

Names are imported when they are first used (PEP 562), so ``import simstudio`` alone takes almost no time.
"""

from __future__ import annotations

from simstudio._version import __version__

# False at run time, without importing typing, which takes longer than the rest of this module. It is not written as
# False, because jedi (IPython, Jupyter, vim) then skips the names below.
TYPE_CHECKING = bool()  # noqa: UP018
if TYPE_CHECKING:
    from typing import Any

    from simstudio import catalog, webhooks
    from simstudio.batch.batch import AsyncBatch, Batch
    from simstudio.batch.items import BatchItem
    from simstudio.batch.money import Credits, Dollars
    from simstudio.client import AsyncSimStudioClient, SimStudioClient
    from simstudio.client import AsyncSimStudioClient as AsyncClient
    from simstudio.client import SimStudioClient as Client
    from simstudio.core.downloads import Download
    from simstudio.core.files import File
    from simstudio.core.modes import APIResponse
    from simstudio.core.paging import AsyncPager, Page, Pager
    from simstudio.errors import (
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        APIVersionError,
        AuthenticationError,
        BatchInterrupted,
        BudgetError,
        BulkWriteError,
        ConfigurationError,
        ConflictError,
        DeploymentFailedError,
        DeploymentTimeoutError,
        ExecutionError,
        ExecutionTimeoutError,
        InputChangedError,
        InvalidInputError,
        InvalidRequestError,
        InvalidResponseError,
        JobCancelledError,
        JobExecutionTimeoutError,
        JobFailedError,
        JobNotDoneError,
        JobTimeoutError,
        LedgerError,
        LockedError,
        MissingFieldError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        ResultsError,
        ServerError,
        SimStudioError,
        StreamError,
        TooManyFailuresError,
        UsageLimitExceededError,
    )
    from simstudio.models.cancellation import CancelResult
    from simstudio.models.descriptions import WorkflowDescription, WorkflowInput
    from simstudio.models.events import (
        ChunkEvent,
        FinalEvent,
        OtherEvent,
        ResetEvent,
        StreamEvent,
        ThinkingEvent,
        ToolEvent,
    )
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.jobs import Job
    from simstudio.models.large_values import LargeArrayManifest, LargeValueRef
    from simstudio.models.pauses import Pause, PausedRun
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.models.usage import UsageLimits
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.job_progress import show_progress
    from simstudio.resources.payload import FileInputWarning
    from simstudio.resources.streams import AsyncStream, AsyncStreamManager, Stream
    from simstudio.resources.whole_output import TruncatedOutputWarning
    from simstudio.resources.workflow_functions import WorkflowFunction
    from simstudio.traces.span import Span
    from simstudio.traces.trace import Trace
    from simstudio.transport.auth import ANONYMOUS
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Headers, Request, Response
    from simstudio.transport.rate_limit import RateLimitInfo
    from simstudio.transport.retry import Backoff, Retry, RetryPolicy
    from simstudio.transport.stack import Handler, Middleware

_HOMES = {
    "batch.batch": ("AsyncBatch", "Batch"),
    "batch.items": ("BatchItem",),
    "batch.money": ("Credits", "Dollars"),
    "client": ("AsyncSimStudioClient", "SimStudioClient"),
    "errors": (
        "APIConnectionError",
        "APIStatusError",
        "APITimeoutError",
        "APIVersionError",
        "AuthenticationError",
        "BatchInterrupted",
        "BudgetError",
        "BulkWriteError",
        "ConfigurationError",
        "ConflictError",
        "DeploymentFailedError",
        "DeploymentTimeoutError",
        "ExecutionError",
        "ExecutionTimeoutError",
        "InputChangedError",
        "InvalidInputError",
        "InvalidRequestError",
        "InvalidResponseError",
        "JobCancelledError",
        "JobExecutionTimeoutError",
        "JobFailedError",
        "JobNotDoneError",
        "JobTimeoutError",
        "LedgerError",
        "LockedError",
        "MissingFieldError",
        "NotFoundError",
        "PermissionDeniedError",
        "RateLimitError",
        "ResultsError",
        "ServerError",
        "SimStudioError",
        "StreamError",
        "TooManyFailuresError",
        "UsageLimitExceededError",
    ),
    "core.downloads": ("Download",),
    "core.files": ("File",),
    "core.model": ("restore_model",),
    "models.events": (
        "ChunkEvent",
        "FinalEvent",
        "OtherEvent",
        "ResetEvent",
        "StreamEvent",
        "ThinkingEvent",
        "ToolEvent",
    ),
    "models.cancellation": ("CancelResult",),
    "models.descriptions": ("WorkflowDescription", "WorkflowInput"),
    "models.execution": ("WorkflowExecutionResult",),
    "models.receipts": ("AsyncExecutionResult",),
    "models.jobs": ("Job",),
    "models.large_values": ("LargeArrayManifest", "LargeValueRef"),
    "models.pauses": ("Pause", "PausedRun"),
    "models.usage": ("UsageLimits",),
    "models.workflows": ("WorkflowStatus",),
    "core.paging": ("AsyncPager", "Page", "Pager"),
    "resources.job_progress": ("show_progress",),
    "resources.payload": ("FileInputWarning",),
    "core.modes": ("APIResponse",),
    "resources.streams": ("AsyncStream", "AsyncStreamManager", "Stream"),
    "resources.whole_output": ("TruncatedOutputWarning",),
    "resources.workflow_functions": ("WorkflowFunction",),
    "traces.span": ("Span",),
    "traces.trace": ("Trace", "restore_trace"),
    "transport.auth": ("ANONYMOUS",),
    "transport.flow": ("Flow",),
    "transport.message": ("Headers", "Request", "Response"),
    "transport.rate_limit": ("RateLimitInfo",),
    "transport.retry": ("Backoff", "Retry", "RetryPolicy"),
    "transport.stack": ("Handler", "Middleware"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("catalog", "webhooks")
_NEEDED = {
    "AsyncSimStudioClient": ("simstudio.transport.wire.async_wire", "simstudio.resources.dialects.legacy"),
}
"""Modules that a first call needs, imported with the name: an import in a running event loop stalls its other tasks."""
_ALIASES = {"Client": "SimStudioClient", "AsyncClient": "AsyncSimStudioClient"}

__all__ = [
    "ANONYMOUS",
    "APIConnectionError",
    "APIResponse",
    "APIStatusError",
    "APITimeoutError",
    "APIVersionError",
    "AsyncBatch",
    "AsyncClient",
    "AsyncExecutionResult",
    "AsyncPager",
    "AsyncSimStudioClient",
    "AsyncStream",
    "AsyncStreamManager",
    "AuthenticationError",
    "Backoff",
    "Batch",
    "BatchInterrupted",
    "BatchItem",
    "BudgetError",
    "BulkWriteError",
    "CancelResult",
    "ChunkEvent",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "Credits",
    "DeploymentFailedError",
    "DeploymentTimeoutError",
    "Dollars",
    "Download",
    "ExecutionError",
    "ExecutionTimeoutError",
    "File",
    "FileInputWarning",
    "FinalEvent",
    "Flow",
    "Handler",
    "Headers",
    "InputChangedError",
    "InvalidInputError",
    "InvalidRequestError",
    "InvalidResponseError",
    "Job",
    "JobCancelledError",
    "JobExecutionTimeoutError",
    "JobFailedError",
    "JobNotDoneError",
    "JobTimeoutError",
    "LargeArrayManifest",
    "LargeValueRef",
    "LedgerError",
    "LockedError",
    "Middleware",
    "MissingFieldError",
    "NotFoundError",
    "OtherEvent",
    "Page",
    "Pager",
    "Pause",
    "PausedRun",
    "PermissionDeniedError",
    "RateLimitError",
    "RateLimitInfo",
    "Request",
    "ResetEvent",
    "Response",
    "ResultsError",
    "Retry",
    "RetryPolicy",
    "ServerError",
    "SimStudioClient",
    "SimStudioError",
    "Span",
    "Stream",
    "StreamError",
    "StreamEvent",
    "ThinkingEvent",
    "TooManyFailuresError",
    "ToolEvent",
    "Trace",
    "TruncatedOutputWarning",
    "UsageLimitExceededError",
    "UsageLimits",
    "WorkflowDescription",
    "WorkflowExecutionResult",
    "WorkflowFunction",
    "WorkflowInput",
    "WorkflowStatus",
    "__version__",
    "catalog",
    "show_progress",
    "webhooks",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    target = _ALIASES.get(name, name)
    home = _HOME_OF.get(target)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for needed in _NEEDED.get(target, ()):
        importlib.import_module(needed)
    value = getattr(importlib.import_module(f"{__name__}.{home}"), target)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
