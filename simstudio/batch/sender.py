"""Where executions run: :class:`FlowSender` runs their flows here, an executor's sender has workers run them.

The coordinator is told of receipts and hints on its own event loop, wherever the flows run: neither the ledger nor the
pace is made for several threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol

from simstudio.batch.execution import R, R_co, Receipt
from simstudio.core.concurrent import make_runner

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.batch.execution import Execution, Hear, Limits, MakeExecution, Price
    from simstudio.core.context import Context
    from simstudio.transport.flow import Flow
    from simstudio.transport.rate_limit import RateLimitInfo

Queued: TypeAlias = Callable[[Receipt], None]


class Sender(Protocol[R_co]):
    """Executes items, for the coordinator, which uses clients only through this."""

    @property
    def execution(self) -> Execution[R_co]:
        """What is sent."""
        ...

    def execute(self, value: Any, claim: str | None, queued: Queued) -> Awaitable[R_co]:
        """Execute one input. ``queued`` is called with the receipt of what was queued, before that is waited for."""
        ...

    def settle(self, receipt: Receipt) -> Awaitable[R_co]:
        """The result of what was queued."""
        ...

    def prepare(self) -> Awaitable[None]:
        """Ask the service what has to be known before the first item is sent."""
        ...

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit, None when it does not say."""
        ...

    def reach(self) -> Awaitable[object]:
        """Ask the service something that runs nothing, to see whether it answers."""
        ...

    def price(self, run_id: str) -> Awaitable[Price | None]:
        """What an execution cost, None when the service does not say."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and threads."""
        ...


class FlowSender(Generic[R]):
    """Runs flows on an event loop, or on threads where the client's wire blocks.

    Args:
        context: Of the client.
        make: Makes what is sent.
        most: How many may run at a time.
        on_hint: Called with what the responses to executions say about the rate limit.
    """

    def __init__(self, context: Context, make: MakeExecution[R], most: int, on_hint: Hear | None = None) -> None:
        runner = make_runner(context, most)
        self._close: Callable[[], Awaitable[None]] = runner.aclose
        self._run: Callable[[Flow[Any]], Awaitable[Any]] = runner.run
        self._loop: asyncio.AbstractEventLoop
        self.execution: Execution[R] = make(context, None if on_hint is None else self._on_loop(on_hint))

    async def execute(self, value: Any, claim: str | None, queued: Queued) -> R:
        """Execute one input. ``queued`` is called with the receipt of what was queued, before that is waited for."""
        self._loop = asyncio.get_running_loop()
        begun: R | Receipt = await self._run(self.execution.begin(value, claim))
        if not isinstance(begun, Receipt):
            return begun
        queued(begun)
        return await self.settle(begun)

    def settle(self, receipt: Receipt) -> Awaitable[R]:
        """The result of what was queued."""
        return self._run(self.execution.settle(receipt))

    def prepare(self) -> Awaitable[None]:
        """Ask the service what has to be known before the first item is sent."""
        return self._run(self.execution.prepare())

    def limits(self) -> Awaitable[Limits | None]:
        """The service's rate limit, None when it does not say."""
        return self._run(self.execution.limits())

    def reach(self) -> Awaitable[object]:
        """Ask the service something that runs nothing, to see whether it answers."""
        return self._run(self.execution.reach())

    def price(self, run_id: str) -> Awaitable[Price | None]:
        """What an execution cost, None when the service does not say."""
        return self._run(self.execution.price(run_id))

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
