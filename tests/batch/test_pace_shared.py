"""One rate for several processes, over each store that can count for them."""

from __future__ import annotations

import math
import random
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pace_world import Batch, Server, World

from simstudio.batch.ledger import Ledger
from simstudio.batch.pace import Pace
from simstudio.batch.shared_pace import Counters, SharedPace, SQLiteCounters, open_counters
from simstudio.errors import ConfigurationError, SimStudioError
from tests.batch.elsewhere import redis_server

HOUR = 3600.0


class Memory:
    """Counters in memory, with the clock of a simulated world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counters: dict[str, tuple[int, float]] = {}

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        value, ends = self.counters.get(key, (0, -1.0))
        if ends <= self.world.now:
            value, ends = 0, self.world.now + expiry
        self.counters[key] = (value + amount, ends)
        return value + amount

    def get(self, key: str) -> int:
        value, ends = self.counters.get(key, (0, -1.0))
        return value if ends > self.world.now else 0

    def clear(self, key: str) -> None:
        self.counters.pop(key, None)


def processes(
    world: World,
    server: Server,
    store: Counters,
    *,
    starts: tuple[float, ...] = (0.0, 0.3, 7.0),
    items: float = math.inf,
) -> list[Batch]:
    running = []
    for start in starts:
        pace = SharedPace(Pace(cost=server.cost, clock=world.clock, wall=world.wall), store, name="account")
        running.append(Batch(world, server, pace, items=items))
        running[-1].start(start)
    return running


def rates(server: Server, running: list[Batch], *, tokens: int) -> tuple[float, float]:
    allowed = (tokens - server.taken_by_others) / server.cost
    return server.accepted / allowed, server.refused / sum(each.begun for each in running)


@pytest.mark.parametrize("cost", [1, 2])
@pytest.mark.parametrize("rate", [10, 50, 600])
def test_several_processes_reach_the_rate_together(rate: int, cost: int) -> None:
    world = World()
    server = Server(world, rate=rate, cost=cost)
    running = processes(world, server, Memory(world))
    world.run(HOUR - 1)

    reached, refused = rates(server, running, tokens=2 * rate + 59 * rate)
    assert reached >= 0.95
    assert refused <= 0.01
    assert server.refused == 1  # one probe for all
    assert [each.broken for each in running] == [[], [], []]


@pytest.mark.parametrize("cost", [1, 2])
@pytest.mark.parametrize("latency", [0.05, 3.0])
def test_they_reach_it_although_others_take_a_part(cost: int, latency: float) -> None:
    world = World()
    numbers = random.Random(5)
    server = Server(world, rate=50, cost=cost, latency=lambda: numbers.expovariate(1 / latency))
    server.others(3.0, random.Random(1))
    running = processes(world, server, Memory(world))
    world.run(HOUR - 1)

    reached, refused = rates(server, running, tokens=2 * 50 + 59 * 50)
    assert reached >= 0.95
    assert refused <= 0.015


@pytest.mark.parametrize("read", range(1, 4))
def test_a_process_that_is_overtaken_while_it_opens_a_period_opens_no_second_one(read: int) -> None:
    class Overtaken(Memory):
        reads = 0

        def get(self, key: str) -> int:
            value = super().get(key)
            if key.endswith(":period"):
                self.reads += 1
                if self.reads == read:
                    first.seed(limits)
                    taken.extend(first.wait(0) for _ in range(4))
            return value

    world = World()
    limits = Server(world, rate=500).limits()
    taken: list[float] = []
    store = Overtaken(world)
    first, second = (
        SharedPace(Pace(concurrency=10**6, clock=world.clock, wall=world.wall), store, name="account") for _ in range(2)
    )
    second.seed(limits)
    taken.extend(second.wait(0) for _ in range(2000))
    assert taken.count(0.0) <= 1001  # the probe


def test_a_process_that_ends_leaves_the_rate_to_the_others() -> None:
    world = World()
    server = Server(world, rate=50)
    running = processes(world, server, Memory(world))
    world.run(300)
    gone = running[0]
    gone.pace.wait = lambda in_flight: math.inf  # type: ignore[method-assign]
    gone.pace.wants_limits = lambda: False  # type: ignore[method-assign]
    before = server.accepted
    world.run(300 + 600)

    assert server.accepted - before >= 0.95 * 500
    assert server.refused == 1


def test_limits_that_are_not_enforced_slow_none_of_them() -> None:
    world = World()
    server = Server(world, rate=50, enforced=False)
    running = processes(world, server, Memory(world), items=2000)
    world.run(HOUR, stop=lambda: sum(each.ended for each in running) == 6000)

    assert world.now < 120
    assert server.refused == 0


def test_the_limits_are_asked_by_one_of_them_at_a_time() -> None:
    world = World()
    server = Server(world, rate=50)
    processes(world, server, Memory(world), starts=(0.0,) * 10)
    world.run(HOUR - 1)
    assert server.asked <= 60 + 40


def test_accounts_do_not_share() -> None:
    world = World()
    store = Memory(world)
    server, other = Server(world, rate=2), Server(world, rate=2)
    mine = SharedPace(Pace(concurrency=9, clock=world.clock, wall=world.wall), store, name="mine")
    theirs = SharedPace(Pace(concurrency=9, clock=world.clock, wall=world.wall), store, name="theirs")
    mine.seed(server.limits())
    theirs.seed(other.limits())
    assert [mine.wait(0) for _ in range(4)] == [0.0] * 4
    assert mine.wait(0) > 0
    assert [theirs.wait(0) for _ in range(4)] == [0.0] * 4


def test_tokens_taken_by_one_process_are_gone_for_another() -> None:
    world = World()
    store = Memory(world)
    server = Server(world, rate=2)
    first, second = (SharedPace(Pace(concurrency=9, clock=world.clock, wall=world.wall), store) for _ in range(2))
    first.seed(server.limits())
    assert [first.wait(0) for _ in range(3)] == [0.0] * 3
    assert second.wait(0) == 0.0
    assert second.wait(1) > 0
    assert first.wait(3) > 0


# -- stores


@pytest.fixture(scope="module")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server of our own, without files."""
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.external), "sqlite", "limits-memory"])
def address(request: Any, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_address"))
    return f"sqlite:///{tmp_path / 'rate.sqlite'}" if request.param == "sqlite" else "memory://"


def close(store: Counters) -> None:
    inner: Any = getattr(store, "storage", store)
    if hasattr(inner, "close"):
        inner.close()


def test_counters_count(address: str, request: pytest.FixtureRequest) -> None:
    store = open_counters(address)
    key = request.node.name
    assert store.get(key) == 0
    assert store.incr(key, 60, 5) == 5
    assert store.incr(key, 60, -2) == 3
    assert store.get(key) == 3
    store.clear(key)
    assert store.get(key) == 0
    assert store.incr(key, 60) == 1
    close(store)


def test_the_rate_is_reached_over_a_real_store(address: str, request: pytest.FixtureRequest) -> None:
    world = World()
    server = Server(world, rate=50)
    store = open_counters(address)
    running = []
    for start in (0.0, 0.3):
        shared = SharedPace(Pace(clock=world.clock, wall=world.wall), Unending(store), name=request.node.name)
        running.append(Batch(world, server, shared))
        running[-1].start(start)
    world.run(600 - 1)
    close(store)

    reached, refused = rates(server, running, tokens=2 * 50 + 9 * 50)
    assert reached >= 0.95
    assert refused <= 0.01


class Unending:
    """A store whose counters do not end by the real clock, which stands still in simulated hours.

    Only ``asking`` must end, and is ended by whoever asked.
    """

    def __init__(self, store: Counters) -> None:
        self.store = store

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self.store.incr(key, 24 * 3600, amount)

    def get(self, key: str) -> int:
        return self.store.get(key)

    def clear(self, key: str) -> None:
        self.store.clear(key)


TAKER = textwrap.dedent(
    """
    import sys
    from simstudio.batch.execution import Limits
    from simstudio.batch.pace import Pace
    from simstudio.batch.shared_pace import SharedPace

    pace = SharedPace(Pace(concurrency=10**6), sys.argv[1], name=sys.argv[2])
    pace.seed(Limits(500, 1000, 1000, float(sys.argv[3])))
    taken = 0
    for _ in range(2000):
        taken += pace.wait(taken) == 0.0
    print(taken)
    """
)


@pytest.mark.parametrize("kind", [pytest.param("redis", marks=pytest.mark.external), "sqlite"])
def test_real_processes_take_hardly_more_than_there_is(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shared = request.getfixturevalue("redis_address") if kind == "redis" else f"sqlite:///{tmp_path / 'rate.sqlite'}"
    reset = str(time.time() + 59)
    command = [sys.executable, "-c", TAKER, shared, f"processes-{kind}", reset]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = [int(process.communicate()[0]) for process in running]
    assert 990 <= sum(taken) <= 1001  # the probe


def test_a_sqlite_counter_ends(tmp_path: Path) -> None:
    now = [1000.0]
    store = SQLiteCounters(str(tmp_path / "rate.sqlite"), wall=lambda: now[0])
    assert store.incr("a", 60) == 1
    now[0] += 59
    assert store.incr("a", 60) == 2
    now[0] += 2
    assert store.get("a") == 0
    assert store.incr("a", 60) == 1
    store.close()


# -- what can go wrong


@pytest.mark.parametrize("shared", ["sqlite:///", "carrier-pigeon://coop", "", "redis"])
def test_an_address_of_no_store_is_an_error(shared: str) -> None:
    with pytest.raises(ConfigurationError, match="shared"):
        SharedPace(Pace(), shared)


def test_a_database_of_something_else_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    Ledger.open(path, workflow_id="wf", mode="sync", api_version="v1").close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"runs\.sqlite: it is a database of something else.*ledger"):
        SharedPace(Pace(), f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_redis_that_is_not_there_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: connections are refused
        with pytest.raises(ConfigurationError, match="reached"):
            SharedPace(Pace(), f"redis://127.0.0.1:{taken.getsockname()[1]}/0")


def test_a_file_that_is_no_store_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rate.sqlite"
    path.write_bytes(b"no database, but long enough to be looked at" * 100)
    with pytest.raises(ConfigurationError, match="shared rate"):
        SharedPace(Pace(), f"sqlite:///{path}")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="shared rate"):
        SharedPace(Pace(), f"sqlite:///{tmp_path / 'nowhere' / 'rate.sqlite'}")


def test_without_the_library_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits.storage", None)
    monkeypatch.setitem(sys.modules, "limits.errors", None)
    with pytest.raises(ConfigurationError, match="pip install limits redis"):
        SharedPace(Pace(), "redis://127.0.0.1/0")


def test_a_store_that_is_lost_on_the_way_is_an_error_of_ours(tmp_path: Path) -> None:
    pace = SharedPace(Pace(), f"sqlite:///{tmp_path / 'rate.sqlite'}")
    pace.close()
    with pytest.raises(SimStudioError, match="store of the shared rate"):
        pace.wait(0)


def test_only_its_owner_may_read_a_file_of_counters(tmp_path: Path, umask: int) -> None:
    counters = SQLiteCounters(str(tmp_path / "rate.sqlite"))
    counters.incr("key", 60)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    counters.close()

    assert modes == dict.fromkeys(("rate.sqlite", "rate.sqlite-wal", "rate.sqlite-shm"), 0o600)
