"""Senders execute items: :class:`FlowSender` runs their flows in this process, an executor's sender in workers.

Receipts and rate limits are passed to the coordinator on its event loop, wherever the flows run, because neither the
ledger nor the pace may be used by several threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol

from simstudio.batch.execution import Execution, Hear, Limits, MakeExecution, Price, R, R_co, Receipt
from simstudio.core.concurrent import make_runner
from simstudio.core.context import Context
from simstudio.transport.flow import Flow
from simstudio.transport.rate_limit import RateLimitInfo

if TYPE_CHECKING:
    from typing import TypeAlias


Queued: TypeAlias = Callable[[Receipt], None]


class Sender(Protocol[R_co]):
    """Executes items for the coordinator, which uses clients only through a sender."""

    @property
    def execution(self) -> Execution[R_co]:
        """The execution of the service."""
        ...

    def execute(self, value: Any, claim: str | None, queued: Queued) -> Awaitable[R_co]:
        """Execute one input. If it is queued, ``queued`` is called with the receipt before the wait."""
        ...

    def settle(self, receipt: Receipt) -> Awaitable[R_co]:
        """Wait for the result of a queued execution."""
        ...

    def prepare(self) -> Awaitable[None]:
        """Make the requests that are needed before the first item is sent."""
        ...

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit; None if the service does not say."""
        ...

    def reach(self) -> Awaitable[object]:
        """Make a request that runs nothing, to learn whether the service responds."""
        ...

    def price(self, run_id: str) -> Awaitable[Price | None]:
        """Price of an execution; None if the service does not say."""
        ...

    async def aclose(self) -> None:
        """Close connections and threads."""
        ...


class FlowSender(Generic[R]):
    """Runs flows on an event loop, or on threads if the client's wire blocks.

    Args:
        context: Context of the client.
        make: Makes the execution.
        most: Most flows that run at a time.
        on_hint: Called with the rate limit in the headers of responses.
    """

    def __init__(self, context: Context, make: MakeExecution[R], most: int, on_hint: Hear | None = None) -> None:
        runner = make_runner(context, most)
        self._close: Callable[[], Awaitable[None]] = runner.aclose
        self._run: Callable[[Flow[Any]], Awaitable[Any]] = runner.run
        self._loop: asyncio.AbstractEventLoop | None = None
        self.execution: Execution[R] = make(context, None if on_hint is None else self._on_loop(on_hint))

    async def execute(self, value: Any, claim: str | None, queued: Queued) -> R:
        """Execute one input. If it is queued, ``queued`` is called with the receipt before the wait."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        begun: R | Receipt = await self._run(self.execution.begin(value, claim))
        if not isinstance(begun, Receipt):
            return begun
        queued(begun)
        return await self.settle(begun)

    def settle(self, receipt: Receipt) -> Awaitable[R]:
        """Wait for the result of a queued execution."""
        return self._run(self.execution.settle(receipt))

    def prepare(self) -> Awaitable[None]:
        """Make the requests that are needed before the first item is sent."""
        return self._run(self.execution.prepare())

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit; None if the service does not say."""
        return self._run(self.execution.limits())

    def reach(self) -> Awaitable[object]:
        """Make a request that runs nothing, to learn whether the service responds."""
        return self._run(self.execution.reach())

    def price(self, run_id: str) -> Awaitable[Price | None]:
        """Price of an execution; None if the service does not say."""
        return self._run(self.execution.price(run_id))

    async def aclose(self) -> None:
        """Close connections and threads."""
        await self._close()

    def _on_loop(self, hear: Hear) -> Hear:
        def hear_on_loop(hint: RateLimitInfo) -> None:
            try:
                asyncio.get_running_loop()
            except RuntimeError:  # on a thread of a blocking wire; the loop gets the response later
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(hear, hint)
            else:
                hear(hint)

        return hear_on_loop
