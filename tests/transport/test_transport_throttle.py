"""Calls that the service's limiter refused: sent again in their turn, within their deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simstudio.transport.call_limit import CallLimit
from simstudio.transport.deadline import Budget
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.flow import Sleep
from simstudio.transport.message import Request, Response
from simstudio.transport.secret import Secret
from simstudio.transport.throttle import Throttle
from tests.driving import Clock, answer

ADDRESS = "https://service.test/api"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sent(
    clock: Clock, replies: list[Response], *, timeout: float | None = 30.0, url: str = f"{ADDRESS}/run", **more: Any
) -> tuple[Response, int, float]:
    """What comes of a write: the response, how often it was sent, and the seconds that passed."""
    patience = more.pop("patience", None)
    throttle = Throttle(CallLimit(60, 60.0, clock=clock), Endpoint(Secret(ADDRESS)), patience=patience)
    budget = Budget(timeout, clock=clock)
    budget.patient = more.pop("patient", False)
    began, number = clock.now, 0
    flow = throttle(Request("POST", url, budget=budget, **more), lambda request: (yield request))
    try:
        step: Any = flow.send(None)
        while True:
            if isinstance(step, Request):
                number += 1
                step = flow.send(replies[min(number, len(replies)) - 1])
            else:
                clock.now += step.seconds
                step = flow.send(None)
    except StopIteration as stop:
        return stop.value, number, clock.now - began


def refusal(seconds: float | None = None) -> Callable[[], Response]:
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return lambda: answer(429, {}, headers=headers)


def test_a_refused_write_is_sent_again_because_nothing_ran(clock: Clock):
    response, number, passed = sent(clock, [refusal(3)(), answer(200, {})])

    assert (response.status, number, passed) == (200, 2, pytest.approx(3.0))
    assert [attempt.status for attempt in response.history] == [429]


def test_a_refusal_that_names_no_pause_is_outlasted(clock: Clock):
    response, number, _ = sent(clock, [*(refusal()() for _ in range(6)), answer(200, {})], timeout=120.0)

    assert (response.status, number) == (200, 7)


def test_a_pause_that_ends_after_the_deadline_is_not_waited_for(clock: Clock):
    response, number, passed = sent(clock, [refusal(40)(), answer(200, {})])

    assert (response.status, number, passed) == (429, 1, 0.0)


def test_refusals_without_end_end_at_the_deadline(clock: Clock):
    response, _, passed = sent(clock, [refusal()()])

    assert response.status == 429
    assert passed <= 30.0


@pytest.mark.parametrize("seconds", [None, 3600.0])
def test_without_a_timeout_a_day_of_refusals_is_the_end(clock: Clock, seconds: float | None):
    response, number, passed = sent(clock, [refusal(seconds)()], timeout=None)

    assert (response.status, number > 20) == (429, True)
    assert 23 * 3600 < passed <= 24 * 3600


def test_with_patience_the_time_of_a_call_begins_with_its_turn(clock: Clock):
    response, number, passed = sent(clock, [refusal(70)(), answer(200, {})], timeout=60.0, patience=90.0)
    assert (response.status, number, passed) == (200, 2, pytest.approx(70.0))

    response, number, _ = sent(clock, [refusal(70)(), answer(200, {})], timeout=5.0, patience=90.0)
    assert (response.status, number) == (429, 1)  # a short timeout is meant

    response, number, passed = sent(clock, [refusal(70)(), answer(200, {})], timeout=5.0, patience=90.0, patient=True)
    assert (response.status, number, passed) == (200, 2, pytest.approx(70.0))


def test_a_refused_call_keeps_its_place_before_calls_that_came_later(clock: Clock):
    limit = CallLimit(1, 60.0, clock=clock)
    request = Request("POST", f"{ADDRESS}/run", budget=Budget(600.0, clock=clock))
    flow = Throttle(limit, Endpoint(Secret(ADDRESS)))(request, lambda request: (yield request))
    flow.send(None)
    later = limit.join()
    assert isinstance(flow.send(refusal()()), Sleep)

    clock.now += 61.0

    assert isinstance(flow.send(None), Request)
    assert limit.take(later) > 0


@pytest.mark.parametrize("patient", [False, True])
def test_a_patient_call_waits_however_many_calls_are_before_it(patient: bool, clock: Clock):
    limit = CallLimit(60, 60.0, clock=clock)
    limit.see_refusal(None)
    for _ in range(60):
        limit.count()
    for _ in range(200):
        limit.join()
    budget = Budget(60.0, clock=clock)
    budget.patient = patient
    flow = Throttle(limit, Endpoint(Secret(ADDRESS)), patience=90.0)(
        Request("POST", f"{ADDRESS}/run", budget=budget), lambda request: (yield request)
    )

    if patient:
        assert isinstance(flow.send(None), Sleep)
    else:
        with pytest.raises(StopIteration) as stop:
            flow.send(None)
        assert stop.value.value.status == 429
    flow.close()


def test_without_retries_a_request_is_sent_once(clock: Clock):
    response, number, passed = sent(clock, [refusal(1)(), answer(200, {})], max_retries=0)

    assert (response.status, number, passed) == (429, 1, 0.0)


def test_other_servers_do_not_share_the_limit(clock: Clock):
    response, number, _ = sent(clock, [refusal(1)(), answer(200, {})], url="https://files.test/upload")

    assert (response.status, number) == (429, 1)
