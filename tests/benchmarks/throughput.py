"""Many calls at once: 6,000 to a server that answers after 50 ms, 200 at a time, beside the ideal of 1.5 s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.benchmarks.measures import INPUT, Row, alternate, server
from tests.benchmarks.slowserver import DELAY

CALLS, CONCURRENCY, ROUNDS = 6_000, 200, 9
IDEAL = CALLS / CONCURRENCY * DELAY
SLOW_CALLS = 600
"""How many raw httpx is asked for, which would take most of a minute for all: its time is multiplied."""
PATH = "/api/workflows/wf/execute"

Call = Callable[[Any], Awaitable[object]]


async def _execute(client: Any) -> object:
    return (await client.workflows.execute("wf", INPUT)).output["result"]["doubled"]


def _default(base: str) -> tuple[AbstractAsyncContextManager[Any], Call]:
    from simstudio import AsyncSimStudioClient

    return AsyncSimStudioClient("key", base), _execute


def _aiohttp(base: str) -> tuple[AbstractAsyncContextManager[Any], Call]:
    import aiohttp

    async def call(session: Any) -> object:
        async with session.post(base + PATH, json=INPUT, headers={"X-API-Key": "key"}) as response:
            return (await response.json())["output"]["result"]["doubled"]

    class Session:  # which wants a running loop
        async def __aenter__(self) -> aiohttp.ClientSession:
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            return self.session

        async def __aexit__(self, *_: object) -> None:
            await self.session.close()

    return Session(), call


def _httpx(base: str) -> tuple[AbstractAsyncContextManager[Any], Call]:
    import httpx

    async def call(client: Any) -> object:
        response = await client.post(base + PATH, json=INPUT, headers={"X-API-Key": "key"})
        return response.json()["output"]["result"]["doubled"]

    return httpx.AsyncClient(limits=httpx.Limits(max_connections=None)), call


Side = Callable[[str], "tuple[AbstractAsyncContextManager[Any], Call]"]


def _seconds(side: Side, base: str, count: int = CALLS) -> Callable[[], float]:
    """A run that gives the seconds of all calls, connecting included."""

    async def main() -> float:
        manager, call = side(base)
        async with manager as client:
            assert await call(client) == 42  # imports, and what else is done once
            left = iter(range(count))

            async def work() -> None:
                for _ in left:
                    assert await call(client) == 42

            started = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
            return time.perf_counter() - started

    return lambda: asyncio.run(main())


def _mapped(base: str, clock: Callable[[], float] = time.perf_counter, warm: int = 0) -> Callable[[], float]:
    """A run that gives the seconds of one ``workflows.map`` over all inputs, after ``warm`` others."""
    from simstudio import SimStudioClient

    def run() -> float:
        with SimStudioClient("key", base) as client:

            def mapped(count: int) -> float:
                started = clock()
                items = client.workflows.map("wf", [INPUT] * count, concurrency=CONCURRENCY, ordered=False)
                assert sum(item.output["result"]["doubled"] == 42 for item in items) == count
                return clock() - started

            mapped(warm)
            return mapped(CALLS)

    return run


def _cpu(side: Side, base: str, count: int, most: int) -> Callable[[], float]:
    """A run that gives the CPU seconds of awaited calls, ``most`` in flight, on open connections."""

    async def main() -> float:
        manager, call = side(base)
        async with manager as client:
            await asyncio.gather(*(call(client) for _ in range(most)))
            left = iter(range(count))

            async def work() -> None:
                for _ in left:
                    await call(client)

            started = time.process_time()
            await asyncio.gather(*(work() for _ in range(most)))
            return time.process_time() - started

    return lambda: asyncio.run(main())


def in_flight() -> Row:
    """CPU of awaited calls, 100 in flight, beside ``httpx.AsyncClient``."""
    count, most = 1000, 100
    with server("tests.benchmarks.slowserver") as base:
        sides = {name: _cpu(side, base, count, most) for name, side in (("own", _default), ("httpx", _httpx))}
        found = {name: seconds / count * 1e6 for name, seconds in alternate(sides, 5).items()}
    detail = f"{found['own']:.0f} µs ÷ {found['httpx']:.0f} µs"
    return Row(
        "CPU of an awaited call, 100 in flight ÷ `httpx.AsyncClient`", found["own"] / found["httpx"], 0.15, "", detail
    )


def throughput() -> list[Row]:
    """Wall time of 6,000 calls, 200 at a time."""
    with server("tests.benchmarks.slowserver") as base:
        sides = {side.__name__: _seconds(side, base) for side in (_default, _aiohttp)}
        sides["map"] = _mapped(base)
        alternate(sides, 1)
        found = alternate(sides, ROUNDS)
        raw = _seconds(_httpx, base, SLOW_CALLS)() * CALLS / SLOW_CALLS
    name = f"{CALLS:,} calls, 50 ms server, concurrency {CONCURRENCY}"
    beside = f"aiohttp, bare: {found['_aiohttp']:.2f} s; raw httpx: {raw:.0f} s (of {SLOW_CALLS} calls)"
    return [
        Row(f"{name} ÷ ideal", found["_default"] / IDEAL, 1.25, "", f"{found['_default']:.2f} s ÷ {IDEAL} s; {beside}"),
        Row("`workflows.map` of the same ÷ ideal", found["map"] / IDEAL, 1.25, "", f"{found['map']:.2f} s ÷ {IDEAL} s"),
    ]


def item() -> Row:
    """CPU of an item of ``workflows.map``, beside an awaited call of the same client and bare aiohttp."""
    with server("tests.benchmarks.slowserver") as base:
        sides = {name: _cpu(side, base, CALLS, CONCURRENCY) for name, side in (("call", _default), ("bare", _aiohttp))}
        sides["item"] = _mapped(base, time.process_time, warm=CONCURRENCY)
        found = {name: seconds / CALLS * 1e6 for name, seconds in alternate(sides, ROUNDS).items()}
    detail = f"{found['item']:.0f} µs ÷ {found['call']:.0f} µs; aiohttp, bare: {found['bare']:.0f} µs"
    name = f"CPU of an item of `workflows.map` ÷ an awaited call, {CONCURRENCY} in flight"
    return Row(name, found["item"] / found["call"], 1.2, "", detail)


MEASURES = (in_flight, throughput, item)
