from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio import (
    APIConnectionError,
    APITimeoutError,
    Backoff,
    ConfigurationError,
    Request,
    Response,
    Retry,
    RetryPolicy,
)
from simstudio.resources.execution import is_refused_execution
from simstudio.transport.deadline import Budget
from simstudio.transport.message import Claim, Headers
from simstudio.transport.retry import LONGEST_WAIT, check_max_retries
from simstudio.transport.stack import compose
from tests.driving import Clock, answer, play

unit = st.floats(0, 1)
UNSENT = APIConnectionError("Cannot connect", sent=False)
POOL = APITimeoutError("no free connection", sent=False)
DROPPED = APIConnectionError("The connection broke")
SILENT = APITimeoutError("No whole answer")
SIMS_OWN = {"error": "Rate limit exceeded. Please try again later."}
GATE = {"error": "Too many requests", "message": "Server is at capacity.", "retryAfterSeconds": 5}
A_BLOCKS = {"error": "my own limit"}


def request(resend: Any = "read", **more: Any) -> Request:
    return Request("GET" if resend == "read" else "POST", "https://sim.test/api/x", resend=resend, **more)


def decided(
    req: Request, outcome: Response | APIConnectionError, remaining: float | None = None, **policy: Any
) -> float | None:
    return RetryPolicy(**policy).decide(req, outcome, random=0.5, now=0.0, remaining=remaining)


class TestBackoff:
    def test_delays_grow_from_the_initial_one_to_the_maximum(self) -> None:
        backoff = Backoff(initial=1.0, maximum=5.0, multiplier=2.0)
        assert [backoff.delay(n, random=0.5) for n in range(1, 6)] == [1.0, 2.0, 4.0, 5.0, 5.0]

    @given(st.integers(1, 10_000), unit, st.floats(0.001, 100), st.floats(0.001, 1000), st.floats(1, 10))
    def test_jitter_spreads_a_delay_by_25_percent_at_most(
        self, attempt: int, random: float, initial: float, maximum: float, multiplier: float
    ) -> None:
        backoff = Backoff(initial, maximum, multiplier)
        middle = backoff.delay(attempt, random=0.5)
        delay = backoff.delay(attempt, random=random)
        assert 0.75 * middle * (1 - 1e-9) <= delay <= 1.25 * middle * (1 + 1e-9)
        assert delay <= 1.25 * maximum * (1 + 1e-9)

    @given(st.integers(1, 50), unit, st.floats(0, 10_000))
    def test_a_floor_is_never_undercut_and_wins_over_the_maximum(
        self, attempt: int, random: float, floor: float
    ) -> None:
        delay = Backoff(maximum=2.0).delay(attempt, random=random, floor=floor)
        assert delay >= floor
        assert delay <= max(2.5, floor * 1.25) * (1 + 1e-9)

    def test_jitter_of_a_floor_only_adds(self) -> None:
        backoff = Backoff(initial=0.1)
        assert backoff.delay(1, random=0.0, floor=4.0) == 4.0
        assert backoff.delay(1, random=1.0, floor=4.0) == 5.0


