"""How many requests a batch has in flight: against simulated servers that queue what they cannot work on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from pace_world import Batch, Server, World

from simstudio.batch.pace import Pace

WITHOUT_LIMITS = 10**9


def run(
    workers: int | None,
    latency: Callable[[], float],
    seconds: float,
    *,
    most: int = 200,
    concurrency: int | None = None,
) -> tuple[Batch, Server, World]:
    world = World()
    server = Server(world, rate=WITHOUT_LIMITS, workers=workers, latency=latency, tells=False)
    running = Batch(world, server, Pace(concurrency=concurrency, most=most, clock=world.clock, wall=world.wall))
    running.start()
    world.run(seconds)
    return running, server, world


def exponential(mean: float, seed: int) -> Callable[[], float]:
    numbers = random.Random(seed)
    return lambda: numbers.expovariate(1 / mean)


@pytest.mark.parametrize("workers", [5, 20, 60])
def test_the_knee_of_a_server_with_a_queue_is_found(workers: int) -> None:
    running, server, world = run(workers, lambda: 0.05, 60)
    assert server.accepted >= 0.95 * 60 * workers / 0.05
    assert running.slot_seconds / world.now <= 1.6 * workers


@pytest.mark.parametrize(("workers", "seed"), [(5, 0), (20, 1), (60, 2)])
def test_the_knee_is_found_although_durations_scatter(workers: int, seed: int) -> None:
    running, server, world = run(workers, exponential(0.05, seed), 60)
    assert server.accepted >= 0.85 * 60 * workers / 0.05
    assert running.slot_seconds / world.now <= 2.2 * workers


def test_scattered_durations_alone_do_not_hold_a_batch_back() -> None:
    numbers = random.Random(0)
    running, _, _ = run(None, lambda: numbers.lognormvariate(2, 1), 1800)
    assert running.pace.limit == 200


def test_a_server_without_a_queue_gets_the_most() -> None:
    running, _, _ = run(None, lambda: 0.05, 5)
    assert running.pace.limit == 200


def test_the_most_is_never_exceeded() -> None:
    running, _, _ = run(None, lambda: 0.05, 5, most=30)
    assert running.most == 30


def test_a_fixed_concurrency_stays() -> None:
    running, _, _ = run(None, lambda: 0.05, 5, concurrency=7)
    assert running.most == running.pace.limit == 7


def test_one_slow_call_does_not_bring_the_others_down() -> None:
    numbers = random.Random(3)
    _, server, _ = run(40, lambda: 5.0 if numbers.random() < 0.002 else 0.05, 60)
    mean = 0.05 * 0.998 + 5.0 * 0.002
    assert server.accepted >= 0.85 * 60 * 40 / mean


def test_a_server_that_loses_workers_is_not_flooded_for_long() -> None:
    running, server, world = run(100, lambda: 0.05, 60)
    assert running.pace.limit > 70
    assert server.free is not None
    server.free -= 90
    world.run(240)
    before = running.slot_seconds
    world.run(300)
    assert (running.slot_seconds - before) / 60 <= 20


def test_a_server_that_gets_workers_is_made_use_of() -> None:
    running, server, world = run(10, lambda: 0.05, 60)
    assert running.pace.limit <= 20
    assert server.free is not None
    server.free += 90
    world.run(120)
    before = server.accepted
    world.run(130)
    assert server.accepted - before >= 0.85 * 10 * 100 / 0.05


# -- failures


class Now:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def busy(limit: int = 100) -> tuple[Pace, Now]:
    now = Now()
    pace = Pace(most=limit, clock=now, wall=now)
    in_flight = 0
    while pace.limit < limit:
        while pace.wait(in_flight) == 0.0:
            in_flight += 1
        now.now += 0.05
        for _ in range(in_flight):
            pace.see_success(0.05)
        in_flight = 0
    for each in range(limit):
        pace.wait(each)
    now.now += 0.05
    return pace, now


def test_one_failure_costs_one_slot() -> None:
    pace, _ = busy()
    pace.see_failure(0.05)
    assert pace.limit == 99


def test_several_failures_cost_a_third_once_for_all_in_flight() -> None:
    pace, _ = busy()
    for _ in range(100):
        pace.see_failure(0.05)
    assert pace.limit == 69


def test_failures_never_leave_less_than_one_slot() -> None:
    pace, now = busy()
    for _ in range(1000):
        pace.wait(0)
        now.now += 1.0
        pace.see_failure(0.5)
    assert pace.limit == 1
    assert pace.wait(0) == 0.0


def test_after_failures_the_slots_come_back() -> None:
    pace, now = busy()
    for _ in range(100):
        pace.see_failure(0.05)
    for _ in range(100):
        in_flight = 0
        while pace.wait(in_flight) == 0.0:
            in_flight += 1
        now.now += 0.05
        for _ in range(in_flight):
            pace.see_success(0.05)
    assert pace.limit == 100


def test_failures_do_not_touch_a_fixed_concurrency() -> None:
    now = Now()
    pace = Pace(concurrency=5, clock=now, wall=now)
    for _ in range(50):
        pace.wait(0)
        now.now += 1.0
        pace.see_failure(1.0)
    assert pace.limit == 5


def test_waiting_for_tokens_is_not_mistaken_for_a_slow_server() -> None:
    world = World()
    server = Server(world, rate=600, latency=lambda: 0.05)
    running = Batch(world, server, Pace(clock=world.clock, wall=world.wall))
    running.start()
    world.run(1800)
    assert running.pace.limit >= 8
    assert not math.isinf(running.wake_at)
