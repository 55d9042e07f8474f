from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_transport_hints import header_text

from simstudio import APIConnectionError, RateLimitInfo
from simstudio.transport.hints import RateLimits
from simstudio.transport.message import Headers, Request, Response
from simstudio.transport.retry import Backoff, Retry, RetryPolicy
from simstudio.transport.stack import compose
from tests.driving import answer, play

NOW = 1776168000.0


def limits() -> RateLimits:
    return RateLimits(now=lambda: NOW)


def told(**headers: str) -> Response:
    return answer(headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_nothing_is_known_before_the_server_said_anything() -> None:
    known = limits()
    known.update(answer(200, {}))
    assert known.current is None


def test_it_learns_the_three_headers_and_the_wait() -> None:
    known = limits()
    known.update(
        told(
            X_RateLimit_Limit="30",
            X_RateLimit_Remaining="59",
            X_RateLimit_Reset="2026-04-14T12:01:00.000Z",
            Retry_After="7",
        )
    )
    assert known.current == RateLimitInfo(limit=30, remaining=59, reset=int(NOW) + 60, retry_after=7)


def test_a_response_without_hints_changes_nothing() -> None:
    known = limits()
    known.update(told(X_RateLimit_Limit="30", X_RateLimit_Remaining="5", X_RateLimit_Reset="1776168060"))
    before = known.current
    known.update(answer(200, {}))
    assert known.current == before


def test_a_wait_alone_means_that_nothing_remains_until_then() -> None:
    known = limits()
    known.update(told(X_RateLimit_Limit="30", X_RateLimit_Remaining="5", X_RateLimit_Reset="1776168060"))
    known.update(told(Retry_After="5"))
    assert known.current == RateLimitInfo(limit=30, remaining=0, reset=int(NOW) + 5, retry_after=5)


def test_a_wait_is_rounded_up_to_whole_seconds() -> None:
    known = limits()
    known.update(told(Retry_After="1.2"))
    assert known.current is not None
    assert known.current.retry_after == 2


def test_a_later_response_that_asks_for_no_wait_ends_it() -> None:
    known = limits()
    known.update(told(Retry_After="5"))
    known.update(told(X_RateLimit_Remaining="9"))
    assert known.current is not None
    assert (known.current.remaining, known.current.retry_after) == (9, None)


@pytest.mark.parametrize("garbage", ["", "many", "-1", "nan", "1e300", "\xff"])
def test_garbage_keeps_what_was_known(garbage: str) -> None:
    known = limits()
    known.update(told(X_RateLimit_Limit="30", X_RateLimit_Remaining="5", X_RateLimit_Reset="1776168060"))
    before = known.current
    known.update(
        told(X_RateLimit_Limit=garbage, X_RateLimit_Remaining=garbage, X_RateLimit_Reset=garbage, Retry_After=garbage)
    )
    assert known.current == before


def test_garbage_in_one_hint_does_not_spoil_another() -> None:
    known = limits()
    known.update(told(X_RateLimit_Limit="30", X_RateLimit_Remaining="?", X_RateLimit_Reset="1776168060"))
    known.update(told(X_RateLimit_Limit="?", X_RateLimit_Remaining="4", X_RateLimit_Reset="?"))
    assert known.current == RateLimitInfo(limit=30, remaining=4, reset=1776168060)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"]),
            header_text,
        ),
        max_size=4,
    )
)
def test_whatever_is_sent_the_reset_is_a_moment_and_nothing_raises(sent: list[dict[str, str]]) -> None:
    known = limits()
    for headers in sent:
        received = Headers()
        for name, value in headers.items():
            received.put(name, value)
        known.update(Response(200, received))
        if known.current is not None:
            info = known.current
            assert datetime.fromtimestamp(info.reset)  # noqa: DTZ006 - as the documents do
            assert all(type(value) is int and value >= 0 for value in (info.limit, info.remaining, info.reset))
            assert info.retry_after is None or (type(info.retry_after) is int and info.retry_after >= 0)


class TestAsMiddleware:
    def retry(self) -> Retry:
        return Retry(RetryPolicy(backoff=Backoff(initial=1.0)), random=lambda: 0.5, now=lambda: NOW)

    def test_it_learns_from_every_attempt(self) -> None:
        known, learned = limits(), []

        def note(request: Request, call_next: Any) -> Any:
            response = yield from call_next(request)
            learned.append(known.current)
            return response

        played = play(
            compose([known, self.retry(), note])(Request("GET", "https://sim.test/x", resend="read")),
            told(X_RateLimit_Remaining="3"),
            answer(200, {}),
        )
        assert played.result.status == 200
        assert known.current is not None
        assert known.current.remaining == 3

    def test_it_has_learned_from_a_refused_attempt_before_the_next_is_sent(self) -> None:
        known = limits()
        seen: list[RateLimitInfo | None] = []

        def second(_: Request) -> Response:
            seen.append(known.current)
            return answer(200, {})

        refused = answer(429, {}, headers={"Retry-After": "5"})
        play(compose([known, self.retry()])(Request("GET", "https://sim.test/x", resend="read")), refused, second)
        assert seen == [RateLimitInfo(limit=0, remaining=0, reset=int(NOW) + 5, retry_after=5)]

    def test_it_learns_without_a_retry_below(self) -> None:
        known = limits()
        play(compose([known])(Request("GET", "https://sim.test/x")), told(X_RateLimit_Remaining="3"))
        assert known.current is not None

    def test_it_delays_nothing(self) -> None:
        known = limits()
        known.update(told(X_RateLimit_Remaining="0", Retry_After="60"))
        assert play(compose([known])(Request("GET", "https://sim.test/x")), answer(200, {})).sleeps == []

    def test_it_bears_attempts_that_bring_nothing(self) -> None:
        known = limits()
        played = play(
            compose([known, self.retry()])(Request("GET", "https://sim.test/x", resend="read")),
            APIConnectionError("refused"),
            told(X_RateLimit_Remaining="3"),
        )
        assert played.result.status == 200
        assert known.current is not None
