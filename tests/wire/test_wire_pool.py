"""Connections wait for the next call, last used first, and no longer than they live."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest
from attrs import frozen
from faultserver import Connection, FaultServer
from wireanswers import STREAM, answer, chunked, text
from wirecalls import async_client_of, client_of

from simstudio.transport.wire.pool import Connections

Serve = Callable[..., FaultServer]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@frozen
class Line:
    name: str
    place: str = "here"


A, B, C, D = map(Line, "abcd")


def used(connections: Connections[Line], *lines: Line) -> None:
    """Use some connections, and put them back in this order."""
    for line in lines:
        connections.add(line)
    for line in lines:
        assert connections.give(line, usable=True) == []


def test_the_last_used_is_taken_first() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    used(connections, A, B, C)
    assert [connections.take("here") for _ in range(4)] == [C, B, A, None]


def test_those_of_another_place_are_not_taken() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    there = Line("a", "there")
    used(connections, there)
    assert connections.take("here") is None
    assert connections.take("there") == there


def test_one_in_use_is_not_taken() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    used(connections, A)
    assert (connections.take("here"), connections.take("here")) == (A, None)
    assert connections.busy == {A}


def test_those_that_waited_too_long_are_handed_out_to_be_closed_whatever_number() -> None:
    clock = Clock()
    connections: Connections[Line] = Connections(4.0, clock)
    used(connections, A, B)
    clock.now = 3.0
    used(connections, C)
    clock.now = 5.0
    connections.add(D)
    assert connections.give(D, usable=True) == [A, B]
    assert len(connections) == 2


def test_those_that_waited_too_long_by_either_clock_are_not_taken_and_handed_out_later() -> None:
    """While a machine sleeps its monotonic clock may stand still."""
    for going in (0, 1):
        clocks = (Clock(), Clock())
        connections: Connections[Line] = Connections(4.0, *clocks)
        used(connections, A, B)
        clocks[going].now = 4.5
        assert connections.take("here") is None
        connections.add(C)
        assert connections.give(C, usable=True) == [A, B]
        assert connections.take("here") == C


def test_one_that_is_not_usable_is_handed_out_at_once() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    connections.add(A)
    assert connections.give(A, usable=False) == [A]
    assert (len(connections), connections.busy) == (0, set())


def test_closing_hands_out_all_and_keeps_none_afterwards() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    used(connections, A, B)
    connections.add(C)
    assert set(connections.close()) == {A, B, C}
    assert connections.give(C, usable=True) == [C]
    assert connections.take("here") is None


def test_the_cost_of_a_call_does_not_grow_with_the_connections() -> None:
    """Counted: a connection is looked at when it is used, and otherwise never."""
    looks: list[int] = []

    class Counted(Clock):
        def __call__(self) -> float:
            looks.append(1)
            return 0.0

    connections: Connections[Line] = Connections(4.0, Counted())
    lines = [Line(str(number)) for number in range(1000)]
    for line in lines:
        connections.add(line)
    for line in lines:
        connections.give(line, usable=True)
    assert len(looks) == 1000


# -- when no further connection can be opened --------------------------------------------------------------------


def test_an_idle_connection_is_closed_to_make_room() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    used(connections, A, B)
    assert connections.make_room(print) is A
    assert connections.take("here") is B


def test_where_none_is_in_use_there_is_nothing_to_wait_for() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    assert connections.make_room(print) is False


def test_whoever_waits_is_woken_in_order() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    connections.add(A)
    woken: list[int] = []
    assert connections.make_room(lambda: woken.append(1)) is True
    assert connections.make_room(lambda: woken.append(2)) is True
    connections.wake_next()
    assert woken == [1]
    connections.wake_next()
    connections.wake_next()
    assert woken == [1, 2]


def test_one_who_gave_up_after_being_woken_passes_it_on() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    connections.add(A)
    woken: list[int] = []
    calls = [lambda number=number: woken.append(number) for number in range(3)]
    for call in calls:
        connections.make_room(call)
    connections.withdraw(calls[1])
    connections.wake_next()
    connections.withdraw(calls[0])
    assert woken == [0, 2]


def test_closing_wakes_all_who_wait() -> None:
    connections: Connections[Line] = Connections(4.0, Clock())
    connections.add(A)
    woken: list[int] = []
    for number in range(3):
        connections.make_room(lambda number=number: woken.append(number))  # type: ignore[misc]
    connections.close()
    assert woken == [0, 1, 2]


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
        (pool,) = client._context.session.async_wire.get()._loops.find()._pools.values()
        assert pool.connections.busy == set()


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
        (pool,) = client._context.session.sync_wire.get()._pools.values()
        assert pool.connections.busy == set()
