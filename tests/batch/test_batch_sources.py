"""Sources: one thread reads what another takes, in order, once, and no further ahead than was needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simstudio import InvalidInputError, SimStudioError
from simstudio.batch.sources import END, LATER, Awaited, Inline, Relay, source_of

AHEAD, MOST_AHEAD = 64, 1024


def fill(relay: Relay) -> int:
    """Read until there is no room; how much that was."""
    count = 0
    while relay.wanted:
        relay.read()
        count += 1
    return count


def take_one(relay: Relay) -> Any:
    """The next input, read now if need be."""
    while (value := relay.take()) is LATER:
        relay.read()
    return value


def test_a_source_waits_while_its_iterable_is_asked_for_the_next_input() -> None:
    """While the consumer is busy with an item, nothing is waited for."""

    def inputs() -> Iterator[bool]:
        while True:
            yield relay.waits

    relay = Relay(inputs())
    assert relay.take() is LATER
    assert not relay.waits
    relay.read()
    assert relay.take() is True
    assert not relay.waits


# -- which source ------------------------------------------------------------------------------------------------


async def nothing() -> AsyncIterator[Any]:
    return
    yield


@pytest.mark.parametrize(
    ("inputs", "relayed", "kind"),
    [
        ([1], True, Inline),
        ((1,), True, Inline),
        (range(3), True, Inline),
        (iter([1]), True, Relay),
        ({1: 2}.items(), True, Relay),
        ("inputs.jsonl", True, Relay),
        (iter([1]), False, Inline),
        ("inputs.jsonl", False, Inline),
        ("s3://bucket/inputs.jsonl", True, Relay),
        ("s3://bucket/inputs.jsonl", False, Awaited),
        (nothing(), True, Awaited),
        (nothing(), False, Awaited),
    ],
)
def test_what_is_in_memory_needs_no_relay(inputs: Any, relayed: bool, kind: type) -> None:
    assert type(source_of(inputs, relayed=relayed)) is kind


@pytest.mark.parametrize("inputs", [7, None, b"bytes", {"a": 1}])
def test_what_is_no_inputs_is_refused_at_once(inputs: Any) -> None:
    with pytest.raises(InvalidInputError, match="iterable"):
        source_of(inputs, relayed=True)


# -- the relay ---------------------------------------------------------------------------------------------------


class RelayMachine(RuleBasedStateMachine):
    """Whatever the order of reading and taking, what is taken is what there was."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0
        self.taken: list[int] = []
        self.hungry = False
        self.notified = self.woken = 0
        self.relay = Relay(self.inputs())
        self.relay.notify = self.notify
        self.relay.bind(self.wake)

    def inputs(self) -> Iterator[int]:
        while True:
            self.read += 1
            yield self.read - 1

    def notify(self) -> None:
        self.notified += 1

    def wake(self) -> None:
        self.woken += 1

    @rule(count=st.integers(1, 200))
    def reads(self, count: int) -> None:
        for _ in range(count):
            if self.relay.wanted:
                before = self.woken
                self.relay.read()
                assert (self.woken > before) == self.hungry  # the engine is called where it found nothing
                self.hungry = False

    @rule(count=st.integers(1, 200))
    def takes(self, count: int) -> None:
        for _ in range(count):
            before = self.notified
            value = self.relay.take()
            if value is LATER:
                assert self.taken == list(range(self.read))
                assert self.notified > before
                self.hungry = True
                return
            self.taken.append(value)

    @invariant()
    def it_is_all_there_once_and_in_order(self) -> None:
        assert self.taken == list(range(len(self.taken)))

    @invariant()
    def it_reads_no_further_than_it_may(self) -> None:
        assert self.read - len(self.taken) <= MOST_AHEAD

    @invariant()
    def it_wants_more_while_there_is_nothing(self) -> None:
        assert self.relay.wanted or self.read > len(self.taken)


TestRelay = RelayMachine.TestCase


def test_it_reads_twice_as_far_ahead_each_time_that_it_was_needed() -> None:
    relay = Relay(iter(range(10**9)))
    far = []
    for _ in range(7):
        far.append(fill(relay))
        while relay.take() is not LATER:
            pass
    assert far == [AHEAD, 128, 256, 512, MOST_AHEAD, MOST_AHEAD, MOST_AHEAD]


def test_it_asks_for_more_before_there_is_nothing() -> None:
    relay, asked = Relay(iter(range(1000))), []
    fill(relay)
    relay.notify = lambda: asked.append(True)
    for _ in range(AHEAD // 2 - 1):
        relay.take()
    assert asked == []
    relay.take()
    assert asked == [True]


@given(count=st.integers(0, 200))
def test_the_end_comes_after_everything(count: int) -> None:
    relay = Relay(iter(range(count)))
    assert [take_one(relay) for _ in range(count)] == list(range(count))
    assert take_one(relay) is END
    assert relay.take() is END
    assert not relay.wanted


@given(count=st.integers(0, 100))
def test_a_failure_comes_after_what_came_before_it(count: int) -> None:
    def inputs() -> Iterator[int]:
        yield from range(count)
        raise LookupError("no more rows")

    relay = Relay(inputs())
    assert fill(relay) <= count + 1
    taken = [take_one(relay) for _ in range(count)]
    with pytest.raises(LookupError):
        take_one(relay)
    assert taken == list(range(count))
    assert relay.take() is END


def test_an_interruption_of_the_reader_is_the_readers() -> None:
    def inputs() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    relay = Relay(inputs())
    relay.read()
    with pytest.raises(KeyboardInterrupt):
        relay.read()
    assert relay.take() == 1


def test_one_thread_at_a_time_reads() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def inputs() -> Iterator[int]:
        inside.set()
        go_on.wait(10)
        yield 1

    relay = Relay(inputs())
    reader = threading.Thread(target=relay.read)
    reader.start()
    assert inside.wait(10)
    assert not relay.wanted
    relay.read()  # comes back at once, with nothing
    assert relay.take() is LATER
    go_on.set()
    reader.join()
    assert relay.take() == 1


async def test_after_the_batch_nothing_is_read() -> None:
    relay = Relay(iter(range(10)))
    relay.read()
    await relay.aclose()
    assert not relay.wanted
    relay.read()
    assert [relay.take(), relay.take()] == [0, END]


def test_it_knows_a_source_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("simstudio.batch.sources.time.perf_counter", lambda: now[0])

    def inputs() -> Iterator[int]:
        yield 1
        now[0] += 1.0
        yield 2
        yield 3

    relay = Relay(inputs())
    seen = []
    for _ in range(3):
        relay.read()
        seen.append(relay.quick)
    assert seen == [True, False, True]


def test_whatever_ends_the_reading_the_engine_hears_of_it() -> None:
    """Also what is raised where the inputs are read: nothing else may wake the engine then."""

    def inputs() -> Iterator[int]:
        raise asyncio.CancelledError
        yield 0

    relay, woken = Relay(inputs()), []
    relay.bind(lambda: woken.append(True))
    with pytest.raises(asyncio.CancelledError):
        relay.read()
    assert woken == [True]
    with pytest.raises(SimStudioError, match="CancelledError"):
        relay.take()
    assert relay.take() is END
