"""Ctrl-C, or whatever a signal handler raises, in the middle of a call: it comes out, and the next call is as any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpcore
import pytest
from faultserver import FaultServer
from wirecalls import client_of

Serve = Callable[..., FaultServer]


def get(client: Any) -> Any:
    return client.request("GET", "/api/x")


def interrupted_once(monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
    """A method of httpcore's connections is interrupted the first time that it is called."""
    method = getattr(httpcore.HTTP11Connection, name)
    interrupted: list[bool] = []

    def interrupting(self: Any, *given: Any, **named: Any) -> Any:
        if after or interrupted:
            made = method(self, *given, **named)
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(httpcore.HTTP11Connection, name, interrupting)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "name", ["_send_request_headers", "_receive_response_headers", "_receive_response_body", "_response_closed"]
)
def test_the_next_call_is_as_any(serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
    server = serve()
    interrupted_once(monkeypatch, name, after=after)
    with client_of(server.url) as client:
        with pytest.raises(KeyboardInterrupt):
            get(client)
        assert get(client)
    assert server.saw_close()
    assert len(server.connections) == 2


@pytest.mark.parametrize("number", range(3))
def test_one_that_leaves_a_lock_of_a_connection_locked_stops_no_later_call(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """httpcore takes three for a call; the next one gets another connection."""
    taken: list[object] = []
    acquire = httpcore._synchronization.Lock.__enter__

    def interrupting(self: Any) -> Any:
        taken.append(acquire(self))
        if len(taken) == number + 1:
            raise KeyboardInterrupt
        return self

    monkeypatch.setattr(httpcore._synchronization.Lock, "__enter__", interrupting)
    server = serve()
    with client_of(server.url) as client:
        with pytest.raises(KeyboardInterrupt):
            get(client)
        assert get(client)
