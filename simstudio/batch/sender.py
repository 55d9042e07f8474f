"""How one item is executed: which flow says it, and where the flow runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

from simstudio.config import UNSET, Unset
from simstudio.models.execution import AsyncExecutionResult, WorkflowExecutionResult
from simstudio.resources.dialects import Dialects, StreamOptions
from simstudio.resources.jobs import Jobs
from simstudio.resources.v2.execution import mint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from simstudio.models.usage import UsageLimits
    from simstudio.resources.base import Context
    from simstudio.transport.flow import Flow

Mode: TypeAlias = Literal["sync", "async", "stream"]
Queued: TypeAlias = Callable[[AsyncExecutionResult], None]


class Sender(Protocol):
    """Executes items; the engine knows nothing else of clients."""

    claims: bool
    """Whether an execution carries a run id, so that sending it again runs nothing twice."""

    def new_run_id(self) -> str | None:
        """The id for the next execution; None where the server takes none."""
        ...

    def execute(self, value: Any, run_id: str | None, queued: Queued) -> Awaitable[WorkflowExecutionResult]:
        """Execute one input. ``queued`` is told the receipt of a background run before it is waited for."""
        ...

    def settle(self, task_id: str, execution_id: str | None) -> Awaitable[WorkflowExecutionResult]:
        """The result of a background run that was queued earlier."""
        ...

    def limits(self) -> Awaitable[UsageLimits]:
        """What the account may still do."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and threads."""
        ...


@attrs.frozen
class SendOptions:
    """How items are executed.

    Attributes:
        workflow_id: The workflow.
        mode: ``sync`` (a request each), ``async`` (queued, then waited for) or ``stream``.
        timeout: Seconds an item may take.
        selected_outputs: Of streams, and of v2's blocking runs.
    """

    workflow_id: str
    mode: Mode = "sync"
    timeout: float | Unset | None = UNSET
    selected_outputs: Sequence[str] | None = None


class FlowSender:
    """Runs the flows of a client's dialect on an event loop, or on threads where the client's wire blocks.

    Args:
        context: Of the client.
        version: What it speaks.
        options: How items are executed.
        most: How many may run at a time.
    """

    def __init__(self, context: Context, version: str, options: SendOptions, most: int) -> None:
        runner = context.runner.concurrent(most)
        self._close: Callable[[], Awaitable[None]] = runner.aclose
        self._run: Callable[[Flow[Any]], Awaitable[Any]] = runner.run
        mine = attrs.evolve(context, raw=False)
        dialects: Dialects[Any] = Dialects(mine, "v2" if version == "v2" else "v1")
        self._jobs: Jobs[Any] = Jobs(mine, "jobs", dialects)
        self._dialect = dialects.own
        self._options = options
        self.claims = version == "v2"

    def new_run_id(self) -> str | None:
        """The id for the next execution; None where the server takes none (v1)."""
        return mint() if self.claims else None

    def execute(self, value: Any, run_id: str | None, queued: Queued) -> Awaitable[WorkflowExecutionResult]:
        """Execute one input."""
        return self._run(self._dialect._guarded(self._flow(value, run_id, queued)))

    def settle(self, task_id: str, execution_id: str | None) -> Awaitable[WorkflowExecutionResult]:
        """The result of a background run that was queued earlier."""
        receipt = AsyncExecutionResult(
            success=True, task_id=task_id, execution_id=execution_id, workflow_id=self._options.workflow_id
        )
        return self._run(self._dialect._guarded(self._waited(receipt)))

    def limits(self) -> Awaitable[UsageLimits]:
        """What the account may still do."""
        return self._run(self._dialect.limits())

    async def aclose(self) -> None:
        """Let go of connections and threads."""
        await self._close()

    def _flow(self, value: Any, run_id: str | None, queued: Queued) -> Flow[WorkflowExecutionResult]:
        options, dialect = self._options, self._dialect
        if options.mode == "async":
            receipt = yield from dialect.submit(options.workflow_id, value, timeout=UNSET, max_retries=0, run_id=run_id)
            queued(receipt)
            return (yield from self._waited(receipt))
        if options.mode == "stream":
            idle = None if isinstance(options.timeout, Unset) else options.timeout
            opened = yield from dialect.stream(
                options.workflow_id, value, StreamOptions(options.selected_outputs, idle), max_retries=0, run_id=run_id
            )
            return (yield from opened.read())
        return (
            yield from dialect.execute(
                options.workflow_id,
                value,
                timeout=options.timeout,
                max_retries=0,
                selected_outputs=options.selected_outputs,
                run_id=run_id,
            )
        )

    def _waited(self, receipt: AsyncExecutionResult) -> Flow[WorkflowExecutionResult]:
        timeout = self._options.timeout
        job = yield from self._jobs._wait(
            self._jobs._target(receipt, None),
            timeout=3600.0 if isinstance(timeout, Unset) else timeout,
            on_progress=None,
            poll_interval=None,
        )
        return job.result
