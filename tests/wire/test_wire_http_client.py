"""``http_client=``: a user's own httpx (or httpx2) client, with everything that is set up on it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest
from attrs import frozen
from faultserver import FaultServer
from vcr.errors import CannotOverwriteExistingCassetteException
from wireanswers import DONE, FINAL, answer, answering, streaming, text
from wirecalls import KEY, async_client_of, client_of

from simstudio import APIConnectionError, APITimeoutError, AsyncSimStudioClient, ConfigurationError, SimStudioClient
from simstudio.testing import make_vcr
from tests.tls import default_context

Serve = Callable[..., FaultServer]


LIBRARIES: list[ModuleType] = [httpx]
if sys.version_info >= (3, 11):  # there is no httpx2 for less
    import httpx2

    LIBRARIES.append(httpx2)


@frozen
class User:
    """Calls over an ``http_client=`` of its own making, in either mode."""

    library: ModuleType
    asynchronous: bool

    def client(self, **options: Any) -> Any:
        return (self.library.AsyncClient if self.asynchronous else self.library.Client)(
            **{"verify": default_context(), **options}
        )

    def hook(self, function: Callable[[Any], None]) -> Any:
        """An event hook: an async function where the client is."""

        async def awaited(event: Any) -> None:
            function(event)

        return awaited if self.asynchronous else function

    def transport(self, answering: Callable[[Any], Any]) -> Any:
        return self.library.MockTransport(answering)

    def call(self, url: str, http_client: Any, *uses: Callable[[Any], Any], **options: Any) -> Any:
        """What the last of some calls gives; the user's client is closed afterwards, by its user."""
        if not self.asynchronous:
            try:
                with client_of(url, http_client=http_client, **options) as client:
                    return [use(client) for use in uses][-1]
            finally:
                http_client.close()

        async def main() -> Any:
            try:
                async with async_client_of(url, http_client=http_client, **options) as client:
                    return [await use(client) for use in uses][-1]
            finally:
                await http_client.aclose()

        return asyncio.run(main())


USERS = [User(library, mode) for library in LIBRARIES for mode in (False, True)]


@pytest.fixture(params=USERS, ids=lambda user: f"{user.library.__name__}-{'async' if user.asynchronous else 'sync'}")
def user(request: pytest.FixtureRequest) -> User:
    return request.param


@pytest.fixture
def server(serve: Serve) -> Iterator[FaultServer]:
    return serve()


def execute(client: Any) -> Any:
    return client.workflows.execute("wf", {"name": "Ada"})


def test_its_auth_applies(user: User, server: FaultServer) -> None:
    user.call(server.url, user.client(auth=("ada", "secret")), execute)
    assert server.requests[0].all("authorization") == ["Basic YWRhOnNlY3JldA=="]
    assert server.requests[0].all("x-api-key") == [KEY]


def test_an_auth_flow_of_several_requests_applies(user: User, serve: Serve) -> None:
    server = serve(answering(answer({}, 401), answer()))
    library = user.library

    class Renewing(library.Auth):  # type: ignore[name-defined]
        def auth_flow(self, request: Any) -> Any:
            response = yield request
            if response.status_code == 401:
                request.headers["X-Token"] = "renewed"
                yield request

    user.call(server.url, user.client(auth=Renewing()), execute)
    assert [request.all("x-token") for request in server.requests] == [[], ["renewed"]]
    assert [request.body for request in server.requests] == [b'{"name":"Ada"}'] * 2


def test_its_event_hooks_apply(user: User, server: FaultServer) -> None:
    seen: list[str] = []
    hooks = {
        "request": [user.hook(lambda request: seen.append(request.method))],
        "response": [user.hook(lambda response: seen.append(str(response.status_code)))],
    }
    user.call(server.url, user.client(event_hooks=hooks), execute)
    assert seen == ["POST", "200"]


def test_its_default_headers_and_cookies_apply(user: User, server: FaultServer) -> None:
    http_client = user.client(headers={"X-Team": "blue"}, cookies={"session": "abc"}, params={"tenant": "7"})
    user.call(server.url, http_client, execute)
    request = server.requests[0]
    assert request.all("x-team") == ["blue"]
    assert request.all("cookie") == ["session=abc"]
    assert request.target.endswith("?tenant=7")


def test_the_headers_of_a_call_win_over_its_own(user: User, server: FaultServer) -> None:
    user.call(server.url, user.client(headers={"Accept": "text/html", "User-Agent": "theirs"}), execute)
    request = server.requests[0]
    assert request.all("accept") == ["application/json"]
    assert request.all("user-agent")[0].startswith("simstudio-sdk/")


def test_its_mounts_apply(user: User, server: FaultServer) -> None:
    def from_memory(request: Any) -> Any:
        return user.library.Response(200, json={"success": True, "output": request.url.host})

    http_client = user.client(mounts={"all://mounted.example": user.transport(from_memory)})
    assert user.call("http://mounted.example", http_client, execute).output == "mounted.example"
    assert server.connections == []


def test_redirects_are_not_followed_though_it_would(user: User, serve: Serve) -> None:
    server = serve(answering(answer({}, 302, Location="/elsewhere")))
    with pytest.raises(Exception, match="redirect is not followed"):
        user.call(server.url, user.client(follow_redirects=True), execute)
    assert len(server.requests) == 1