class TestDecide:
    @pytest.mark.parametrize("resend", ["read", "never", "claimed"])
    @pytest.mark.parametrize("outcome", [UNSENT, POOL], ids=["connect failure", "pool timeout"])
    def test_what_surely_was_not_sent_is_sent_again(self, resend: str, outcome: APIConnectionError) -> None:
        assert decided(request(resend), outcome) is not None

    @pytest.mark.parametrize(("resend", "again"), [("read", True), ("claimed", True), ("never", False)])
    @pytest.mark.parametrize("outcome", [DROPPED, SILENT], ids=["dropped", "timed out"])
    def test_what_may_have_been_carried_out_is_sent_again_only_where_that_changes_nothing(
        self, resend: str, again: bool, outcome: APIConnectionError
    ) -> None:
        assert (decided(request(resend), outcome) is not None) is again

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    @pytest.mark.parametrize(("resend", "again"), [("read", True), ("claimed", True), ("never", False)])
    def test_temporary_statuses(self, status: int, resend: str, again: bool) -> None:
        assert (decided(request(resend), answer(status)) is not None) is again

    @pytest.mark.parametrize(
        "status", [200, 301, 308, 400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 423, 501, 505]
    )
    @pytest.mark.parametrize("resend", ["read", "never", "claimed"])
    def test_other_statuses_are_final(self, status: int, resend: str) -> None:
        assert decided(request(resend), answer(status)) is None

    @pytest.mark.parametrize(
        ("body", "again"), [(SIMS_OWN, True), (GATE, True), (A_BLOCKS, False), (None, False), ([1], False)]
    )
    @pytest.mark.parametrize("resend", ["never", "claimed"])
    def test_an_execution_is_sent_again_after_a_429_of_sims_own_only(self, body: Any, again: bool, resend: str) -> None:
        assert (decided(request(resend, refused=is_refused_execution), answer(429, body)) is not None) is again

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_an_execution_is_not_sent_again_after_another_status_even_with_such_a_body(self, status: int) -> None:
        assert decided(request("never", refused=is_refused_execution), answer(status, SIMS_OWN)) is None

    def test_the_requests_own_number_of_retries_comes_before_the_policys(self) -> None:
        assert decided(request(max_retries=0), answer(503), max_retries=5) is None
        assert decided(request(max_retries=3, attempt=3), answer(503), max_retries=0) is not None
        assert decided(request(max_retries=3, attempt=4), answer(503), max_retries=9) is None
        assert decided(request(attempt=3), answer(503), max_retries=2) is None

    def test_retry_after_is_a_floor(self) -> None:
        assert decided(request(), answer(503, headers={"Retry-After": "40"})) == 40 * 1.125

    def test_retry_after_of_an_http_date_counts_from_now(self) -> None:
        delay = RetryPolicy().decide(
            request(), answer(503, headers={"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}), random=0.0, now=60.0
        )
        assert delay == 40.0

    @pytest.mark.parametrize("garbage", ["soon", "-1", "nan", "1e999", ""])
    def test_garbage_in_retry_after_is_no_floor(self, garbage: str) -> None:
        assert decided(request(), answer(503, headers={"Retry-After": garbage})) == 0.5

    def test_a_wait_that_reaches_the_deadline_is_not_begun(self) -> None:
        limited = answer(429, headers={"Retry-After": "10"})
        assert decided(request(), limited, remaining=10.0) is None
        assert decided(request(), limited, remaining=12.0) == 11.25
        assert decided(request(), answer(503), remaining=0.5) is None
        assert decided(request(), answer(503), remaining=-1.0) is None

    def test_a_wait_of_more_than_a_day_is_not_begun_even_without_a_deadline(self) -> None:
        assert decided(request(), answer(429, headers={"Retry-After": str(LONGEST_WAIT + 1)})) is None
        assert decided(request(), answer(429, headers={"Retry-After": "1e300"})) is None

    @given(st.integers(1, 4), unit, st.floats(0, 200), st.one_of(st.none(), st.floats(-10, 300)))
    def test_a_decision_is_a_wait_below_the_deadline_and_not_below_the_floor_or_none(
        self, attempt: int, random: float, floor: float, remaining: float | None
    ) -> None:
        policy = RetryPolicy(max_retries=3)
        outcome = Response(503, Headers({"Retry-After": repr(floor)}))
        delay = policy.decide(request(attempt=attempt), outcome, random=random, now=0.0, remaining=remaining)
        if delay is None:
            assert attempt > 3 or remaining is not None
        else:
            assert attempt <= 3
            assert delay >= floor
            assert remaining is None or delay < remaining

    def test_the_statuses_are_the_policys(self) -> None:
        assert decided(request(), answer(418), statuses=frozenset({418})) is not None
        assert decided(request(), answer(503), statuses=frozenset({418})) is None


def retrying(random: Callable[[], float] = lambda: 0.5, **policy: Any) -> Any:
    return compose([Retry(RetryPolicy(**policy), random=random, now=lambda: 0.0)])


class TestRetry:
    def test_a_success_is_not_sent_again(self) -> None:
        played = play(retrying()(request()), answer(200))
        assert played.result.status == 200
        assert played.result.history == ()
        assert len(played.requests) == 1

    def test_every_attempt_gets_a_fresh_copy_with_its_number(self) -> None:
        original = request()

        def spoil(req: Request) -> Response:
            assert "X-Spoiled" not in req.headers
            req.headers["X-Spoiled"] = "yes"
            req.url = "https://elsewhere.test/"
            return answer(503)

        played = play(retrying()(original), spoil, spoil, answer(200))
        assert [req.attempt for req in played.requests] == [1, 2, 3]
        assert len({id(req) for req in played.requests} | {id(original)}) == 4
        assert played.requests[2].url == original.url
        assert "X-Spoiled" not in original.headers

    def test_it_sleeps_between_attempts_and_the_last_outcome_comes_back(self) -> None:
        played = play(retrying()(request()), answer(500), answer(502), answer(503))
        assert played.sleeps == [0.5, 1.0]
        assert played.result.status == 503

    def test_a_response_carries_the_earlier_attempts(self) -> None:
        played = play(retrying()(request()), answer(503), UNSENT, answer(200))
        first, second = played.result.history
        assert (first.number, first.status, first.error, first.delay) == (1, 503, None, 0.5)
        assert (second.number, second.status, second.error, second.delay) == (2, None, UNSENT, 1.0)

    def test_an_error_carries_the_earlier_attempts(self) -> None:
        last = APIConnectionError("again")
        played = play(retrying()(request()), answer(503), answer(502), last)
        assert played.error is last
        assert [attempt.status for attempt in last.history] == [503, 502]

    def test_every_response_is_told_to_the_observers_at_once(self) -> None:
        told: list[int] = []
        first = answer(503)
        flow = retrying()(request(observers=(lambda response: told.append(response.status),)))
        played = play(flow, first, UNSENT, answer(200), on_sleep=lambda _: told.append(-1))
        assert played.result.status == 200
        assert told == [503, -1, -1, 200]

    def test_a_failure_of_another_kind_is_not_its_business(self) -> None:
        bug = RuntimeError("a bug below")
        assert play(retrying()(request()), bug).error is bug

    def test_the_deadline_bounds_attempts_and_sleeps_together(self) -> None:
        clock = Clock()

        def slow(_: Request) -> Response:
            clock.advance(4.0)
            return answer(503)

        played = play(
            retrying(max_retries=9)(request(budget=Budget(10.0, clock=clock))), *[slow] * 9, on_sleep=clock.advance
        )
        assert played.result.status == 503
        assert played.sleeps == [0.5, 1.0]  # 9.5 s; with the last attempt the time is up
        assert len(played.requests) == 3

    def test_a_retry_after_past_the_deadline_is_returned_unslept(self) -> None:
        played = play(
            retrying()(request(budget=Budget(5.0, clock=Clock()))), answer(429, headers={"Retry-After": "60"})
        )
        assert played.sleeps == []
        assert played.result.status == 429

    def test_no_more_than_max_retries(self) -> None:
        played = play(retrying(max_retries=2)(request()), *[APIConnectionError(str(n)) for n in range(9)])
        assert len(played.requests) == 3
        assert str(played.error) == "2"


def claimed(mint: Callable[[], str] | None, **more: Any) -> Request:
    """A request whose id a 429 with the body ``"spent"`` uses up."""
    claim = Claim("X-Id", "first", spent_by=lambda response: response.content == b'"spent"', mint=mint)
    return request("claimed", headers=Headers({"X-Id": "first"}), claim=claim, **more)


class TestClaims:
    def test_a_refusal_that_used_the_id_up_is_sent_again_under_a_new_one(self) -> None:
        original = claimed(iter(["second", "third"]).__next__)
        played = play(retrying()(original), answer(429, "spent"), answer(429, "spent"), answer(200))
        assert [sent.headers["X-Id"] for sent in played.asked] == ["first", "second", "third"]
        assert original.claim is not None
        assert original.claim.id == "third"

    @pytest.mark.parametrize("outcome", [answer(429), answer(503), DROPPED, UNSENT], ids=repr)
    def test_anything_else_is_sent_again_under_the_same_id(self, outcome: Response | APIConnectionError) -> None:
        played = play(retrying()(claimed(lambda: "second")), outcome, answer(200))
        assert [sent.headers["X-Id"] for sent in played.asked] == ["first", "first"]

    def test_the_last_id_is_the_one_that_was_sent_last(self) -> None:
        original = claimed(lambda: "second")
        play(retrying(max_retries=0)(original), answer(429, "spent"))
        assert original.claim is not None
        assert original.claim.id == "first"

    def test_an_id_that_the_caller_chose_is_never_replaced(self) -> None:
        played = play(retrying()(claimed(None)), answer(429), answer(429, "spent"))
        assert [sent.headers["X-Id"] for sent in played.asked] == ["first", "first"]
        assert (played.result.status, played.result.content) == (429, b'"spent"')


@pytest.mark.parametrize("value", [True, -1, 1.5, "3", None])
def test_max_retries_is_a_whole_number_of_0_or_more(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_retries must be a whole number"):
        check_max_retries(value)
