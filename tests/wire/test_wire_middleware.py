"""A user's middleware over real sockets: below logging, at every attempt, in both clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import DONE, FINAL, answer, answering, streaming, text
from wirecalls import Caller, hasty

from simstudio import APIConnectionError, Headers, Response, ServerError

Serve = Callable[..., FaultServer]


def get(client: Any) -> Any:
    return client.request("GET", "/api/x")


def below(*middleware: Any) -> Any:
    """The default stack with quick retries, and these below it."""
    return lambda stack: [*hasty(stack), *middleware]


async def drop(connection: Connection) -> None:
    await connection.request()


def test_it_sees_every_attempt_and_what_came_of_it(serve: Serve, own: Caller) -> None:
    async def busy(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer({}, 503, Connection="close"))

    server = serve(busy, drop, answering(answer({"fine": True})))
    seen: list[tuple[int, object]] = []

    def watch(request: Any, call_next: Any) -> Any:
        try:
            response = yield from call_next(request)
        except APIConnectionError as error:
            seen.append((request.attempt, type(error)))
            raise
        seen.append((request.attempt, response.status))
        return response

    assert own(server.url, get, middleware=below(watch)) == {"fine": True}
    assert seen == [(1, 503), (2, APIConnectionError), (3, 200)]


def test_it_may_answer_by_itself(serve: Serve, own: Caller) -> None:
    server = serve()

    def answer_by_itself(request: Any, call_next: Any) -> Any:
        return Response(200, Headers({"X-From": "memory"}), b'{"cached": true}', request.method, request.url)
        yield

    assert own(server.url, get, middleware=below(answer_by_itself)) == {"cached": True}
    assert server.connections == []


def test_it_may_change_headers_and_body(serve: Serve, own: Caller) -> None:
    server = serve()

    def change(request: Any, call_next: Any) -> Any:
        request.headers["X-Trace"] = f"attempt-{request.attempt}"
        request.content = request.content.replace(b"Ada", "Grace é".encode())
        return (yield from call_next(request))

    own(server.url, lambda client: client.workflows.execute("wf", {"name": "Ada"}), middleware=below(change))
    request = server.requests[0]
    assert request.all("x-trace") == ["attempt-1"]
    assert request.body == '{"name":"Grace é"}'.encode()
    assert request.all("content-length") == [str(len(request.body))]


def test_what_it_changes_in_one_attempt_is_not_left_to_the_next(serve: Serve, own: Caller) -> None:
    server = serve(drop, answering(answer({})))

    def first_only(request: Any, call_next: Any) -> Any:
        if request.attempt == 1:
            request.headers["X-Once"] = "1"
        return (yield from call_next(request))

    own(server.url, get, middleware=below(first_only))
    assert [request.all("x-once") for request in server.requests] == [["1"], []]


def test_it_may_send_twice_and_choose(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer({"first": True}), answer({"second": True})))

    def twice(request: Any, call_next: Any) -> Any:
        yield from call_next(request)
        return (yield from call_next(request))

    assert own(server.url, get, middleware=below(twice)) == {"second": True}


def test_it_may_change_the_answer(serve: Serve, own: Caller) -> None:
    server = serve()

    def change(request: Any, call_next: Any) -> Any:
        response = yield from call_next(request)
        response.content = b'{"changed": true}'
        return response

    assert own(server.url, get, middleware=below(change)) == {"changed": True}


def test_what_it_raises_comes_through_and_leaves_the_connection_usable(serve: Serve, own: Caller) -> None:
    server = serve()

    class TheirError(Exception):
        pass

    def fail_once(request: Any, call_next: Any) -> Any:
        response = yield from call_next(request)
        if request.headers.get("x-fail"):
            raise TheirError
        return response

    def failing(client: Any) -> Any:
        if not own.asynchronous:
            with pytest.raises(TheirError):
                client.request("GET", "/api/x", headers={"X-Fail": "1"})
            return None

        async def awaited() -> None:
            with pytest.raises(TheirError):
                await client.request("GET", "/api/x", headers={"X-Fail": "1"})

        return awaited()

    own(server.url, failing, get, middleware=below(fail_once))
    assert len(server.connections) == 1


def test_what_it_raises_after_a_stream_was_opened_closes_the_stream(serve: Serve, own: Caller) -> None:
    async def endless(connection: Connection) -> None:
        await connection.request()
        await connection.send(streaming(text("Hel"), ended=False))
        await connection.silence()

    server = serve(endless)

    def fail(request: Any, call_next: Any) -> Any:
        yield from call_next(request)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        own(server.url, lambda client: client.execute_workflow("wf", stream=True), middleware=below(fail))
    assert server.saw_close()


def test_it_sees_a_stream_before_its_body_is_read(serve: Serve, own: Caller) -> None:
    server = serve(answering(streaming(text("Hello"), FINAL, DONE)))
    seen: list[bool] = []

    def look(request: Any, call_next: Any) -> Any:
        response = yield from call_next(request)
        seen.append(response.body is not None and response.content == b"")
        return response

    result = own(server.url, lambda client: client.execute_workflow("wf", stream=True), middleware=below(look))
    assert seen == [True]
    assert result.output == {"agent": {"content": "Hello"}}


def test_one_that_answers_with_an_error_status_is_retried_like_a_server(serve: Serve, own: Caller) -> None:
    attempts: list[int] = []

    def busy(request: Any, call_next: Any) -> Any:
        attempts.append(request.attempt)
        return Response(503, method=request.method, url=request.url)
        yield

    with pytest.raises(ServerError):
        own("http://127.0.0.1:9", get, middleware=below(busy), max_retries=2)
    assert attempts == [1, 2, 3]
