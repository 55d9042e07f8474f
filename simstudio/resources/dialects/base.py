"""``Dialect``: what every version of Sim's API can do, whatever its routes and bodies are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from simstudio.core.modes import M
from simstudio.core.resource import APIResource

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.core.options import Unset
    from simstudio.core.paging import Pages
    from simstudio.models.cancellation import CancelResult
    from simstudio.models.events import StreamEvent
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import PausedRun
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.models.usage import UsageLimits
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.claims import Claiming
    from simstudio.resources.dialects.stream_options import StreamOptions
    from simstudio.resources.dialects.target import Target
    from simstudio.resources.settings import APIVersion
    from simstudio.resources.streams import OpenedStream
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

    Timeout: TypeAlias = float | Unset | None
    Resumed: TypeAlias = WorkflowExecutionResult | AsyncExecutionResult


class Dialect(APIResource[M], ABC):
    """One version of the API; each method is a flow.

    Attributes:
        observers: Functions called with the response of each attempt at an execution.
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
        claiming: Claiming = "known",
    ) -> Flow[WorkflowExecutionResult]:
        """Run a workflow and wait for its result.

        Args:
            run_id: Claim of an execution whose server is known to honour it; by default a new id.
            claiming: Whether an unversioned execution carries a claim.
        """

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
        claiming: Claiming = "known",
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
        claiming: Claiming = "known",
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Run a workflow and open the stream of its events."""

    @abstractmethod
    def status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        """The deployment status of a workflow."""

    @abstractmethod
    def cancel(self, workflow_id: str, execution_id: str) -> Flow[CancelResult]:
        """Ask the server to stop an execution."""

    @abstractmethod
    def paused(self, workflow_id: str, status: str) -> Pages[PausedRun]:
        """The runs that wait for a human."""

    @abstractmethod
    def paused_run(self, workflow_id: str, execution_id: str) -> Flow[PausedRun]:
        """One run that waits, or has waited, for a human."""

    @abstractmethod
    def resume(
        self, workflow_id: str, execution_id: str, context_id: str, data: Any, *, timeout: Timeout
    ) -> Flow[Resumed]:
        """Answer a pause."""

    @abstractmethod
    def target(
        self, task_id: str, workflow_id: str | None, execution_id: str | None, receipt: AsyncExecutionResult | None
    ) -> Target:
        """The place of the state of a background execution."""

    @abstractmethod
    def fetch(self, target: Target, *, timeout: Timeout, whole: bool = False) -> Flow[tuple[Job, Response]]:
        """The state of a background execution, and the response that carried it.

        Args:
            whole: Whether to read texts in full that are cut in the output; a warning says if that is impossible.
        """

    @abstractmethod
    def fetch_resumed(self, target: Target, *, timeout: Timeout, whole: bool = False) -> Flow[tuple[Job, Response]]:
        """The state of a background execution that was paused; the target has workflow and execution id."""

    @abstractmethod
    def job_as_documented(self, target: Target) -> Flow[dict[str, Any]]:
        """The state of a background execution as the documented plain dict."""

    @abstractmethod
    def limits(self) -> Flow[UsageLimits]:
        """The account's limits and usage."""


def __getattr__(name: str) -> Any:
    """``Target``, which pickled handles of earlier versions look up here."""
    if name != "Target":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from simstudio.resources.dialects.target import Target

    return Target
