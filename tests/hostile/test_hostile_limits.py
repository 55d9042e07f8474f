"""Limits of calls, and servers that refuse calls without end: what waits for its turn ends in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simstudio.errors import JobTimeoutError, RateLimitError
from simstudio.services.vectorvein.client import PATIENCE
from tests.hostile.servers import CLIENTS, Server
from tests.services.vectorvein.helpers import Clock

Reply = Callable[..., httpx.Response]
BODIES = {
    "oomol": {"message": "slow down"},
    "speedpix": {"status": 20, "errCode": "Throttling.User", "errMessage": "slow down"},
    "vectorvein": {"status": 429, "msg": "slow down", "data": None},
}
"""Bodies in which a service, or the gateway before it, refuses a call."""
PAUSES: dict[str, str | None] = {
    "none": None,
    "of 0 s": "0",
    "of a second": "1",
    "of a year": "31536000",
    "that is no number": "-1e999",
}
REFUSALS: dict[str, tuple[str, Callable[[], httpx.Response]]] = {
    **{
        f"{service} of a proxy, a pause {pause}": (
            service,
            lambda seconds=seconds: httpx.Response(429, headers={} if seconds is None else {"retry-after": seconds}),
        )
        for service in BODIES
        for pause, seconds in PAUSES.items()
    },
    **{
        f"{service} with a body": (service, lambda body=body: httpx.Response(429, json=body))
        for service, body in BODIES.items()
    },
    "vectorvein in an envelope": ("vectorvein", lambda: httpx.Response(200, json=BODIES["vectorvein"])),
    "speedpix by its gateway": (
        "speedpix",
        lambda: httpx.Response(403, headers={"x-ca-error-message": "Throttled by USER Flow Control"}),
    ),
}
CALLS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "oomol": {
        "a read": lambda client: client.tasks.get("t"),
        "a run": lambda client: client.tasks.create({"blockId": "a::b"}),
        "a list": lambda client: client.blocks.list(),
    },
    "speedpix": {
        "a read": lambda client: client.predictions.get("t"),
        "a run": lambda client: client.predictions.create("w", {}),
        "a list": lambda client: client.files.create(b"content", "x.png"),
    },
    "vectorvein": {
        "a read": lambda client: client.get_agent("a"),
        "a run": lambda client: client.run_workflow("w", []),
        "a list": lambda client: list(client.agents.iterate()),
    },
}
WAITS: dict[str, Callable[[Any, float | None], Any]] = {
    "oomol": lambda client, timeout: client.tasks.handle("r").wait(timeout=timeout),
    "speedpix": lambda client, timeout: client.predictions.handle("r").wait(timeout=timeout),
    "vectorvein": lambda client, timeout: client.workflows.handle("r").wait(timeout=timeout),
}
MOST_REQUESTS = 20


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.rule(monkeypatch)
    return made


def played(service: str, server: Server, clock: Clock, call: Callable[[Any], Any], **options: Any) -> None:
    """A call of a client whose limit goes by the same clock as its sleeps."""
    with (
        httpx.Client(transport=httpx.MockTransport(server)) as library,
        CLIENTS[service][0](http_client=library, **options) as client,
    ):
        client._context.session.call_limit._clock = clock
        call(client)


@pytest.mark.parametrize("call", ["a read", "a run", "a list"])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_call_that_is_refused_for_ever_ends_within_the_patience_of_the_client(
    refusal: str, call: str, clock: Clock
) -> None:
    service, reply = REFUSALS[refusal]
    server = Server(lambda _: reply())

    with pytest.raises(RateLimitError):
        played(service, server, clock, CALLS[service][call])

    assert clock.now <= PATIENCE
    assert server.asked <= MOST_REQUESTS


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_wait_whose_polls_are_refused_for_ever_ends_with_its_time(refusal: str, clock: Clock) -> None:
    service, reply = REFUSALS[refusal]
    server = Server(lambda _: reply())

    with pytest.raises(JobTimeoutError):
        played(service, server, clock, lambda client: WAITS[service](client, 300))

    assert 300 <= clock.now <= 300 + 2 * PATIENCE  # the poll that is under way at the end, and the final one
    assert server.asked <= 3 * MOST_REQUESTS


@pytest.mark.parametrize("service", CALLS)
def test_without_a_timeout_a_call_and_a_wait_that_are_refused_for_ever_end_after_a_day(
    service: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.hostile.servers.MOST_REQUESTS", 100_000)
    server = Server(lambda _: httpx.Response(429, headers={"retry-after": "600"}))

    for call in (CALLS[service]["a run"], lambda client: WAITS[service](client, None)):
        began = clock.now
        with pytest.raises(RateLimitError):
            played(service, server, clock, call, timeout=None)
        assert 23 * 3600 < clock.now - began < 49 * 3600
