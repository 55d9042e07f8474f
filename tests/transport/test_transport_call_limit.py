"""When the next call may be sent to a service that limits calls. Time is an argument."""

from __future__ import annotations

import pytest

from simstudio.transport.call_limit import CallLimit
from tests.driving import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def call(limit: CallLimit) -> float:
    """Seconds until a call may be sent; it leaves the queue."""
    ticket = limit.join()
    pause = limit.take(ticket)
    limit.leave(ticket)
    return pause


def confirmed(clock: Clock, calls: int = 3) -> CallLimit:
    """A documented limit that the service was seen to enforce."""
    limit = CallLimit(calls, 60.0, clock=clock)
    for _ in range(calls + 1):
        assert call(limit) == 0.0
    limit.see_refusal(None, clock())
    return limit


def test_a_documented_limit_is_probed_by_one_call_before_it_holds_others_up(clock: Clock):
    limit = CallLimit(2, 60.0, clock=clock)

    assert [call(limit) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.05)]


def test_a_limit_that_is_not_enforced_holds_nothing_up(clock: Clock):
    limit = CallLimit(2, 60.0, clock=clock)
    for _ in range(3):
        call(limit)
    limit.see_acceptance(clock())

    assert [call(limit) for _ in range(20)] == [0.0] * 20


def test_a_limit_that_is_enforced_lets_no_more_calls_through_than_its_window_has(clock: Clock):
    limit = confirmed(clock)

    assert call(limit) == pytest.approx(61.0)
    clock.now += 61.0
    assert [call(limit) == 0.0 for _ in range(4)] == [True, True, True, False]


def test_calls_take_turns_in_the_order_in_which_they_came(clock: Clock):
    limit = confirmed(clock, calls=1)
    first, second = limit.join(), limit.join()

    assert limit.take(second) == pytest.approx(122.0)
    clock.now += 61.0
    assert limit.take(second) == pytest.approx(61.0)
    assert limit.take(first) == 0.0


def test_an_execution_begins_after_the_calls_that_wait(clock: Clock):
    limit = confirmed(clock, calls=1)
    poll = limit.join()
    clock.now += 61.0

    assert limit.admit() > 0
    assert limit.take(poll) == 0.0
    clock.now += 61.0
    assert limit.admit() == 0.0
    limit.count()  # the call of that execution, which was counted when it was admitted
    assert limit.remaining == 0


def test_a_refusal_that_names_a_pause_holds_every_call_up_for_it(clock: Clock):
    limit = CallLimit(clock=clock)
    call(limit)
    limit.see_refusal(7.0, clock())

    assert call(limit) == pytest.approx(7.0)


def test_a_pause_longer_than_the_window_is_only_for_the_call_that_was_refused(clock: Clock):
    limit = CallLimit(window=60.0, clock=clock)
    limit.see_refusal(86_400.0, clock())

    assert call(limit) == pytest.approx(60.0)


def test_where_nothing_is_documented_refusals_make_calls_rarer_and_successes_more_frequent(clock: Clock):
    limit = CallLimit(clock=clock)

    def refuse() -> float:
        while (pause := call(limit)) > 0:
            clock.now += pause
        limit.see_refusal(None, clock())
        return call(limit)

    pauses = [refuse() for _ in range(5)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]
    for _ in range(100):
        while (pause := call(limit)) > 0:
            clock.now += pause
        limit.see_acceptance(clock())
    assert call(limit) == 0.0


def test_refusals_of_calls_that_were_under_way_together_count_once(clock: Clock):
    together, single = CallLimit(clock=clock), CallLimit(clock=clock)
    sent = clock()
    clock.now += 1.0
    for _ in range(30):
        together.see_refusal(None, sent)
    single.see_refusal(None, sent)

    assert call(together) == call(single)
