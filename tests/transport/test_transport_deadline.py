from __future__ import annotations

import math

import pytest

from simstudio.transport.deadline import SHORTEST, Allowance, Budget, Phases
from tests.driving import Clock

PHASES = ("connect", "pool", "read", "write")


def test_a_total_runs_out_for_all_phases_together() -> None:
    clock = Clock()
    budget = Budget(30.0, clock=clock)
    clock.advance(20.0)
    assert budget.remaining() == 10.0
    assert [budget.allowance(phase) for phase in PHASES] == [10.0] * 4
    assert not budget.expired()
    clock.advance(10.0)
    assert budget.expired()
    assert budget.remaining() == 0.0


def test_a_phase_that_begins_too_late_gets_the_shortest_time_and_not_none() -> None:
    clock = Clock()
    budget = Budget(1.0, clock=clock)
    clock.advance(5.0)
    assert budget.remaining() == -4.0
    assert budget.allowance("read") == SHORTEST > 0


def test_without_a_total_nothing_runs_out() -> None:
    budget = Budget(clock=Clock())
    assert budget.remaining() is None
    assert not budget.expired()
    assert [budget.allowance(phase) for phase in PHASES] == [None] * 4


def test_an_idle_limit_is_the_same_for_each_read_however_long_it_all_takes() -> None:
    clock = Clock()
    budget = Budget(idle=300.0, connect=30.0, clock=clock)
    clock.advance(10_000.0)
    assert [budget.allowance(phase) for phase in PHASES] == [30.0, 30.0, 300.0, 300.0]
    assert not budget.expired()
    assert budget.remaining() is None


def test_an_idle_limit_serves_connecting_too_where_nothing_else_does() -> None:
    assert Budget(idle=5.0, clock=Clock()).allowance("connect") == 5.0


def test_phases_are_a_mapping_as_httpx_reads_it_computed_when_asked() -> None:
    clock = Clock()
    phases = Phases(Budget(30.0, clock=clock))
    assert sorted(phases) == sorted(PHASES)
    assert len(phases) == 4
    assert phases["read"] == phases.get("read") == 30.0
    clock.advance(29.0)
    assert dict(phases) == dict.fromkeys(PHASES, 1.0)


def test_an_allowance_is_a_float_that_is_asked_anew() -> None:
    clock = Clock()
    allowance = Phases(Budget(30.0, clock=clock))["read"]
    assert isinstance(allowance, float)
    clock.advance(25.0)
    assert allowance == 30.0
    assert Allowance.remaining(allowance, TimeoutError) == 5.0


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_any_other_timeout_is_itself(timeout: float | None) -> None:
    assert Allowance.remaining(timeout, TimeoutError) == timeout


def test_a_phase_without_a_limit_may_get_one_later() -> None:
    budget = Budget(clock=Clock())
    allowance = Phases(budget)["read"]
    assert allowance == math.inf
    assert Allowance.remaining(allowance, TimeoutError) is None
    budget.idle = 0.25
    assert Allowance.remaining(allowance, TimeoutError) == 0.25


def test_an_allowance_of_a_total_that_is_used_up_is_an_error() -> None:
    clock = Clock()
    allowance = Phases(Budget(30.0, clock=clock))["read"]
    clock.advance(30.0)
    with pytest.raises(TimeoutError):
        Allowance.remaining(allowance, TimeoutError)
