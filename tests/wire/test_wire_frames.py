"""No frame of a failed call holds a key, a token, a secret or a signature."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from faultserver import Connection, FaultServer, Script
from wireanswers import answer, answering, head
from wirecalls import KEY, Caller, hasty

from simstudio import AsyncSimStudioClient, SimStudioClient, SimStudioError
from simstudio.services import oomol, speedpix, vectorvein
from tests.frames import leaks

Serve = Callable[..., FaultServer]

SECRET = "sk-sim-test-Zebra4711"
APP_KEY = "app-key-Zebra4711"
SENSITIVE = ("x-api-key", "authorization", "vectorvein-api-key", "x-ca-key", "x-ca-signature")


async def drop(connection: Connection) -> None:
    await connection.request()


async def truncate(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(Content_Length=40) + b'{"success": true')


async def garbage(connection: Connection) -> None:
    await connection.request()
    await connection.send(b"\x00\x01\x02 this is no HTTP\r\n\r\n")


async def hang(connection: Connection) -> None:
    await connection.request()
    await connection.silence()


async def flood(connection: Connection) -> None:
    await connection.request()
    while True:
        await connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 1000 + b"\r\n\r\n")


FAILURES: dict[str, Script] = {
    "dropped": drop,
    "informational responses without end": flood,
    "truncated": truncate,
    "no HTTP": garbage,
    "spoiled gzip": answering(answer(b"this was never packed", Content_Encoding="gzip", Connection="close")),
    "redirect": answering(answer(b"", 302, Location="https://elsewhere.test/")),
    **{f"status {status}": answering(answer({"error": "no"}, status, Retry_After="0")) for status in (401, 404, 429)},
    "failed run": answering(answer({"success": False, "output": {}, "error": "failed"}, 500)),
    "no JSON": answering(answer(b"{")),
    "another shape": answering(answer([1, 2])),
}


def execute(client: Any) -> Any:
    return client.workflows.execute("wf", {"a": 1})


def read_stream(client: Any) -> Any:
    if isinstance(client, SimStudioClient):
        return client.workflows.stream("wf").result()

    async def awaited() -> Any:
        return await (await client.workflows.stream("wf")).result()

    return awaited()


def read_pages(client: Any) -> Any:
    if isinstance(client, SimStudioClient):
        return list(client.v2.workflows.list("workspace"))

    async def awaited() -> Any:
        return [each async for each in client.v2.workflows.list("workspace")]

    return awaited()


CLIENTS: dict[str, tuple[Callable[..., Any], list[Callable[[Any], Any]]]] = {
    **{
        f"{mode}sim {version}": (
            lambda url, kind=kind, version=version, **options: kind(SECRET, url, api_version=version, **options),
            [
                execute,
                read_stream,
                read_pages,
                lambda client: client.workflows.submit("wf"),
                lambda client: client.workflows.status("wf"),
                lambda client: client.jobs.get("t1", workflow_id="wf"),
                lambda client: client.usage.limits(),
                lambda client: client.execute_workflow("wf", {"a": 1}),
                lambda client: client.request("GET", "/api/x", headers={"Authorization": SECRET}, into=dict[str, int]),
            ],
        )
        for mode, kind in (("", SimStudioClient), ("async ", AsyncSimStudioClient))
        for version in ("v1", "v2")
    },
    **{
        f"{mode}oomol": (
            lambda url, kind=kind, **options: kind(url, SECRET, **options),
            [lambda client: client.tasks.list(), lambda client: client.tasks.create({"blockId": "b"})],
        )
        for mode, kind in (("", oomol.OomolConnectClient), ("async ", oomol.AsyncOomolConnectClient))
    },
    **{
        f"{mode}speedpix": (
            lambda url, kind=kind, **options: kind(APP_KEY, SECRET, url, **options),
            [lambda client: client.predictions.create("w", {"a": 1}), lambda client: client.post("/scc/x", {"a": 1})],
        )
        for mode, kind in (("", speedpix.Client), ("async ", speedpix.AsyncClient))
    },
    **{
        f"{mode}vectorvein": (
            lambda url, kind=kind, **options: kind(SECRET, url, **options),
            [lambda client: client.list_agents(), lambda client: client.access_keys.get([SECRET])],
        )
        for mode, kind in (("", vectorvein.VectorVeinClient), ("async ", vectorvein.AsyncVectorVeinClient))
    },
}
each_client = pytest.mark.parametrize(("make", "calls"), CLIENTS.values(), ids=CLIENTS)


def failure_of(client: Any, call: Callable[[Any], Any]) -> BaseException | None:
    """What a call raises; None if it succeeds."""

    async def awaited(result: Any) -> Any:
        return await result

    try:
        result = call(client)
        if inspect.isawaitable(result):
            asyncio.run(awaited(result))
    except SimStudioError as error:
        return error
    return None


def secrets_of(server: FaultServer) -> set[str]:
    """What must not show: the secrets that the client has, and those that it sent."""
    sent = {value for request in server.requests for name in SENSITIVE for value in request.all(name)}
    return {SECRET, APP_KEY, *sent}


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES)
@each_client
def test_of_a_call_that_fails(serve: Serve, make: Any, calls: list[Callable[[Any], Any]], script: Script) -> None:
    server = serve(script)
    client = make(server.url, middleware=hasty, max_retries=1)
    failures = [failure for failure in (failure_of(client, call) for call in calls) if failure is not None]
    assert failures
    assert any(request.all(name) for request in server.requests for name in SENSITIVE)
    for failure in failures:
        assert leaks(failure, *secrets_of(server)) == []


@each_client
def test_of_a_call_without_a_server(make: Any, calls: list[Callable[[Any], Any]], serve: Serve) -> None:
    client = make("http://127.0.0.1:1", max_retries=0)
    for call in calls:
        failure = failure_of(client, call)
        assert failure is not None
        assert leaks(failure, SECRET, APP_KEY) == []


@each_client
def test_of_a_call_that_takes_too_long(serve: Serve, make: Any, calls: list[Callable[[Any], Any]]) -> None:
    server = serve(hang)
    failure = failure_of(make(server.url, timeout=0.05, max_retries=0), calls[0])
    assert failure is not None
    assert leaks(failure, *secrets_of(server)) == []


async def test_of_a_call_that_is_cancelled(serve: Serve) -> None:
    server = serve(hang)
    async with AsyncSimStudioClient(SECRET, server.url) as client:
        task = asyncio.ensure_future(client.workflows.execute("wf"))
        await asyncio.to_thread(server.saw_requests, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    assert leaks(caught.value, SECRET) == []


def test_of_a_middleware_that_fails(serve: Serve) -> None:
    def broken(request: Any, call_next: Any) -> Any:
        yield from call_next(request)
        raise ZeroDivisionError

    client = SimStudioClient(SECRET, serve(answering()).url, middleware=[broken])
    with client, pytest.raises(ZeroDivisionError) as caught:
        execute(client)
    assert leaks(caught.value, SECRET) == []


def test_of_a_user_s_http_client_that_fails() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    http_client = httpx.Client(transport=httpx.MockTransport(broken))
    with http_client, pytest.raises(ZeroDivisionError) as caught:
        execute(SimStudioClient(SECRET, "http://sim.test", http_client=http_client))
    assert leaks(caught.value, SECRET) == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "proxy", ["http://ada:{}@127.0.0.1:9", "ftp://ada:{}@h:1", "http://ada:{}@h:p", "socks5://a:{}@h:1"]
)
def test_of_a_proxy_that_cannot_be_used(own: Caller, scheme: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.format(SECRET))
    with pytest.raises(SimStudioError) as caught:
        own(f"{scheme}://sim.invalid", execute, max_retries=0)
    assert leaks(caught.value, SECRET, KEY) == []
    assert SECRET not in str(caught.value)


def test_of_a_proxy_that_refuses(serve: Serve, own: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answering(answer({"error": "no"}, 407)))
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("http://", f"http://ada:{SECRET}@"))
    with pytest.raises(SimStudioError) as caught:
        own("https://sim.test", execute, max_retries=0)
    sent = server.requests[0].all("proxy-authorization")
    assert sent
    assert leaks(caught.value, SECRET, KEY, *sent) == []


def test_of_a_request_that_the_server_does_not_take(serve: Serve, own: Caller) -> None:
    async def ignore(connection: Connection) -> None:
        await connection.hold()

    server = serve(ignore)
    with pytest.raises(SimStudioError) as caught:
        own(server.url, lambda client: client.request("POST", "/api/x", json="x" * 10_000_000, timeout=0.2))
    server.release()
    assert leaks(caught.value, KEY) == []


def test_of_a_certificate_that_is_not_trusted(serve: Serve, own: Caller, server_context: ssl.SSLContext) -> None:
    with pytest.raises(SimStudioError) as caught:
        own(serve(context=server_context).url, execute, max_retries=0)
    assert leaks(caught.value, KEY) == []


def test_of_a_clone_whose_client_is_closed() -> None:
    client = SimStudioClient(SECRET)
    client.close()
    failure = failure_of(client.with_options(headers={"Authorization": SECRET}), execute)
    assert failure is not None
    assert leaks(failure, SECRET) == []
