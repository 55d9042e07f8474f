"""``Dialect``: the questions that each generation of Sim's API answers in its own words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic

import attrs

from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.transport.message import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.core.options import Unset
    from simstudio.core.paging import Pages
    from simstudio.models.events import StreamEvent
    from simstudio.models.execution import AsyncExecutionResult, CancelResult, WorkflowExecutionResult
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import PausedRun
    from simstudio.models.usage import UsageLimits
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.settings import APIVersion
    from simstudio.resources.streams import OpenedStream
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

    Timeout: TypeAlias = float | Unset | None
    Resumed: TypeAlias = WorkflowExecutionResult | AsyncExecutionResult


@attrs.frozen
class Target:
    """Where to ask for a background execution.

    Attributes:
        task_id: Its id.
        paths: Where to ask, on the base address: the first that knows it answers.
        workflow_id: Its workflow, when known.
        execution_id: The id to cancel it by, when known.
        version: The dialect to ask in.
        fresh: Whether it may be too young to be known yet: a 404 then means "ask again".
    """

    task_id: str
    paths: tuple[str, ...]
    workflow_id: str | None
    execution_id: str | None
    version: APIVersion
    fresh: bool = False


@attrs.frozen
class StreamOptions:
    """What a caller of a stream may choose.

    Attributes:
        selected_outputs: Which blocks' outputs to stream.
        idle_timeout: Seconds of silence that are borne.
        max_event_size: Bytes that one event may have.
        include_thinking: Whether models' reasoning is wanted (v2).
        include_tool_calls: Whether models' tool calls are wanted (v2).
    """

    selected_outputs: Sequence[str] | None = None
    idle_timeout: float | None = 300.0
    max_event_size: int = MAX_EVENT_SIZE
    include_thinking: bool = False
    include_tool_calls: bool = False


class Dialect(APIResource[M], ABC, Generic[M]):
    """One generation of the API; each method is a flow.

    Attributes:
        version: Which.
        observers: Called with the response of each attempt at an execution.
    """

    version: ClassVar[APIVersion]
    observers: tuple[Callable[[Response], None], ...] = ()

    @abstractmethod
    def execute(
        self,
        workflow_id: str,
        data: Any,
        *,
        timeout: Timeout,
        max_retries: int | None = None,
        selected_outputs: Sequence[str] | None = None,
        run_id: str | None = None,
    ) -> Flow[WorkflowExecutionResult]:
        """Run a workflow and wait for its result. ``run_id`` is the id to claim, where the dialect has claims."""

    @abstractmethod
    def submit(
        self,
        workflow_id: str,
        data: Any,
        *,
        timeout: Timeout,
        max_retries: int | None = None,
        execution_timeout: int | None = None,
        run_id: str | None = None,
    ) -> Flow[AsyncExecutionResult]:
        """Queue a workflow."""

    @abstractmethod
    def stream(
        self,
        workflow_id: str,
        data: Any,
        options: StreamOptions,
        *,
        max_retries: int | None = None,
        run_id: str | None = None,
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Run a workflow and give its events as they come."""

    @abstractmethod
    def status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        """Whether a workflow is deployed."""

    @abstractmethod
    def cancel(self, workflow_id: str, execution_id: str) -> Flow[CancelResult]:
        """Ask the server to stop an execution."""

    @abstractmethod
    def paused(self, workflow_id: str, status: str) -> Pages[PausedRun]:
        """The runs that wait for a human."""

    @abstractmethod
    def paused_run(self, workflow_id: str, execution_id: str) -> Flow[PausedRun]:
        """One of them."""

    @abstractmethod
    def resume(
        self, workflow_id: str, execution_id: str, context_id: str, data: Any, *, timeout: Timeout
    ) -> Flow[Resumed]:
        """Answer a pause."""

    @abstractmethod
    def target(
        self, task_id: str, workflow_id: str | None, execution_id: str | None, receipt: AsyncExecutionResult | None
    ) -> Target:
        """Where to ask for a background execution."""

    @abstractmethod
    def fetch(self, target: Target, *, timeout: Timeout) -> Flow[Job]:
        """The state of a background execution."""

    @abstractmethod
    def job_as_documented(self, target: Target) -> Flow[dict[str, Any]]:
        """The state of a background execution as the plain dict of the documents."""

    @abstractmethod
    def limits(self) -> Flow[UsageLimits]:
        """What the account may still do."""
