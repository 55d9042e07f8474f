"""``timeout`` bounds one logical call, whatever the server does with the time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpcore
import pytest
from faultserver import DRIP, PATIENCE, Connection, FaultServer, Script
from wireanswers import answer, answering, chunked, head
from wirecalls import Caller, client_of, hasty

from simstudio import APIConnectionError, APITimeoutError, RateLimitError, ServerError
from simstudio.transport import flow
from simstudio.transport.deadline import Budget, Phases
from simstudio.transport.wire.sync_network import SyncNetwork

Serve = Callable[..., FaultServer]
TIMEOUT = 0.05
DRIPS = int(PATIENCE / DRIP)
"""Enough bytes to outlast anybody's patience."""
MUCH = "x" * 20_000_000


def execute(client: Any) -> Any:
    return client.workflows.execute("wf", {"name": "Ada"}, timeout=TIMEOUT)


def read(client: Any) -> Any:
    return client.request("GET", "/api/things", timeout=TIMEOUT)


def warm_up(client: Any) -> Any:
    """Connect first, so that on a busy machine the short time is not used up before anything is sent."""
    return client.request("GET", "/warm-up")


def warmed(script: Script) -> Script:
    """A script that begins after an ordinary call."""

    async def after_an_answer(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer())
        await script(connection)

    return after_an_answer


def calls(server: FaultServer) -> int:
    """How many requests came, warming up aside."""
    return sum(request.target != "/warm-up" for request in server.requests)


async def never_answer(connection: Connection) -> None:
    await connection.request()
    await connection.silence()


async def dribble_status_line(connection: Connection) -> None:
    await connection.request()
    await connection.dribble(b"HTTP/1.1 200 " + b"O" * DRIPS + b"\r\n\r\n")


async def dribble_headers(connection: Connection) -> None:
    await connection.request()
    await connection.dribble(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (DRIPS // 6) + b"Content-Length: 2\r\n\r\n{}")


async def informational_for_ever(connection: Connection) -> None:
    await connection.request()
    for _ in range(DRIPS):
        await connection.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(DRIP)
    await connection.send(answer())


async def stall_in_body(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer()[:-4])
    await connection.silence()


async def dribble_body(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(Content_Length=DRIPS))
    await connection.dribble(b" " * (DRIPS - 2) + b"{}")


async def dribble_chunks(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(Transfer_Encoding="chunked"))
    for _ in range(DRIPS):
        await connection.send(chunked(b" "))
        await asyncio.sleep(DRIP)
    await connection.send(chunked(b"{}") + b"0\r\n\r\n")


async def dribble_an_error(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(500, Content_Length=DRIPS))
    await connection.dribble(b" " * (DRIPS - 2) + b"{}")


SLOW: list[Script] = [
    never_answer, dribble_status_line, dribble_headers, informational_for_ever, stall_in_body, dribble_body,
    dribble_chunks, dribble_an_error,
]  # fmt: skip
slow = pytest.mark.parametrize("script", SLOW, ids=lambda script: script.__name__)


@slow
def test_the_deadline_ends_a_call_to_a_slow_server(serve: Serve, own: Caller, script: Script) -> None:
    server = serve(warmed(script))
    with pytest.raises(APITimeoutError, match=r"within 0\.05 s") as caught:
        own(server.url, warm_up, execute)
    assert caught.value.code == "TIMEOUT"
    assert caught.value.sent
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", server.port)


@slow
def test_a_call_out_of_time_closes_its_connection_and_sends_nothing_again(
    serve: Serve, own: Caller, script: Script
) -> None:
    server = serve(warmed(script), answering())
    with pytest.raises(APITimeoutError):
        own(server.url, warm_up, execute, max_retries=5)
    assert server.saw_close()
    assert calls(server) == 1


@slow
def test_a_read_out_of_time_is_not_retried_past_its_deadline(serve: Serve, own: Caller, script: Script) -> None:
    server = serve(warmed(script), answering())
    with pytest.raises(APITimeoutError):
        own(server.url, warm_up, read, max_retries=5)
    assert server.saw_close()
    assert calls(server) == 1


@pytest.mark.parametrize("script", [never_answer, stall_in_body, dribble_body], ids=lambda script: script.__name__)
def test_with_a_users_http_client_a_silent_or_endless_body_is_out_of_time_too(
    serve: Serve, caller: Caller, script: Script
) -> None:
    server = serve(script)
    with pytest.raises(APITimeoutError) as caught:
        caller(server.url, execute)
    assert caught.value.code == "TIMEOUT"


def send_much(client: Any) -> Any:
    """More than the buffers of both sockets hold."""
    return client.request("POST", "/api/x", json=MUCH, timeout=TIMEOUT)


def test_the_deadline_bounds_a_body_that_is_read_slowly(serve: Serve, own: Caller) -> None:
    """Each piece is taken sooner than the timeout, and the whole never."""

    async def sip(connection: Connection) -> None:
        await connection.request(body=False)
        for _ in range(DRIPS):
            if not await connection.reader.read(4096):
                raise EOFError
            await asyncio.sleep(DRIP)
        await connection.send(answer())

    server = serve(warmed(sip))
    with pytest.raises(APITimeoutError, match=r"while (connecting|sending|waiting)"):
        own(server.url, warm_up, send_much)


def test_the_deadline_bounds_a_body_that_is_not_read_at_all(serve: Serve, own: Caller) -> None:
    async def ignore(connection: Connection) -> None:
        await connection.request(body=False)
        await connection.hold()

    server = serve(warmed(ignore))
    with pytest.raises(APITimeoutError, match=r"while (connecting|sending|waiting)"):
        own(server.url, warm_up, send_much)
    server.release()


@pytest.fixture
def full() -> Iterator[str]:
    """A server that takes no connection: its backlog is full, so that a connection attempt meets silence."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(3):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            waiting.append(client)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for client in waiting:
            client.close()


def test_the_deadline_bounds_connecting(full: str, own: Caller) -> None:
    with pytest.raises(APITimeoutError) as caught:
        own(full, execute)
    assert caught.value.code == "TIMEOUT"


def test_a_time_out_while_connecting_says_that_nothing_was_sent(full: str, own: Caller) -> None:
    with pytest.raises(APITimeoutError, match=r"while connecting.+Nothing was sent") as caught:
        own(full, execute)
    assert not caught.value.sent


def test_connecting_to_a_stream_is_bounded_by_the_clients_timeout(full: str, own: Caller) -> None:
    async def iterate(client: Any) -> None:
        async for _ in client.workflows.stream("wf", idle_timeout=PATIENCE):
            pass

    with pytest.raises(APITimeoutError, match="while connecting"):
        own(
            full,
            iterate if own.asynchronous else lambda client: client.workflows.stream("wf", idle_timeout=PATIENCE),
            timeout=TIMEOUT,
            max_retries=0,
        )


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name with two addresses; at the first, nobody listens on any port of these tests."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("several.example", b"several.example"):
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (2, 1)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "several.example"


def test_several_silent_addresses_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock of our own: each connection attempt takes all it is given."""
    now = 0.0
    given: list[float] = []

    class Silent:
        def connect_tcp(self, host: str, port: int, timeout: float, *_: Any) -> Any:
            nonlocal now
            given.append(timeout)
            now += timeout
            raise httpcore.ConnectTimeout

    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (f"127.0.0.{n}", 80)) for n in (1, 2, 3)]
    )
    budget = Budget(12.0, clock=lambda: now)
    with pytest.raises(httpcore.ConnectTimeout):
        SyncNetwork(Silent()).connect_tcp("several.example", 80, Phases(budget)["connect"])
    assert given == [4.0, 4.0, 4.0]


