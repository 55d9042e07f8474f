"""What always holds of a pace, whatever comes."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pace_world import Batch, Server, World

from simstudio.batch.pace import Pace
from simstudio.models.usage import ExecutionRateLimits, RateLimitEntry, UsageLimits
from simstudio.resources.batch_execution import limits_of
from simstudio.sandbox.limits import TokenBucket
from tests.properties import examples

SECONDS = st.floats(0, 200)


class Now:
    def __init__(self) -> None:
        self.now = 1_795_161_600.0

    def __call__(self) -> float:
        return self.now


class AnyHistory(RuleBasedStateMachine):
    """Answers of every kind in every order, with any times between them."""

    @initialize(fixed=st.none() | st.integers(1, 20), most=st.integers(1, 50), cost=st.integers(1, 2))
    def begin(self, fixed: int | None, most: int, cost: int) -> None:
        self.now = Now()
        self.background = cost > 1
        self.pace = Pace(concurrency=fixed, most=most, cost=cost, clock=self.now, wall=self.now)
        self.in_flight: list[float] = []
        self.most = fixed or most

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.now.now += seconds

    @rule(times=st.integers(1, 30))
    def asks_to_begin(self, times: int) -> None:
        for _ in range(times):
            delay = self.pace.wait(len(self.in_flight))
            assert delay >= 0
            if delay == 0:
                assert len(self.in_flight) < self.pace.limit
                self.in_flight.append(self.now.now)
            elif math.isinf(delay):
                assert len(self.in_flight) >= self.pace.limit
            else:
                assert delay < 24 * 3600

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), retry_after=st.none() | st.floats(0, 120))
    def is_answered(self, data: Any, retry_after: float | None) -> None:
        elapsed = self.now.now - self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        kind = data.draw(st.sampled_from(["see_success", "see_success", "see_refusal", "see_failure"]))
        if kind == "see_refusal":
            self.pace.see_refusal(retry_after)
        else:
            getattr(self.pace, kind)(elapsed)

    @rule(
        left=st.none() | st.integers(0, 100),
        rate=st.none() | st.integers(0, 50),
        burst=st.none() | st.integers(0, 100),
        reset_in=st.none() | st.floats(-100, 200),
    )
    def limits_are_told(self, left: int | None, rate: int | None, burst: int | None, reset_in: float | None) -> None:
        moment = None
        if reset_in is not None:
            moment = datetime.fromtimestamp(self.now.now + reset_in, timezone.utc).isoformat()
        entry = RateLimitEntry(False, rate, left, moment, rate, burst)
        self.pace.seed(limits_of(UsageLimits(True, ExecutionRateLimits(entry, entry)), background=self.background))

    @rule(limit=st.integers(-1, 100), left=st.integers(-1, 100), reset_in=st.floats(-100, 200))
    def headers_are_told(self, limit: int, left: int, reset_in: float) -> None:
        self.pace.hint(limit, left, self.now.now + reset_in)

    @rule()
    def limits_are_wanted(self) -> None:
        self.pace.wants_limits()

    @invariant()
    def the_limit_is_one_at_least_and_the_most_at_most(self) -> None:
        if hasattr(self, "pace"):
            assert 1 <= self.pace.limit <= self.most

    def teardown(self) -> None:
        """Nothing waits for ever: when all has ended and time passes, something may begin."""
        if not hasattr(self, "pace"):
            return
        for began in self.in_flight:
            self.pace.see_success(self.now.now - began)
        for _ in range(10_000):
            delay = self.pace.wait(0)
            if delay == 0:
                return
            assert math.isfinite(delay)
            self.now.now += delay
        raise AssertionError("nothing may ever begin again")


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)


@settings(max_examples=examples(60), deadline=None)
@given(
    rate=st.integers(1, 40),
    requests=st.lists(st.floats(0, 90), max_size=60),
    cost=st.integers(1, 2),
)
def test_no_more_tokens_are_taken_than_the_bucket_has(rate: int, requests: list[float], cost: int) -> None:
    """Whatever the times between requests, the bucket of the sandbox refuses nothing but the probe."""
    now = Now()
    bucket = TokenBucket(rate, now.now)
    pace = Pace(concurrency=1000, cost=cost, clock=now, wall=now)
    refused = 0

    def seed() -> None:
        reading = bucket.read(now.now)
        moment = datetime.fromtimestamp(reading.reset_at, timezone.utc).isoformat(timespec="milliseconds")
        entry = RateLimitEntry(False, rate, reading.remaining, moment, rate, reading.burst)
        pace.seed(limits_of(UsageLimits(True, ExecutionRateLimits(entry, entry)), background=cost > 1))

    seed()
    for pause in requests:
        now.now += pause
        while pace.wait(0) == 0.0:
            if all(bucket.take(now.now) for _ in range(cost)):
                pace.see_success(0.0)
            else:
                refused += 1
                pace.see_refusal(None)
        if pace.wants_limits():
            seed()
    assert refused <= 1


@settings(max_examples=examples(40), deadline=None)
@given(left=st.integers(0, 3), reset_in=st.floats(0.5, 60), steps=st.lists(st.floats(0, 10), max_size=20))
def test_waiting_becomes_no_longer_while_nothing_happens(left: int, reset_in: float, steps: list[float]) -> None:
    now = Now()
    pace = Pace(concurrency=10, clock=now, wall=now)
    pace.seed(None)
    pace.wait(0)
    pace.see_refusal(reset_in + 10.0)
    before = now.now + pace.wait(0)
    for step in steps:
        now.now = min(now.now + step, before - 1e-6)
        assert abs(now.now + pace.wait(0) - before) < 1e-5


@settings(max_examples=examples(25), deadline=None)
@given(
    rate=st.integers(5, 300),
    cost=st.integers(1, 2),
    latency=st.floats(0.001, 5),
    concurrency=st.none() | st.integers(1, 100),
    others=st.none() | st.floats(1, 30),
    skew=st.floats(-70, 70),
    enforced=st.booleans(),
    seed=st.randoms(use_true_random=False),
)
def test_never_more_are_in_flight_than_the_limit(
    rate: int,
    cost: int,
    latency: float,
    concurrency: int | None,
    others: float | None,
    skew: float,
    enforced: bool,
    seed: Any,
) -> None:
    world = World()
    server = Server(world, rate=rate, cost=cost, latency=lambda: latency, skew=skew, enforced=enforced)
    if others is not None:
        server.others(others, seed)
    pace = Pace(concurrency=concurrency, cost=cost, clock=world.clock, wall=world.wall)
    running = Batch(world, server, pace, items=3000)
    running.start()
    world.run(240)
    assert running.broken == []
    assert running.ended > 0
