"""Many flows of one client at a time, on one event loop: what a batch runs on, whatever the client's mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from simstudio.core.session import LazyWire
from simstudio.transport.flow import AsyncWire, Flow, Wire, adrive, drive

if TYPE_CHECKING:
    from simstudio.core.context import Context

T = TypeVar("T")


class Concurrent(Protocol):
    """Runs many flows at a time, on one event loop."""

    async def run(self, flow: Flow[Any]) -> Any:
        """Run a flow and return its result."""
        ...

    async def aclose(self) -> None:
        """Close what was opened for it."""
        ...


def concurrent(context: Context, most: int) -> Concurrent:
    """What runs up to ``most`` flows of a client at a time on the running event loop.

    An async client uses its own connections, a sync client new ones of the same kind; threads where its calls go
    through an ``http_client`` that blocks.

    Raises:
        ConfigurationError: The client is closed.
    """
    session = context.session
    if context.mode.asynchronous:
        return _Loop(session.awaiting, owned=False)
    if session.http_client is not None:
        return _Threads(session.blocking, most)
    session.blocking.get()  # raises where the client is closed
    return _Loop(LazyWire(session.new_awaiting_wire), owned=True)


class _Loop:
    """Runs flows over an async wire: the client's own, or one made for the purpose."""

    def __init__(self, wire: LazyWire[AsyncWire], *, owned: bool) -> None:
        self._wire = wire
        self._owned = owned

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow and return its result."""
        return await adrive(flow, self._wire.get())

    async def aclose(self) -> None:
        """Close the wire if it was made for the purpose."""
        wire = self._wire.retire() if self._owned else None
        if wire is not None:
            await wire.aclose()


class _Threads:
    """Runs flows of a blocking wire on threads."""

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
        """End the threads, without waiting for what still runs on them."""
        self._pool.shutdown(wait=False, cancel_futures=True)
