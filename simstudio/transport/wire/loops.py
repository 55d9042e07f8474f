"""What belongs to an event loop, and is closed when that loop ends."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, Protocol, TypeVar

from simstudio.transport.wire.tasks import shielded


class Closable(Protocol):
    """What an event loop has of a wire."""

    async def aclose(self) -> None:
        """Close it."""
        ...

    def drop(self) -> None:
        """Let go of all that is open, where the loop is closed and can do nothing."""
        ...


T = TypeVar("T", bound=Closable)


class PerLoop(Generic[T]):
    """One thing for each event loop, made when the loop first asks for it.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._held: dict[int, _Held[T]] = {}

    async def get(self) -> T:
        """That of the running loop."""
        loop = asyncio.get_running_loop()
        held = self._held.get(id(loop))
        if held is None or held.loop() is not loop:
            self._drop_lost()
            held = self._held[id(loop)] = _Held(loop, self._make())
            held.life = _live(held.thing, weakref.ref(self), id(loop))
            await held.life.asend(None)
        return held.thing

    async def aclose(self) -> None:
        """Close that of the running loop (those of loops that are over are closed, or are lost and dropped)."""
        self._drop_lost()
        held = self._held.get(id(asyncio.get_running_loop()))
        if held is not None:
            await shielded(held.life.aclose())

    def _drop_lost(self) -> None:
        """Drop what is of loops that were closed without ending their asynchronous generators."""
        for key, held in list(self._held.items()):
            loop = held.loop()
            if (loop is None or loop.is_closed()) and self._held.pop(key, None) is held:
                held.thing.drop()


class _Held(Generic[T]):
    life: AsyncGenerator[None, None]

    def __init__(self, loop: asyncio.AbstractEventLoop, thing: T) -> None:
        self.loop = weakref.ref(loop)
        self.thing = thing


async def _live(thing: Closable, owner: weakref.ref[PerLoop[Any]], key: int) -> AsyncGenerator[None, None]:
    """Lives as long as its loop: ``asyncio.run`` closes open asynchronous generators before it closes the loop.

    It lives no longer than its owner either, to which it has no reference: a forgotten client's connections are closed
    at once, and not by a garbage collector that finds them open.
    """
    try:
        yield
    finally:
        living = owner()
        if living is not None and key in living._held and living._held[key].thing is thing:
            del living._held[key]
        await thing.aclose()
