"""A simulated Sim server with its token bucket, and a simulated batch against it: hours in milliseconds, no clock."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from typing import Any

from simstudio.batch.execution import Limits
from simstudio.batch.pace import Pace
from simstudio.sandbox.limits import TokenBucket, Window

EPOCH = 1_795_161_600.0


class World:
    """A clock, and what happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def clock(self) -> float:
        return self.now + 1000.0

    def wall(self) -> float:
        return self.now + EPOCH

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.now + seconds, self._number, do))

    def run(self, until: float, *, stop: Callable[[], bool] = lambda: False) -> None:
        while self._events and self._events[0][0] <= until and not stop():
            self.now, _, do = heapq.heappop(self._events)
            do()
        if not stop():
            self.now = until


class Server:
    """Sim's answers to executions and to the question about limits."""

    def __init__(
        self,
        world: World,
        *,
        rate: int = 50,
        cost: int = 1,
        latency: Callable[[], float] = lambda: 0.05,
        enforced: bool = True,
        window: bool = False,
        workers: int | None = None,
        skew: float = 0.0,
        headers: bool = False,
        tells: bool = True,
        retry_after: bool = False,
    ) -> None:
        self.world, self.rate, self.cost, self.latency, self.enforced = world, rate, cost, latency, enforced
        self.bucket = (Window if window else TokenBucket)(rate, world.wall() + skew)
        self.window, self.skew, self.headers, self.tells, self.retry_after = window, skew, headers, tells, retry_after
        self.free = workers
        self.queue: list[Callable[[], None]] = []
        self.accepted = self.refused = self.asked = self.taken_by_others = 0

    def wall(self) -> float:
        return self.world.wall() + self.skew

    def others(self, every: float, random: random.Random) -> None:
        """Somebody else wants a token every so often, and tries each second until there is one."""

        def come() -> None:
            attempt()
            self.world.after(random.expovariate(1 / every), come)

        def attempt() -> None:
            if self.bucket.take(self.wall()):
                self.taken_by_others += 1
            else:
                self.world.after(1.0, attempt)

        self.world.after(every, come)

    def execute(self, answered: Callable[[int, Any], None]) -> None:
        """Answer later: a status, and what the bucket looked like."""
        if not self.bucket.take(self.wall()) and self.enforced:
            self.refused += 1
            reading = self.bucket.read(self.wall())
            self.world.after(0.005, lambda: answered(429, reading))
            return
        reading = self.bucket.read(self.wall())
        if self.cost == 2:
            self.world.after(0.1, lambda: self._background(answered, reading))
        else:
            self._work(answered, reading)

    def _background(self, answered: Callable[[int, Any], None], reading: Any) -> None:
        if not self.bucket.take(self.wall()) and self.enforced:
            self.refused += 1
            answered(429, reading)
        else:
            self._work(answered, reading)

    def _work(self, answered: Callable[[int, Any], None], reading: Any) -> None:
        def end() -> None:
            self.accepted += 1
            if self.free is not None:
                self.free += 1
                if self.queue and self.free > 0:
                    begin = self.queue.pop(0)
                    begin()
            answered(200, reading)

        def begin() -> None:
            if self.free is not None:
                self.free -= 1
            self.world.after(self.latency(), end)

        if self.free is not None and self.free <= 0:
            self.queue.append(begin)
        else:
            begin()

    def limits(self) -> Limits | None:
        self.asked += 1
        if not self.tells:
            return None
        now = self.bucket.read(self.wall())
        return Limits(
            now.per_minute,
            now.remaining,
            None if self.window else now.burst,
            round(now.reset_at, 3),  # Sim tells milliseconds
            1 if self.window else None,
        )


class Batch:
    """What the engine does, without what it sends: keeps a pace busy with endless items."""

    def __init__(self, world: World, server: Server, pace: Pace, *, asks: bool = True, items: float = math.inf) -> None:
        self.world, self.server, self.pace, self.asks, self.items = world, server, pace, asks, items
        self.in_flight = self.begun = self.ended = self.refused = 0
        self.most = 0
        self.slot_seconds = 0.0
        self.asking = False
        self.wake_at = math.inf
        self.broken: list[str] = []

    def start(self, after: float = 0.0) -> None:
        def begin() -> None:
            if self.asks:
                self.pace.seed(self.server.limits())
            self.turn()

        self.world.after(after, begin)

    def turn(self) -> None:
        if self.wake_at <= self.world.now:
            self.wake_at = math.inf
        delay = 0.0
        while self.begun < self.items:
            delay = self.pace.wait(self.in_flight)
            if delay < 0 or (delay == math.inf and self.in_flight == 0):
                self.broken.append(f"wait({self.in_flight}) is {delay}")
            if delay:
                break
            self.begun += 1
            self.in_flight += 1
            if self.in_flight > self.pace.limit:
                self.broken.append(f"{self.in_flight} in flight of {self.pace.limit}")
            self.most = max(self.most, self.in_flight)
            self.world.after(0.001, self.send(self.world.now))
        if self.asks and not self.asking and self.pace.wants_limits():
            self.asking = True
            self.world.after(0.005, self.ask)
        if 0 < delay < math.inf and self.world.now + delay < self.wake_at - 1e-9:
            self.wake_at = self.world.now + delay
            self.world.after(delay, self.turn)

    def ask(self) -> None:
        limits = self.server.limits()

        def told() -> None:
            self.asking = False
            self.pace.seed(limits)
            self.turn()

        self.world.after(0.005, told)

    def send(self, began: float) -> Callable[[], None]:
        def answered(status: int, reading: Any) -> None:
            self.in_flight -= 1
            if self.server.headers:
                limit = reading.per_minute if self.server.window else reading.burst
                self.pace.hint(limit, reading.remaining, reading.reset_at)
            if status == 429:
                self.refused += 1
                seconds = math.ceil(reading.reset_at - self.server.wall())
                self.pace.see_refusal(max(1.0, seconds) if self.server.retry_after else None)
            else:
                self.ended += 1
                self.slot_seconds += self.world.now - began
                self.pace.see_success(self.world.now - began)
            self.turn()

        return lambda: self.server.execute(answered)
