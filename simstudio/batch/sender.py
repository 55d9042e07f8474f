"""How one item is executed: which flow says it, and where the flow runs.

The coordinator is told of receipts and hints on its own event loop, wherever the flows run: neither the ledger nor the
pace is made for several threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from simstudio.core.concurrent import concurrent
from simstudio.core.options import UNSET, Unset
from simstudio.models.execution import AsyncExecutionResult, WorkflowExecutionResult
from simstudio.resources.batch_execution import limits_of
from simstudio.resources.dialects import Dialects
from simstudio.resources.dialects.base import StreamOptions, Target
from simstudio.resources.jobs import Jobs
from simstudio.resources.v2.execution import has_spent_run_id, mint
from simstudio.transport.rate_limit import RateLimitInfo, RateLimits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from simstudio.batch.execution import Limits
    from simstudio.batch.records import Mode
    from simstudio.core.context import Context
    from simstudio.transport.errors import SimStudioError
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

Queued: TypeAlias = Callable[[AsyncExecutionResult], None]
Hear: TypeAlias = Callable[[RateLimitInfo], None]


class Sender(Protocol):
    """Executes items; the engine knows nothing else of clients."""

    claims: bool
    """Whether an execution carries a run id, so that sending it again runs nothing twice."""

    def new_run_id(self) -> str | None:
        """The id for the next execution; None where the server takes none."""
        ...

    def has_spent_run_id(self, error: SimStudioError) -> bool:
        """Whether an error tells of a refusal that used up the run id, so that nothing ran under it."""
        ...

    def execute(self, value: Any, run_id: str | None, queued: Queued) -> Awaitable[WorkflowExecutionResult]:
        """Execute one input. ``queued`` is told the receipt of a background run before it is waited for."""
        ...

    def settle(self, task_id: str, execution_id: str | None, api_version: str) -> Awaitable[WorkflowExecutionResult]:
        """The result of a background run that an earlier batch queued, by the API that it used."""
        ...

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit, None when it does not say."""
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


class Flows:
    """What is sent for items, as flows: the same here and in the workers of an executor.

    Args:
        context: Of the client.
        version: What it speaks.
        options: How items are executed.
        on_hint: Told what the answers to executions say of the rate limit (v2's may).
    """

    def __init__(
        self,
        context: Context,
        version: str,
        options: SendOptions,
        on_hint: Hear | None = None,
    ) -> None:
        dialects: Dialects[Any] = Dialects(context, "v2" if version == "v2" else "v1")
        self._jobs: Jobs[Any] = Jobs(context, "jobs", dialects)
        self._dialects = dialects
        self._dialect = dialects.own
        self._options = options
        if on_hint is not None:
            self._dialect.observers = (_Listener(on_hint),)

    def execute(self, value: Any, run_id: str | None) -> Flow[WorkflowExecutionResult]:
        """Execute one input, and be there until its end: in the modes ``sync`` and ``stream``."""
        return self._dialect._guarded(self._execute(value, run_id))

    def submit(self, value: Any, run_id: str | None) -> Flow[AsyncExecutionResult]:
        """Queue one input: in the mode ``async``."""
        return self._dialect._guarded(self._submit(value, run_id))

    def wait(self, receipt: AsyncExecutionResult) -> Flow[WorkflowExecutionResult]:
        """The result of what was queued."""
        return self._dialect._guarded(self._waited(self._jobs._target(receipt, None)))

    def settle(self, task_id: str, execution_id: str | None, api_version: str) -> Flow[WorkflowExecutionResult]:
        """The result of what an earlier batch queued, by the API that it used."""
        receipt = AsyncExecutionResult(success=True, task_id=task_id, execution_id=execution_id)
        dialect = self._dialects.of(api_version)
        return self._dialect._guarded(
            self._waited(dialect.target(task_id, self._options.workflow_id, execution_id, receipt))
        )

    def limits(self) -> Flow[Limits | None]:
        """The rate limit of executions, None when the server does not say."""
        background = self._options.mode == "async" and self._dialect.version == "v1"
        return limits_of((yield from self._dialect.limits()), background=background)

    def _execute(self, value: Any, run_id: str | None) -> Flow[WorkflowExecutionResult]:
        options, dialect = self._options, self._dialect
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

    def _submit(self, value: Any, run_id: str | None) -> Flow[AsyncExecutionResult]:
        receipt = yield from self._dialect.submit(
            self._options.workflow_id, value, timeout=UNSET, max_retries=0, run_id=run_id
        )
        self._jobs.remember(receipt)
        return receipt

    def _waited(self, target: Target) -> Flow[WorkflowExecutionResult]:
        timeout = self._options.timeout
        job = yield from self._jobs._wait(
            target,
            timeout=3600.0 if isinstance(timeout, Unset) else timeout,
            on_progress=None,
            poll_interval=None,
        )
        return job.result


