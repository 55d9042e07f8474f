"""The pace of a batch against the sandbox over real connections; only its clock is turned by hand."""

from __future__ import annotations

import asyncio
import time

import pytest

from simstudio import RateLimitError
from simstudio.batch.pace import Pace
from simstudio.resources.batch_execution import limits_of
from simstudio.sandbox import RateLimits, Sandbox

ITEMS = 160


class Clock:
    now = 1_795_161_600.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("concurrency", [4, None])
async def test_the_rate_of_the_sandbox_is_reached_and_one_request_refused(concurrency: int | None) -> None:
    clock = Clock()
    pace = Pace(concurrency=concurrency, clock=clock, wall=clock)
    done = refused = 0
    with Sandbox(rate_limits=RateLimits(sync_per_minute=20), clock=clock).serve() as server:
        async with server.async_client(max_retries=0) as client:

            async def one() -> None:
                nonlocal done, refused
                began = clock.now
                try:
                    await client.workflows.execute("hello", {"name": "Ada"})
                except RateLimitError as error:
                    refused += 1
                    pace.see_refusal(error.retry_after)
                else:
                    done += 1
                    pace.see_success(clock.now - began)

            pace.seed(limits_of(await client.usage.limits(), background=False))
            running: set[asyncio.Task[None]] = set()
            while clock.now < Clock.now + 599:
                delay = pace.wait(len(running))
                if delay == 0.0:
                    running.add(asyncio.create_task(one()))
                elif pace.wants_limits():
                    pace.seed(limits_of(await client.usage.limits(), background=False))
                elif running:
                    _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                else:
                    clock.now += delay
            await asyncio.gather(*running)

    assert done / (40 + 9 * 20) >= 0.95
    assert refused == 1


def test_limits_that_the_sandbox_does_not_enforce_are_not_paced() -> None:
    clock = Clock()
    pace = Pace(concurrency=1, clock=clock, wall=clock)
    done = 0
    with Sandbox(clock=clock).serve() as server, server.client(max_retries=0) as client:
        pace.seed(limits_of(client.usage.limits(), background=False))
        while done < ITEMS:
            delay = pace.wait(0)
            if delay == 0.0:
                client.workflows.execute("hello", {"name": "Ada"})
                pace.see_success(0.0)
                done += 1
            elif pace.wants_limits():
                pace.seed(limits_of(client.usage.limits(), background=False))
            else:
                clock.now += delay
    assert clock.now - Clock.now < 60


@pytest.mark.parametrize("generation", ["v0.6", "v0.4"])
def test_background_runs_are_paced_as_each_generation_counts_them(generation: str) -> None:
    clock = Clock()
    pace = Pace(concurrency=1, cost=2, clock=clock, wall=clock)
    limits = RateLimits(sync_per_minute=10, async_per_minute=10)
    done = refused = 0
    with (
        Sandbox(rate_limits=limits, generation=generation, clock=clock).serve() as server,  # type: ignore[arg-type]
        server.client(max_retries=0) as client,
    ):
        pace.seed(limits_of(client.usage.limits(), background=True))
        while done < 40:
            delay = pace.wait(0)
            if delay == 0.0:
                try:
                    job = client.jobs.get(client.workflows.submit("hello", {"name": "Ada"}))
                    while not job.done:
                        time.sleep(0.001)
                        job = client.jobs.get(job)
                except RateLimitError as error:
                    refused += 1
                    pace.see_refusal(error.retry_after)
                else:
                    assert job.succeeded
                    done += 1
                    pace.see_success(0.0)
            elif pace.wants_limits():
                pace.seed(limits_of(client.usage.limits(), background=True))
            else:
                clock.now += delay
    assert refused <= 1
    each_minute = 10 if generation == "v0.4" else 5
    assert (clock.now - Clock.now) / 60 <= 40 / each_minute
