"""Many flows of one client at a time, on one event loop, whatever the client's mode. Batches run on this."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Protocol, TypeVar

from simstudio.core.session import LazyWire
from simstudio.transport.flow import Flow, adrive, drive

if TYPE_CHECKING:
    from simstudio.core.context import Context
    from simstudio.transport.wire.protocols import AsyncWire, Wire

T = TypeVar("T")


class FlowRunner(Protocol):
    """Runs flows of one client, many at a time, on one event loop."""

    def run(self, flow: Flow[T]) -> Awaitable[T]:
        """Run a flow and return its result."""
        ...

    async def aclose(self) -> None:
        """Close the connections or threads that were made for this runner."""
        ...


def make_runner(context: Context, most: int) -> FlowRunner:
    """Make a runner for up to ``most`` flows at a time on the running event loop.

    An async client uses its own connections. A sync client uses new async connections, or threads if it has an
    ``http_client`` of the user's, which can only block.

    Raises:
        ConfigurationError: The client is closed.
    """
    session = context.session
    if context.mode.asynchronous:
        return _LoopRunner(session.async_wire, owned=False)
    if session.http_client is not None:
        return _ThreadRunner(session.sync_wire, most)
    session.sync_wire.get()  # raises if the client is closed
    return _LoopRunner(LazyWire(session.make_async_wire), owned=True)


class _LoopRunner:
    """Runs flows over an async wire: the client's own, or one that belongs to the runner."""

    def __init__(self, wire: LazyWire[AsyncWire], *, owned: bool) -> None:
        self._wire = wire
        self._owned = owned

    def run(self, flow: Flow[T]) -> Awaitable[T]:
        """Run a flow and return its result."""
        return adrive(flow, self._wire.get())

    async def aclose(self) -> None:
        """Close the wire if it belongs to the runner."""
        wire = self._wire.retire() if self._owned else None
        if wire is not None:
            await wire.aclose()


class _ThreadRunner:
    """Runs flows over a blocking wire, each on a thread."""

    def __init__(self, wire: LazyWire[Wire], most: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._wire = wire
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="simstudio")

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow and return its result."""
        import asyncio

        wire = self._wire.get()
        return await asyncio.get_running_loop().run_in_executor(self._pool, drive, flow, wire)

    async def aclose(self) -> None:
        """End the threads, without waiting for the flows that still run on them."""
        self._pool.shutdown(wait=False, cancel_futures=True)
