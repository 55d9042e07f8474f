"""The pace of a batch against Sim's token bucket: hours of it, simulated."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from pace_world import Batch, Server, World

from simstudio.batch.execution import Limits
from simstudio.batch.pace import Pace
from simstudio.models.usage import ExecutionRateLimits, RateLimitEntry, UsageLimits
from simstudio.resources.batch_execution import limits_of

HOUR = 3600.0


def scattered(mean: float, seed: int = 7) -> Callable[[], float]:
    numbers = random.Random(seed)
    return lambda: numbers.expovariate(1 / mean)


def batch(
    world: World, server: Server, *, asks: bool = True, items: float = math.inf, concurrency: int | None = None
) -> Batch:
    pace = Pace(concurrency=concurrency, cost=server.cost, clock=world.clock, wall=world.wall)
    return Batch(world, server, pace, asks=asks, items=items)


def rates(server: Server, begun: int, *, tokens: int) -> tuple[float, float]:
    """What was run of what the bucket had for us, and what was refused of what was sent."""
    allowed = (tokens - server.taken_by_others) / server.cost
    return server.accepted / allowed, server.refused / begun


@pytest.mark.parametrize("cost", [1, 2])
@pytest.mark.parametrize("rate", [10, 50, 150, 600])
def test_the_allowed_rate_is_reached_and_hardly_anything_refused(rate: int, cost: int) -> None:
    world = World()
    server = Server(world, rate=rate, cost=cost)
    running = batch(world, server)
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=2 * rate + 59 * rate)
    assert reached >= 0.95
    assert refused <= 0.01
    assert server.refused <= 1  # the probe


@pytest.mark.parametrize("cost", [1, 2])
@pytest.mark.parametrize("every", [10.0, 3.0, 2.0])
@pytest.mark.parametrize("latency", [0.05, 3.0])
def test_the_rate_is_reached_although_others_take_a_part_of_the_bucket(cost: int, every: float, latency: float) -> None:
    world = World()
    server = Server(world, rate=50, cost=cost, latency=scattered(latency))
    server.others(every, random.Random(1))
    running = batch(world, server)
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=2 * 50 + 59 * 50)
    assert server.taken_by_others > HOUR / every / 2
    assert reached >= 0.95
    assert refused <= 0.01


@pytest.mark.parametrize("begun_at", [0.0, 17.0, 59.5, 61.0])
def test_the_rate_is_reached_wherever_in_the_minute_the_batch_begins(begun_at: float) -> None:
    world = World()
    server = Server(world, rate=50)
    running = batch(world, server)
    running.start(begun_at)
    world.run(HOUR - 1)

    refills = 59 - int(begun_at // 60)
    reached, refused = rates(server, running.begun, tokens=100 + refills * 50)
    assert reached >= 0.95
    assert refused <= 0.01


@pytest.mark.parametrize("skew", [-100.0, -20.0, 20.0, 100.0])
def test_a_server_whose_clock_differs_is_kept_up_with(skew: float) -> None:
    world = World()
    server = Server(world, rate=50, skew=skew)
    running = batch(world, server)
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=100 + 59 * 50)
    assert reached >= 0.95
    assert refused <= 0.01


@pytest.mark.parametrize("cost", [1, 2])
def test_long_workflows_reach_the_rate_with_enough_slots(cost: int) -> None:
    world = World()
    server = Server(world, rate=50, cost=cost, latency=lambda: 20.0)
    running = batch(world, server, concurrency=40)
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=100 + 59 * 50)
    assert reached >= 0.95
    assert refused <= 0.01


def test_a_fixed_window_of_v0_4_is_used_up_each_minute() -> None:
    world = World()
    server = Server(world, rate=10, window=True)
    running = batch(world, server)
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=60 * 10)
    assert reached >= 0.95
    assert refused <= 0.01


def test_headers_of_answers_are_enough() -> None:
    world = World()
    server = Server(world, rate=30, tells=False, headers=True, retry_after=True)
    running = batch(world, server)
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=60 + 59 * 30)
    assert reached >= 0.95
    assert refused <= 0.01


@pytest.mark.parametrize("retry_after", [True, False])
def test_a_rate_that_nobody_tells_is_learned_from_refusals(retry_after: bool) -> None:
    world = World()
    server = Server(world, rate=50, tells=False, retry_after=retry_after)
    running = batch(world, server)
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=100 + 59 * 50)
    assert reached >= 0.95
    assert refused <= 0.03  # the first minutes have to learn


@pytest.mark.parametrize("hint", [0.0, 0.2, 1.0, None])
def test_a_server_that_asks_for_less_time_than_it_needs_is_asked_ever_less_often(hint: float | None) -> None:
    world = World()
    pace = Pace(clock=world.clock, wall=world.wall)
    tries: list[float] = []
    while world.now < 600.0:
        pause = pace.wait(0)
        if pause == 0.0:
            tries.append(world.now)
            pace.see_refusal(hint)
        else:
            world.now += pause
    assert len(tries) < 25
    assert tries[-1] - tries[-2] == 60.0


def test_limits_that_cannot_be_asked_again_are_kept_by_the_model() -> None:
    world = World()
    server = Server(world, rate=50)
    running = batch(world, server, asks=False)
    running.pace.seed(server.limits())
    running.start()
    world.run(HOUR - 1)

    reached, refused = rates(server, running.begun, tokens=100 + 59 * 50)
    assert reached >= 0.95
    assert refused <= 0.01


@pytest.mark.parametrize("cost", [1, 2])
@pytest.mark.parametrize("latency", [0.05, 3.0])
def test_limits_that_are_told_but_not_enforced_do_not_slow(cost: int, latency: float) -> None:
    world = World()
    server = Server(world, rate=50, cost=cost, latency=scattered(latency), enforced=False)
    running = batch(world, server, items=2000)
    running.start()
    world.run(HOUR, stop=lambda: running.ended == 2000)

    assert server.refused == 0
    assert world.now < 2000 / 50 * 60 / 4  # a quarter of what the told rate would take


def test_limits_that_are_enforced_later_are_kept_from_the_first_429_on() -> None:
    world = World()
    server = Server(world, rate=50, enforced=False)
    running = batch(world, server, concurrency=8)
    running.start()
    world.run(30.0)
    assert server.accepted > 1000
    server.enforced = True
    before = server.accepted
    world.run(30.0 + 10 * 60)

    assert server.accepted - before <= 10 * 50 + 8
    assert server.accepted - before >= 0.95 * 500
    assert server.refused <= 8  # what was in flight


def test_one_refusal_a_batch_is_all_that_finding_out_costs() -> None:
    world = World()
    server = Server(world, rate=2)
    running = batch(world, server)
    running.start()
    world.run(5 * HOUR)

    assert server.refused == 1


def test_the_limits_are_asked_once_a_minute_and_little_more() -> None:
    world = World()
    server = Server(world, rate=50)
    running = batch(world, server)
    running.start()
    world.run(HOUR)

    assert server.asked <= 60 + 10


# -- step by step


class Now:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(left: Any, rate: Any = 50, burst: Any = 100, reset_at: Any = "1970-01-01T00:17:20.000Z") -> Limits | None:
    entry = RateLimitEntry(False, rate, left, reset_at, rate, burst)
    return limits_of(UsageLimits(True, ExecutionRateLimits(entry, entry, "api")), background=False)


def pace(cost: int = 1, concurrency: int | None = 10) -> tuple[Pace, Now]:
    now = Now()
    return Pace(concurrency=concurrency, cost=cost, clock=now, wall=now), now


def test_nothing_is_paced_where_nothing_is_known() -> None:
    paced, _ = pace()
    paced.seed(None)
    assert [paced.wait(each % 10) for each in range(1000)] == [0.0] * 1000


def test_a_pace_without_limits_does_not_ask_for_what_the_server_does_not_tell() -> None:
    paced, now = pace()
    paced.seed(None)
    paced.wait(0)
    now.now += 3600
    assert not paced.wants_limits()


def test_a_full_house_waits_for_somebody_to_leave() -> None:
    paced, _ = pace()
    assert paced.wait(10) == math.inf


def test_the_tokens_told_are_spent_and_no_more() -> None:
    paced, _ = pace()
    paced.seed(told(3))
    assert [paced.wait(0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert paced.wait(0) > 0


def test_a_background_run_takes_two_tokens() -> None:
    paced, _ = pace(cost=2)
    paced.seed(told(5))
    assert [paced.wait(0) for _ in range(2)] == [0.0, 0.0]
    assert paced.wait(0) > 0


def test_v0_4_counts_a_background_run_once_and_apart() -> None:
    paced, _ = pace(cost=2)
    sync = RateLimitEntry(False, 10, 0, "1970-01-01T00:17:20.000Z")
    background = RateLimitEntry(False, 50, 2, "1970-01-01T00:17:20.000Z")
    paced.seed(limits_of(UsageLimits(True, ExecutionRateLimits(sync, background, "api")), background=True))
    assert [paced.wait(0) for _ in range(2)] == [0.0, 0.0]
    assert paced.wait(0) > 0


def test_an_empty_bucket_is_waited_for_until_its_refill() -> None:
    paced, now = pace()
    paced.seed(told(0))
    assert paced.wait(0) == 0.0  # the probe
    paced.see_refusal(None)
    now.now += 1.5
    assert paced.wants_limits()
    paced.seed(told(0))
    assert paced.wait(0) == pytest.approx(38.55)
    now.now = 1040.06
    assert paced.wants_limits()
    paced.seed(told(50, reset_at="1970-01-01T00:18:20.000Z"))
    assert paced.wait(0) == 0.0


def test_requests_that_the_server_may_not_have_counted_are_subtracted() -> None:
    paced, _ = pace()
    paced.seed(told(10))
    for in_flight in range(4):
        assert paced.wait(in_flight) == 0.0
    paced.seed(told(10))
    assert [paced.wait(4) for _ in range(6)] == [0.0] * 6
    assert paced.wait(4) > 0


def test_retry_after_is_waited_for() -> None:
    paced, now = pace()
    paced.seed(None)
    paced.wait(0)
    paced.see_refusal(30.0)
    assert paced.wait(0) == 30.0
    now.now += 31
    assert paced.wait(0) == 0.0


def test_a_server_at_capacity_gets_half_as_many_and_the_tokens_stay() -> None:
    now = Now()
    paced = Pace(clock=now, wall=now)
    paced.seed(told(100))
    before = paced.limit
    paced.wait(0)
    paced.see_refusal(5.0)
    assert paced.limit == before // 2
    assert paced.wait(0) == 5.0
    now.now += 5.1
    for _ in range(100):
        assert paced.wait(0) == 0.0


def test_a_429_that_contradicts_the_limits_told_is_not_hammered() -> None:
    paced, now = pace()
    paced.seed(told(100))
    sent = 0
    for _ in range(6000):  # ten minutes in tenths of seconds: another limiter, a proxy's perhaps, refuses all
        if paced.wait(0) == 0.0:
            sent += 1
            paced.see_refusal(None)
        if paced.wants_limits():
            paced.seed(told(100))
        now.now += 0.1
    assert sent < 60


@pytest.mark.parametrize(
    "garbage",
    [
        told(None),
        told("many"),
        told(5, rate=0),
        told(-1),
        told(True),
    ],
)
def test_garbage_in_the_limits_is_no_knowledge(garbage: Limits | None) -> None:
    paced, _ = pace()
    paced.seed(garbage)
    assert [paced.wait(0) for _ in range(100)] == [0.0] * 100


@pytest.mark.parametrize("reset_at", [None, "soon", 5, "2026-11-20", "9999-99-99T00:00:00Z"])
def test_a_refill_without_a_date_is_waited_for_a_minute(reset_at: Any) -> None:
    paced, now = pace()
    paced.seed(told(1, reset_at=reset_at))
    assert paced.wait(0) == 0.0
    paced.see_refusal(None)
    now.now += 62.0
    assert paced.wait(0) == 0.0


def test_garbage_in_headers_is_ignored() -> None:
    paced, _ = pace()
    paced.hint(0, 0, 0.0)
    paced.hint(60, -1, 1030.0)
    paced.hint(60, 0, 10**12)
    assert paced.wait(0) == 0.0


def test_headers_give_the_most_that_is_left() -> None:
    paced, _ = pace()
    paced.wait(0)
    paced.hint(60, 5, 1030.0)
    paced.see_success(0.0)
    paced.hint(60, 2, 1030.0)
    assert [paced.wait(0) for _ in range(2)] == [0.0, 0.0]
    assert paced.wait(0) > 0