def test_an_address_that_refuses_at_once_leaves_its_time_to_the_next(serve: Serve, own: Caller, several: str) -> None:
    server = serve()
    assert own(f"http://{several}:{server.port}", lambda client: client.workflows.execute("wf")).success


def test_several_refusals_are_one_error(own: Caller, several: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(APIConnectionError, match=f"{several}:{port}") as caught:
            own(f"http://{several}:{port}", lambda client: client.workflows.execute("wf"), max_retries=0)
    assert not caught.value.sent
    assert caught.value.history == ()


def test_nothing_is_sent_after_a_name_was_looked_up_for_too_long(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, now = socket.getaddrinfo, [0.0]

    def slow(*given: Any, **named: Any) -> Any:
        now[0] += 2.0
        return ask(*given, **named)

    def by_that_clock(request: Any, call_next: Any) -> Any:
        request.budget = Budget(1.0, clock=lambda: now[0])
        return (yield from call_next(request))

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    server = serve()
    with client_of(server.url, middleware=lambda stack: [by_that_clock, *hasty(stack)]) as client:
        with pytest.raises(APITimeoutError, match="while connecting") as caught:
            client.workflows.execute("wf")
        assert not caught.value.sent
    assert server.requests == []


def test_retries_and_their_waits_lie_within_the_deadline(serve: Serve, own: Caller) -> None:
    """Each attempt is quick; the call as a whole is not allowed to go on."""
    server = serve(answering(answer({"error": "busy"}, 503)))
    with pytest.raises((ServerError, APITimeoutError)):
        own(server.url, read, max_retries=1_000_000)


def test_an_attempt_gets_only_what_the_earlier_ones_left(serve: Serve, own: Caller) -> None:
    async def busy(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer({"error": "busy"}, 503, Connection="close"))

    for _ in range(20):  # on a busy machine the first attempt may take all of the time, or leave too little to wait
        with pytest.raises((APITimeoutError, ServerError)) as caught:
            own(serve(warmed(busy), never_answer).url, warm_up, read, max_retries=1)
        if caught.value.history:
            break
    assert caught.type is APITimeoutError
    assert caught.match("attempt 2")
    assert [attempt.status for attempt in caught.value.history] == [503]


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_past_the_deadline_raises_at_once(
    serve: Serve, own: Caller, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sleep(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    monkeypatch.setattr(flow, "time", SimpleNamespace(sleep=no_sleep))
    monkeypatch.setattr(flow, "_import_asyncio", lambda: SimpleNamespace(sleep=no_sleep))
    server = serve(answering(answer({"error": "busy"}, status, Retry_After=30)))
    kind = RateLimitError if status == 429 else ServerError
    with pytest.raises(kind) as caught:
        own(server.url, lambda client: client.request("GET", "/api/x", timeout=10))
    assert caught.value.history == ()
    assert len(server.requests) == 1


def test_without_a_timeout_a_slow_answer_is_waited_for(serve: Serve, own: Caller) -> None:
    async def late(connection: Connection) -> None:
        await connection.request()
        await connection.dribble(answer(), 16)

    server = serve(late)
    assert own(server.url, lambda client: client.workflows.execute("wf", timeout=None)).success


def test_a_slow_answer_within_the_time_is_a_result(serve: Serve, own: Caller) -> None:
    async def dribbled(connection: Connection) -> None:
        await connection.request()
        await connection.dribble(answer({"fine": True}), 16)

    server = serve(dribbled)
    assert own(server.url, lambda client: client.request("GET", "/api/x", timeout=PATIENCE)) == {"fine": True}
