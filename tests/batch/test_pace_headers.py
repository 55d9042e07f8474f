"""The pace where only the answers' own headers tell of a rate limit (v2)."""

from __future__ import annotations

import pytest

from simstudio.batch.pace import Pace

BURST, RESET = 60, 1e9 + 60.0


def played(*, enforced: bool, seconds: float = 20.0) -> tuple[int, int]:
    """How many requests were answered, and how many refused, of a server that allows ``BURST`` in the first minute."""
    now = [0.0]
    pace = Pace(concurrency=50, clock=lambda: now[0], wall=lambda: 1e9 + now[0])
    left, answered, refused = BURST, 0, 0
    while now[0] < seconds:
        pause = pace.wait(0)
        if pause > 0:
            now[0] += min(pause, seconds)
            continue
        now[0] += 0.01
        if left == 0 and enforced:
            refused += 1
            pace.see_refusal(None)
            continue
        left, answered = max(0, left - 1), answered + 1
        pace.hint(BURST, left, RESET)
        pace.see_success(0.01)
    return answered, refused


def test_limits_that_are_enforced_are_kept_after_one_probe() -> None:
    assert played(enforced=True) == (BURST, 1)


def test_an_older_answer_that_comes_late_does_not_deny_that_nothing_is_left() -> None:
    """So that the one probe which finds out whether the limit is meant need not wait for the refill."""
    now = [0.0]
    pace = Pace(concurrency=50, clock=lambda: now[0], wall=lambda: 1e9 + now[0])
    for in_flight, remaining in ((0, 1), (1, 0), (2, 1)):  # the third was answered before the second
        pace.wait(in_flight)
        pace.hint(BURST, remaining, RESET)
    pace.see_success(0.01)
    now[0] = 1.0
    assert pace.wait(0) == 0.0


def test_limits_that_are_not_enforced_slow_nobody_down() -> None:
    answered, refused = played(enforced=False)
    assert (answered, refused) == (pytest.approx(2000, abs=30), 0)