def test_it_is_never_closed_by_us(user: User, server: FaultServer) -> None:
    """Two clients share one; closing the second closes nothing of the first."""
    http_client = user.client()

    def use_and_close_another(client: Any) -> Any:
        other = type(client)(KEY, server.url, http_client=http_client)
        if not user.asynchronous:
            with other:
                return execute(other)

        async def awaited() -> Any:
            async with other:
                return await execute(other)

        return awaited()

    user.call(server.url, http_client, use_and_close_another, execute)
    assert [len(connection.requests) for connection in server.connections] == [2]


def test_one_that_its_user_closed_is_a_configuration_error(user: User, server: FaultServer) -> None:
    http_client = user.client()
    asyncio.run(http_client.aclose()) if user.asynchronous else http_client.close()
    with pytest.raises(ConfigurationError, match="is closed"):
        user.call(server.url, http_client, execute)
    assert server.connections == []


def test_an_instance_of_a_subclass_is_as_good(user: User, server: FaultServer) -> None:
    theirs = type("Theirs", (type(user.client()),), {})
    assert user.call(server.url, theirs(), execute).success


def test_it_streams(user: User, serve: Serve) -> None:
    server = serve(answering(streaming(text("Hello"), FINAL, DONE)))
    result = user.call(server.url, user.client(), lambda client: client.execute_workflow("wf", stream=True))
    assert result.output == {"agent": {"content": "Hello"}}


# -- failures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "sent"),
    [
        ("ConnectError", APIConnectionError, False),
        ("ConnectTimeout", APITimeoutError, False),
        ("PoolTimeout", APITimeoutError, False),
        ("ProxyError", APIConnectionError, False),
        ("ReadError", APIConnectionError, True),
        ("ReadTimeout", APITimeoutError, True),
        ("WriteError", APIConnectionError, True),
        ("WriteTimeout", APITimeoutError, True),
        ("CloseError", APIConnectionError, True),
        ("RemoteProtocolError", APIConnectionError, True),
    ],
)
def test_the_exceptions_of_each_library_are_translated(user: User, name: str, kind: type, sent: bool) -> None:
    original = getattr(user.library, name)("as it happens")

    def fail(request: Any) -> Any:
        raise original

    with pytest.raises(APIConnectionError) as caught:
        user.call("http://127.0.0.1", user.client(transport=user.transport(fail)), execute, max_retries=0)
    assert type(caught.value) is kind
    assert caught.value.sent is sent
    assert caught.value.__cause__ is original


def test_the_pool_timeout_of_a_small_pool_is_retried_because_nothing_was_sent(user: User) -> None:
    tries: list[int] = []

    def full_at_first(request: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise user.library.PoolTimeout("full")
        return user.library.Response(200, json={"success": True, "output": None})

    assert user.call("http://127.0.0.1", user.client(transport=user.transport(full_at_first)), execute).success
    assert len(tries) == 2


def test_foreign_exceptions_come_through_as_they_are(user: User) -> None:
    class ForeignError(Exception):
        pass

    original = ForeignError("not ours")

    def fail(request: Any) -> Any:
        raise original

    with pytest.raises(ForeignError) as caught:
        user.call("http://127.0.0.1", user.client(transport=user.transport(fail)), execute)
    assert caught.value is original


def test_what_an_event_hook_raises_comes_through_as_it_is(user: User, serve: Serve) -> None:
    server = serve(answering(answer({}, 500)))
    hook = user.hook(lambda response: response.raise_for_status())
    with pytest.raises(user.library.HTTPStatusError):
        user.call(server.url, user.client(event_hooks={"response": [hook]}), execute)


def test_a_cassettes_mismatch_comes_through_as_itself(tmp_path: Any, own: Any) -> None:
    cassettes = make_vcr(cassette_library_dir=str(tmp_path), record_mode="none")
    with cassettes.use_cassette("empty.yaml"), pytest.raises(CannotOverwriteExistingCassetteException):
        own("http://127.0.0.1:9", execute)


# -- what it may not be ------------------------------------------------------------------------------------------


def test_a_sync_one_is_refused_by_the_async_client_by_name() -> None:
    with httpx.Client() as http_client, pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient"):
        AsyncSimStudioClient(KEY, "http://127.0.0.1", http_client=http_client)


async def test_an_async_one_is_refused_by_the_sync_client_by_name() -> None:
    async with httpx.AsyncClient() as http_client:
        with pytest.raises(ConfigurationError, match=r"httpx\.Client"):
            SimStudioClient(KEY, "http://127.0.0.1", http_client=http_client)


class Session:
    """Has what a ``requests.Session`` has."""

    def send(self, request: Any, **kwargs: Any) -> Any: ...
    def prepare_request(self, request: Any) -> Any: ...


class LookAlike:
    """Has the methods that are used, but whose exceptions it raises cannot be known."""

    is_closed = False

    def send(self, request: Any, **kwargs: Any) -> Any: ...
    def build_request(self, *args: Any, **kwargs: Any) -> Any: ...


@pytest.mark.parametrize("kind", [SimStudioClient, AsyncSimStudioClient])
@pytest.mark.parametrize(
    "thing",
    ["http://proxy", 7, Session(), httpx.Client, httpx.HTTPTransport(), object(), LookAlike()],
    ids=["str", "int", "requests-like", "class", "transport", "object", "look-alike"],
)
def test_anything_else_is_refused_when_the_client_is_made(kind: type, thing: object) -> None:
    with pytest.raises(ConfigurationError, match="http_client="):
        kind(KEY, "http://127.0.0.1", http_client=thing)
