"""VectorVein's limit of calls, and servers that refuse calls without end: what waits for its turn ends in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simstudio.errors import JobTimeoutError, RateLimitError
from simstudio.services.vectorvein.client import PATIENCE
from tests.hostile.servers import CLIENTS, Server
from tests.services.vectorvein.helpers import Clock

REFUSED = {"status": 429, "msg": "slow down", "data": None}
REFUSALS: dict[str, Callable[[], httpx.Response]] = {
    "of a proxy": lambda: httpx.Response(429),
    "of the service": lambda: httpx.Response(200, json=REFUSED),
    "with both": lambda: httpx.Response(429, json=REFUSED),
    "with a pause of 0 s": lambda: httpx.Response(429, headers={"retry-after": "0"}, json=REFUSED),
    "with a pause of a second": lambda: httpx.Response(429, headers={"retry-after": "1"}, json=REFUSED),
    "with a pause of a year": lambda: httpx.Response(429, headers={"retry-after": "31536000"}, json=REFUSED),
    "with a pause that is none": lambda: httpx.Response(429, headers={"retry-after": "-1e999"}, json=REFUSED),
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "a read": lambda client: client.get_agent("a"),
    "a run": lambda client: client.run_workflow("w", []),
    "a list": lambda client: list(client.agents.iterate()),
}
MOST_REQUESTS = 20


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.rule(monkeypatch)
    return made


def played(server: Server, clock: Clock, call: Callable[[Any], Any]) -> None:
    """A call of a client whose limit goes by the same clock as its sleeps."""
    with (
        httpx.Client(transport=httpx.MockTransport(server)) as library,
        CLIENTS["vectorvein"][0](http_client=library) as client,
    ):
        client._context.session.call_limit._clock = clock
        call(client)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_call_that_is_refused_for_ever_ends_within_the_patience_of_the_client(
    refusal: str, call: str, clock: Clock
) -> None:
    server = Server(lambda _: REFUSALS[refusal]())

    with pytest.raises(RateLimitError):
        played(server, clock, CALLS[call])

    assert clock.now <= PATIENCE
    assert server.asked <= MOST_REQUESTS


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_wait_whose_polls_are_refused_for_ever_ends_with_its_time(refusal: str, clock: Clock) -> None:
    server = Server(lambda _: REFUSALS[refusal]())

    with pytest.raises(JobTimeoutError):
        played(server, clock, lambda client: client.workflows.handle("r").wait(timeout=300))

    assert 300 <= clock.now <= 300 + 2 * PATIENCE  # the poll that is under way at the end, and the final one
    assert server.asked <= 3 * MOST_REQUESTS
