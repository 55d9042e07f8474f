"""A call that gets no whole answer: which error, what it says, and what is sent again."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faultserver import Connection, FaultServer, Script
from wireanswers import answer, answering, head
from wirecalls import Caller, hasty

from simstudio import APIConnectionError, APITimeoutError, ConfigurationError, InvalidResponseError
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.transport.errors import SimStudioError
from simstudio.transport.message import Request, Response
from simstudio.transport.wire import failures

Serve = Callable[..., FaultServer]


def execute(client: Any) -> Any:
    return client.workflows.execute("wf", {"name": "Ada"})


def status(client: Any) -> Any:
    return client.request("GET", "/api/things")


async def drop(connection: Connection) -> None:
    await connection.request()


async def reset(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def drop_at_once(connection: Connection) -> None:
    connection.writer.close()


async def drop_in_head(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Ty")


async def drop_after_head(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(Content_Length=40))


async def truncate(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(Content_Length=40) + b'{"success": true')


async def truncate_chunks(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(Transfer_Encoding="chunked") + b'5\r\n{"suc')


async def half_close(connection: Connection) -> None:
    await connection.request()
    connection.half_close()
    await connection.silence()


async def garbage(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"\x00\x01\x02 this is no HTTP\r\n\r\n")


async def spoiled_gzip(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer(b"this was never packed", Content_Encoding="gzip", Connection="close"))


BROKEN: list[Script] = [
    drop, reset, drop_in_head, drop_after_head, truncate, truncate_chunks, half_close, garbage, spoiled_gzip
]  # fmt: skip
broken = pytest.mark.parametrize("script", BROKEN, ids=lambda script: script.__name__)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine where nobody listens, nor will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@broken
def test_a_broken_connection_is_an_api_connection_error_that_may_have_been_sent(
    serve: Serve, caller: Caller, script: Script
) -> None:
    server = serve(script)
    with pytest.raises(APIConnectionError) as caught:
        caller(server.url, execute)
    assert not isinstance(caught.value, APITimeoutError)
    assert caught.value.sent
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", server.port)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert "POST /api/workflows/wf/execute, attempt 1" in str(caught.value)


@broken
def test_an_execution_that_may_have_begun_is_never_sent_twice(serve: Serve, own: Caller, script: Script) -> None:
    server = serve(script, answering())
    with pytest.raises(APIConnectionError):
        own(server.url, execute, max_retries=5)
    assert len(server.connections) == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("call", ["submit", "stream"])
def test_neither_a_submission_nor_a_streamed_run_is_sent_twice(serve: Serve, own: Caller, call: str) -> None:
    server = serve(drop, answering())
    with pytest.raises(APIConnectionError):
        own(server.url, lambda client: getattr(client.workflows, call)("wf"), max_retries=5)
    assert len(server.requests) == 1


@broken
def test_a_read_is_sent_again_until_it_is_answered(serve: Serve, own: Caller, script: Script) -> None:
    server = serve(script, script, answering(answer({"fine": True})))
    assert own(server.url, status) == {"fine": True}
    assert len(server.requests) == 3


def test_a_read_is_given_up_after_max_retries(serve: Serve, own: Caller) -> None:
    server = serve(drop)
    with pytest.raises(APIConnectionError, match="attempt 3"):
        own(server.url, status, max_retries=2)
    assert len(server.requests) == 3


def test_a_connection_dropped_before_the_request_could_be_read_may_have_been_sent(serve: Serve, own: Caller) -> None:
    server = serve(drop_at_once, answering())
    with pytest.raises(APIConnectionError) as caught:
        own(server.url, execute)
    assert caught.value.sent


def test_refused_says_where_and_that_nothing_was_sent(closed_port: int, caller: Caller) -> None:
    with pytest.raises(
        APIConnectionError, match=rf"Cannot connect to 127\.0\.0\.1:{closed_port}: .+Nothing was sent"
    ) as caught:
        caller(f"http://127.0.0.1:{closed_port}", execute, max_retries=0)
    assert not caught.value.sent
    assert not isinstance(caught.value, APITimeoutError)


def test_an_execution_that_surely_was_not_sent_is_sent_again(closed_port: int, own: Caller) -> None:
    with pytest.raises(APIConnectionError, match="attempt 4") as caught:
        own(f"http://127.0.0.1:{closed_port}", execute, max_retries=3)
    assert [attempt.number for attempt in caught.value.history] == [1, 2, 3]


def test_an_execution_reaches_a_server_that_comes_up_between_attempts(own: Caller) -> None:
    """Refused, refused, answered: and it ran once."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        refused: list[int] = []
        with FaultServer() as server:

            def come_up_later(request: Any, call_next: Any) -> Any:
                if request.attempt == 3:
                    request.url = request.url.replace(f":{port}", f":{server.port}")
                else:
                    refused.append(request.attempt)
                return (yield from call_next(request))

            def stack(default: list[Any]) -> list[Any]:
                return [*hasty(default), come_up_later]

            result = own(f"http://127.0.0.1:{port}", execute, middleware=stack)
            assert isinstance(result, WorkflowExecutionResult)
            assert refused == [1, 2]
            assert len(server.requests) == 1


