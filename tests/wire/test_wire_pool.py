"""Connections wait for the next call, last used first, and no longer than they live."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import STREAM, answer, chunked, text
from wirecalls import async_client_of, client_of

from simstudio.transport.wire.slots import Slots

Serve = Callable[..., FaultServer]
HERE, THERE = (b"here", 80), (b"there", 80)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def used(slots: Slots[str], *connections: str, place: Any = HERE) -> None:
    """Use some connections, and put them back in this order."""
    for connection in connections:
        slots.add(connection)
    for connection in connections:
        assert slots.give(place, connection, usable=True) == []


def test_the_last_used_is_taken_first() -> None:
    slots: Slots[str] = Slots(4.0, Clock())
    used(slots, "a", "b", "c")
    assert [slots.take(HERE) for _ in range(4)] == ["c", "b", "a", None]


def test_those_of_another_place_are_not_taken() -> None:
    slots: Slots[str] = Slots(4.0, Clock())
    used(slots, "a", place=THERE)
    assert slots.take(HERE) is None
    assert slots.take(THERE) == "a"


def test_one_in_use_is_not_taken() -> None:
    slots: Slots[str] = Slots(4.0, Clock())
    used(slots, "a")
    assert (slots.take(HERE), slots.take(HERE)) == ("a", None)
    assert slots.busy == {"a"}


def test_those_that_waited_too_long_are_handed_out_to_be_closed_whatever_number() -> None:
    clock = Clock()
    slots: Slots[str] = Slots(4.0, clock)
    used(slots, "a", "b")
    clock.now = 3.0
    used(slots, "c")
    clock.now = 5.0
    slots.add("d")
    assert slots.give(HERE, "d", usable=True) == ["a", "b"]
    assert len(slots) == 2


def test_one_that_is_not_usable_is_handed_out_at_once() -> None:
    slots: Slots[str] = Slots(4.0, Clock())
    slots.add("a")
    assert slots.give(HERE, "a", usable=False) == ["a"]
    assert (len(slots), slots.busy) == (0, set())


def test_closing_hands_out_all_and_keeps_none_afterwards() -> None:
    slots: Slots[str] = Slots(4.0, Clock())
    used(slots, "a", "b")
    slots.add("c")
    assert sorted(slots.close()) == ["a", "b", "c"]
    assert slots.give(HERE, "c", usable=True) == ["c"]
    assert slots.take(HERE) is None


def test_the_cost_of_a_call_does_not_grow_with_the_connections() -> None:
    """Counted: a connection is looked at when it is used, and otherwise never."""
    looks: list[int] = []

    class Counted(Clock):
        def __call__(self) -> float:
            looks.append(1)
            return 0.0

    slots: Slots[int] = Slots(4.0, Counted())
    for number in range(1000):
        slots.add(number)
    for number in range(1000):
        slots.give(HERE, number, usable=True)
    assert len(looks) == 1000


# -- over sockets ------------------------------------------------------------------------------------------------


async def held(connection: Connection) -> None:
    while True:
        await connection.request()
        await connection.hold()
        await connection.send(answer())


async def endless(connection: Connection) -> None:
    await connection.request()
    await connection.send(STREAM + chunked(text("Hel")))
    await connection.silence()


async def test_a_burst_leaves_its_connections_to_the_next_one(serve: Serve) -> None:
    server = serve(held)
    async with async_client_of(server.url) as client:
        for burst in (1, 2):
            calls = [asyncio.create_task(client.workflows.execute("wf")) for _ in range(150)]
            await asyncio.to_thread(server.saw_requests, 150 * burst)
            server.release()
            await asyncio.gather(*calls)
    assert len(server.connections) == 150


async def test_a_stream_that_is_forgotten_is_counted_no_longer_async(serve: Serve) -> None:
    server = serve(endless)
    async with async_client_of(server.url) as client:
        await (await client.workflows.stream("wf")).__anext__()
        gc.collect()
        assert await asyncio.to_thread(server.saw_close)
        (transport,) = (await client._context.session.awaiting.get()._loops.get())._open.values()
        assert transport._pool.slots.busy == set()


@pytest.mark.parametrize("begun", [True, False])
def test_a_stream_that_is_forgotten_is_closed_and_counted_no_longer(serve: Serve, begun: bool) -> None:
    server = serve(endless)
    with client_of(server.url) as client:
        stream = client.workflows.stream("wf")
        if begun:
            next(stream)
        del stream
        gc.collect()
        assert server.saw_close()
        (transport,) = client._context.session.blocking.get()._open.values()
        assert transport._pool.slots.busy == set()