class _Listener:
    """Hears what answers say of the rate limit."""

    def __init__(self, told: Callable[[RateLimitInfo], None]) -> None:
        self._told = told

    def __call__(self, response: Response) -> None:
        """Tell, if this answer says anything."""
        limits = RateLimits()
        limits.update(response)
        if limits.current is not None and "x-ratelimit-remaining" in response.headers:
            self._told(limits.current)


class FlowSender:
    """Runs the flows of a client's dialect on an event loop, or on threads where the client's wire blocks.

    Args:
        context: Of the client.
        version: What it speaks.
        options: How items are executed.
        most: How many may run at a time.
        on_hint: Told what the answers to executions say of the rate limit.
    """

    def __init__(
        self,
        context: Context,
        version: str,
        options: SendOptions,
        most: int,
        on_hint: Hear | None = None,
    ) -> None:
        runner = concurrent(context, most)
        self._close: Callable[[], Awaitable[None]] = runner.aclose
        self._run: Callable[[Flow[Any]], Awaitable[Any]] = runner.run
        self._options = options
        self._loop: asyncio.AbstractEventLoop
        self._flows = Flows(context, version, options, None if on_hint is None else self._on_loop(on_hint))
        self.claims = version == "v2"

    def new_run_id(self) -> str | None:
        """The id for the next execution; None where the server takes none (v1)."""
        return mint() if self.claims else None

    def has_spent_run_id(self, error: SimStudioError) -> bool:
        """Whether an error tells of a refusal that used up the run id, so that nothing ran under it."""
        return has_spent_run_id(error)

    async def execute(self, value: Any, run_id: str | None, queued: Queued) -> WorkflowExecutionResult:
        """Execute one input. ``queued`` is told the receipt of a background run before it is waited for."""
        self._loop = asyncio.get_running_loop()
        if self._options.mode != "async":
            result: WorkflowExecutionResult = await self._run(self._flows.execute(value, run_id))
            return result
        receipt: AsyncExecutionResult = await self._run(self._flows.submit(value, run_id))
        queued(receipt)
        return await self.wait(receipt)

    def wait(self, receipt: AsyncExecutionResult) -> Awaitable[WorkflowExecutionResult]:
        """The result of what was queued."""
        return self._run(self._flows.wait(receipt))

    def settle(self, task_id: str, execution_id: str | None, api_version: str) -> Awaitable[WorkflowExecutionResult]:
        """The result of a background run that an earlier batch queued, by the API that it used."""
        return self._run(self._flows.settle(task_id, execution_id, api_version))

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit, None when it does not say."""
        return self._run(self._flows.limits())

    async def aclose(self) -> None:
        """Let go of connections and threads."""
        await self._close()

    def _on_loop(self, hear: Hear) -> Hear:
        def told(hint: RateLimitInfo) -> None:
            try:
                asyncio.get_running_loop()
            except RuntimeError:  # on a thread of a blocking wire; the answer itself comes to the loop after this
                self._loop.call_soon_threadsafe(hear, hint)
            else:
                hear(hint)

        return told