def test_a_host_name_that_does_not_exist_was_surely_not_sent_to(own: Caller) -> None:
    with pytest.raises(APIConnectionError, match=r"nowhere\.invalid:80") as caught:
        own("http://nowhere.invalid", execute, max_retries=0)
    assert not caught.value.sent


@pytest.mark.parametrize("name", ["a" * 64, f"{'a' * 64}.example", "a..example", ".example"])
def test_a_host_name_that_cannot_exist_is_refused_before_anything_is_sent(name: str, own: Caller) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        own(f"http://{name}", execute)


def test_errors_carry_the_attempts_before_the_last(serve: Serve, own: Caller) -> None:
    async def busy_once(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer({"error": "busy"}, 503, Connection="close"))

    server = serve(busy_once, drop, reset)
    with pytest.raises(APIConnectionError) as caught:
        own(server.url, status)
    first, second = caught.value.history
    assert (first.number, first.status, first.error) == (1, 503, None)
    assert (second.number, second.status) == (2, None)
    assert isinstance(second.error, APIConnectionError)
    assert first.delay > 0


def test_a_truncated_body_says_how_much_of_it_came(serve: Serve, caller: Caller) -> None:
    server = serve(truncate)
    with pytest.raises(APIConnectionError, match="broke after 16 bytes of the answer"):
        caller(server.url, execute)


def test_a_body_cut_short_without_a_length_to_tell_is_no_json(serve: Serve, own: Caller) -> None:
    async def cut(connection: Connection) -> None:
        await connection.request()
        await connection.send(head(Content_Type="application/json", Connection="close") + b'{"success": tr')

    server = serve(cut)
    with pytest.raises(InvalidResponseError) as caught:
        own(server.url, execute)
    assert caught.value.response.content == b'{"success": tr'


def test_an_answer_sent_before_the_request_was_read_is_taken(serve: Serve, own: Caller) -> None:
    """As a proxy does that refuses a large body."""

    async def refuse(connection: Connection) -> None:
        await connection.request(body=False)
        await connection.send(answer({"error": "too large"}, 413, Connection="close"))
        await connection.silence()

    server = serve(refuse)
    with pytest.raises(Exception, match="too large") as caught:
        own(server.url, lambda client: client.workflows.execute("wf", {"text": "x" * 5_000_000}))
    assert caught.value.status == 413


def test_the_key_is_in_no_message_and_no_chain(serve: Serve, caller: Caller) -> None:
    server = serve(drop)
    with pytest.raises(APIConnectionError) as caught:
        caller(server.url, execute)
    error: BaseException | None = caught.value
    while error is not None:
        assert "sk-sim-wire" not in repr(error) + str(error)
        error = error.__cause__


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda request: failures.refused_error(request, "no route"), id="refused"),
        pytest.param(lambda request: failures.broken_error(request, "reset"), id="broken"),
        pytest.param(lambda request: failures.timeout_error(request, "Read"), id="timed out"),
    ],
)
def test_an_ipv6_address_stands_in_brackets_before_its_port(error: Callable[[Request], APIConnectionError]) -> None:
    raised = error(Request("GET", "http://[2001:db8::1]:8080/api"))

    assert (raised.host, raised.port) == ("2001:db8::1", 8080)
    assert " [2001:db8::1]:8080" in str(raised)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda request: failures.broken_error(request, "reset"), id="broken"),
        pytest.param(lambda request: failures.timeout_error(request, "Read"), id="timed out"),
        pytest.param(lambda request: failures.too_large(request, Response(200), 9), id="too large"),
    ],
)
def test_only_of_a_request_that_may_change_something_is_an_outcome_left_open(
    error: Callable[[Request], SimStudioError],
) -> None:
    def text(method: str, **options: Any) -> str:
        return str(error(Request(method, "http://sim.test/api", **options)))

    for open_ in (text("POST"), text("POST", resend="claimed"), text("DELETE")):
        assert re.search(r"What was started there may go on; give|The request may have been carried out; look", open_)
    for read in (text("GET"), text("HEAD"), text("POST", resend="read")):
        assert "may " not in read
        assert read.endswith(".")
