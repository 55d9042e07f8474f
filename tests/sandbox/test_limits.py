"""Rate limits, usage and the admission gate."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import httpx
import pytest

from simstudio.sandbox import RateLimits, Sandbox
from simstudio.sandbox.limits import TokenBucket, Window

from .calls import Caller, Serve


class Clock:
    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_twice_the_rate_and_is_refilled_in_whole_minutes() -> None:
    bucket = TokenBucket(2, now=0)
    assert [bucket.take(1) for _ in range(5)] == [True, True, True, True, False]
    assert not bucket.take(59.9)
    assert [bucket.take(60) for _ in range(3)] == [True, True, False]
    assert bucket.read(61).reset_at == 120
    assert bucket.read(1000).remaining == 4


def test_a_window_has_no_burst_and_begins_anew() -> None:
    window = Window(2, now=0)
    assert [window.take(1) for _ in range(3)] == [True, True, False]
    assert window.take(60)
    assert (window.read(61).remaining, window.read(61).reset_at) == (1, 120)


def limited(serve: Serve, clock: Clock, generation: Any = "v0.8", **limits: int) -> Caller:
    return serve(Sandbox(generation=generation, rate_limits=RateLimits(**limits), clock=clock))


def test_over_the_limit_an_execution_is_429_without_a_hint(serve: Serve) -> None:
    call = limited(serve, Clock(), sync_per_minute=1)
    assert [call.execute("hello").status_code for _ in range(3)] == [200, 200, 429]
    answer = call.execute("hello")
    assert answer.json() == {"error": "Rate limit exceeded. Please try again later."}
    assert not {"retry-after", "x-ratelimit-reset"} & set(answer.headers)


def test_after_a_minute_there_are_tokens_again(serve: Serve) -> None:
    clock = Clock()
    call = limited(serve, clock, sync_per_minute=1)
    for _ in range(2):
        call.execute("hello")
    clock.now += 60
    assert [call.execute("hello").status_code for _ in range(2)] == [200, 429]


def test_a_manual_trigger_is_not_counted(serve: Serve) -> None:
    call = limited(serve, Clock(), "v0.6", sync_per_minute=1)
    assert [call.execute("hello", {"triggerType": "manual"}).status_code for _ in range(4)] == [200] * 4


def test_a_background_run_takes_two_tokens_and_fails_for_want_of_the_second(serve: Serve) -> None:
    call = limited(serve, Clock(), "v0.6", sync_per_minute=1)
    call.execute("hello")
    job = call.finished_job(call.submit("hello")["jobId"])
    assert (job["status"], job["error"]) == ("failed", "Rate limit exceeded. Please try again later.")


def test_usage_limits_report_the_buckets(serve: Serve) -> None:
    call = limited(serve, Clock(), sync_per_minute=1, async_per_minute=3)
    for _ in range(2):
        call.execute("hello")
    body = call.http.get("/api/users/me/usage-limits").json()
    assert body["rateLimit"] == {
        "sync": {
            "isLimited": True,
            "requestsPerMinute": 1,
            "maxBurst": 2,
            "remaining": 0,
            "resetAt": "2023-11-14T22:14:20.000Z",
        },
        "async": {
            "isLimited": False,
            "requestsPerMinute": 3,
            "maxBurst": 6,
            "remaining": 6,
            "resetAt": "2023-11-14T22:14:20.000Z",
        },
        "authType": "api",
    }
    assert body["usage"] == {"currentPeriodCost": 0, "limit": 99999, "plan": "free"}


@pytest.mark.generation("v0.6")
def test_without_limits_requests_are_counted_but_never_refused(call: Caller) -> None:
    assert {call.execute("hello").status_code for _ in range(110)} == {200}
    sync = call.http.get("/api/users/me/usage-limits").json()["rateLimit"]["sync"]
    assert (sync["remaining"], sync["isLimited"]) == (0, False)


def test_since_v0_8_a_server_without_limits_says_999999(call: Caller) -> None:
    call.execute("hello")
    found = call.http.get("/api/users/me/usage-limits").json()["rateLimit"]
    numbers = [(found[name]["requestsPerMinute"], found[name]["maxBurst"]) for name in ("sync", "async")]
    assert numbers == [(999_999, 999_999)] * 2
    for path in ("v1/tables", "v1/logs", "v2/tables"):
        answer = call.http.get(f"/api/{path}", params={"workspaceId": call.sandbox.workspace_id})
        assert answer.headers.get_list("x-ratelimit-limit") == ["999999"]
    anonymous = call.http.get("/api/v1/tables", headers={"x-api-key": ""})
    assert (anonymous.status_code, "x-ratelimit-limit" in anonymous.headers) == (401, False)


def test_limits_can_be_switched_while_it_is_served(call: Caller) -> None:
    call.sandbox.rate_limits = RateLimits(sync_per_minute=1)
    assert [call.execute("hello").status_code for _ in range(3)] == [200, 200, 429]
    call.sandbox.rate_limits = None
    assert call.execute("hello").status_code == 200


def test_v1_announces_its_bucket_and_says_when_to_come_back(serve: Serve) -> None:
    clock = Clock()
    call = limited(serve, clock, v1_per_minute=1)
    params = {"workspaceId": call.sandbox.workspace_id}
    answers = [call.http.get("/api/v1/workflows", params=params) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    refused = answers[-1]
    assert (refused.headers["x-ratelimit-limit"], refused.headers["retry-after"]) == ("1", "60")
    assert refused.headers["x-ratelimit-reset"] == "2023-11-14T22:14:20.000Z"
    assert refused.json()["retryAfter"] == int((clock.now + 60) * 1000)
    assert (
        datetime.fromisoformat(refused.headers["x-ratelimit-reset"].replace("Z", "+00:00")).timestamp()
        == clock.now + 60
    )


def test_v1_pages_through_all_workflows(call: Caller) -> None:
    params = {"workspaceId": call.sandbox.workspace_id, "limit": "3"}
    first = call.http.get("/api/v1/workflows", params=params).json()
    rest = call.http.get("/api/v1/workflows", params={**params, "cursor": first["nextCursor"]}).json()
    assert "nextCursor" not in rest
    assert {each["id"] for each in first["data"] + rest["data"]} == set(call.sandbox.workflows)


@pytest.mark.parametrize("held", ["stream", "sync"])
def test_the_admission_gate_is_checked_before_the_key(serve: Serve, held: str) -> None:
    entered, looked = threading.Event(), threading.Event()
    sandbox = Sandbox(admission_limit=1)

    @sandbox.workflow("hold")
    def hold(input: dict) -> None:
        entered.set()
        looked.wait(10)

    def look() -> None:
        """From another thread, while the workflow runs."""
        try:
            entered.wait(10)
            answers.append(call.http.post("/api/workflows/hello/execute", headers={"X-API-Key": "nope"}))
        finally:
            looked.set()

    call = serve(sandbox)
    answers: list[httpx.Response] = []
    looking = threading.Thread(target=look)
    looking.start()
    url = f"{call.server.base_url}/api/workflows/hold/execute"
    try:
        with httpx.Client(timeout=20) as other:
            held_one = other.post(url, json={"stream": held == "stream"}, headers={"X-API-Key": call.sandbox.api_key})
    finally:
        looking.join()
    assert held_one.status_code == 200
    assert answers[0].status_code == 429
    assert answers[0].headers["retry-after"] == "5"
    assert answers[0].json()["retryAfterSeconds"] == 5
