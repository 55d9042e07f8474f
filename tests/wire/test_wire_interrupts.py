"""Ctrl-C, or whatever a signal handler raises, in the middle of a call: it comes out, and the next call is as any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpcore
import pytest
from faultserver import FaultServer
from wirecalls import client_of

from simstudio.transport.wire.http1 import LLHTTPAnswer

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


@pytest.mark.only_httpcore
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


@pytest.mark.only_httpcore
def test_a_connection_has_no_lock_that_could_stay_locked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    locks: list[object] = []
    method = httpcore.HTTP11Connection._response_closed

    def closed(self: Any) -> None:
        locks.append(self._state_lock)
        method(self)

    monkeypatch.setattr(httpcore.HTTP11Connection, "_response_closed", closed)
    server = serve()
    with client_of(server.url) as client:
        get(client)
    assert [isinstance(lock, httpcore._synchronization.ThreadLock) for lock in locks] == [False]


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.only_httpx("of the parser alone")
def test_one_in_a_callback_of_the_parser_comes_out(*, complete: bool) -> None:
    pytest.importorskip("httptools")

    class Interrupted(LLHTTPAnswer):
        __slots__ = ()

        def on_body(self, data: bytes) -> None:
            raise KeyboardInterrupt

        def on_message_complete(self) -> None:
            super().on_message_complete()
            raise KeyboardInterrupt

    reading = Interrupted("GET")
    with pytest.raises(KeyboardInterrupt):
        reading.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (0 if complete else 3) + b"abc")
