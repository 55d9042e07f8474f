"""Objects that belong to an event loop, and are closed when it ends."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, Protocol, TypeVar

from simstudio.transport.flow import running_loop
from simstudio.transport.wire.tasks import shield


class Closable(Protocol):
    """An object that belongs to an event loop."""

    def close(self) -> None:
        """Close everything at once, also where the loop is closed already."""
        ...


T = TypeVar("T", bound=Closable)


class PerLoop(Generic[T]):
    """One thing for each event loop, made when the loop first asks for it.

    Args:
        make: Makes the thing.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._held: dict[int, _Held[T]] = {}

    def find(self) -> T | None:
        """The thing of the running loop, if it was made.

        Raises:
            ConfigurationError: No event loop of asyncio is running.
        """
        loop = running_loop()
        held = self._held.get(id(loop))
        return held.thing if held is not None and held.loop() is loop else None

    async def make(self) -> T:
        """Make the thing of the running loop, which is closed when the loop ends."""
        loop = running_loop()
        self._drop_lost()
        held = self._held[id(loop)] = _Held(loop, self._make())
        held.life = _live(held.thing, weakref.ref(self), id(loop))
        await held.life.asend(None)
        return held.thing

    async def aclose(self) -> None:
        """Close the thing of the running loop, and those of loops that were closed in haste."""
        self._drop_lost()
        held = self._held.get(id(running_loop()))
        if held is not None:
            await shield(held.life.aclose())

    def _drop_lost(self) -> None:
        """Close what belongs to loops that were closed without ending their asynchronous generators."""
        for key, held in list(self._held.items()):
            loop = held.loop()
            if (loop is None or loop.is_closed()) and self._held.pop(key, None) is held:
                held.thing.close()


class _Held(Generic[T]):
    life: AsyncGenerator[None, None]

    def __init__(self, loop: asyncio.AbstractEventLoop, thing: T) -> None:
        self.loop = weakref.ref(loop)
        self.thing = thing


async def _live(thing: Closable, owner: weakref.ref[PerLoop[Any]], key: int) -> AsyncGenerator[None, None]:
    """Lives as long as its loop: ``asyncio.run`` closes open asynchronous generators before it closes the loop.

    It holds no reference to its owner, so that the connections of a forgotten client are closed at once, and not by a
    garbage collector that finds them open.
    """
    try:
        yield
    finally:
        living = owner()
        if living is not None and key in living._held and living._held[key].thing is thing:
            del living._held[key]
        thing.close()
