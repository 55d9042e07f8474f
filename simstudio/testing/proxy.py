"""Local servers for a recording: one that forwards requests and records, and one that replays, for any client.

A client in any language is pointed at them by its base URL. They use cassettes of vcrpy.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simstudio.core.functions import with_hints
from simstudio.sandbox.faults import TRANSPORT
from simstudio.sandbox.http import head, json_reply
from simstudio.sandbox.local_service import LocalService
from simstudio.sandbox.sandbox import KNOWN_KEY
from simstudio.sandbox.serving import Served, configuration_error, random_key
from simstudio.testing.readdressing import Readdressing, is_json
from simstudio.testing.recording import Answer, Difference, Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from os import PathLike

    import httpx
    from starlette.types import ASGIApp, Receive, Scope, Send

_LOGGER = logging.getLogger("simstudio.sandbox")
_OF_ONE_CONNECTION = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Request headers that are not forwarded."""

_SECONDS_TO_CONNECT = 30.0
_SECONDS_WITHOUT_CLIENT = 2.0
"""Seconds for which the rest of a response is read for the recording after the client has disconnected."""


class _Proxy(LocalService):
    """Common base of the recording proxy and the replay."""

    def __init__(self) -> None:
        super().__init__(time.time)
        self._base_url = ""

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> ProxyServer:
        """A server, which starts in a ``with`` block, or by ``start()``."""
        return ProxyServer(self, host, port)

    @property
    def functions(self) -> list[str]:
        """None: a recording has no functions."""
        return []

    async def use_functions_of(self, other: object) -> None:
        """Do nothing: a recording has no functions."""

    @cached_property
    @with_hints
    def app(self) -> ASGIApp:
        """The ASGI application."""
        app: ASGIApp = self._respond_with_lifespan
        for middleware in reversed(self._middleware()):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        return app

    def _without_own_address(self, headers: list[tuple[str, str]], body: bytes, server: str) -> bytes:
        """The body of a request with the server's address in the place of the proxy's own, in URLs of its responses."""
        if not self._base_url or not is_json(headers):
            return body
        return Readdressing(self._base_url, server).whole(body)

    async def _respond_with_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._respond(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._close()
            await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    async def _forget(self) -> None:
        """Do nothing: a recording stays as it is."""

    async def _close(self) -> None:
        """Close the connections to the server."""


class ProxyServer(Served[_Proxy]):
    """A proxy or a replay being served on this machine, by a thread of its own."""

    _key = KNOWN_KEY

    def _use_origin(self, origin: str) -> None:
        self.sandbox._base_url = origin

    def _replace_known_key(self) -> None:
        self._key = random_key("sk-sim-")

    @property
    def key(self) -> str:
        """A key for its control API, and for clients of a replay, which accepts any."""
        return self._key

    def _before_stop(self) -> Callable[[], Awaitable[None]]:
        async def stop() -> None:
            self.sandbox.faults.end_sleep()

        return stop


class RecordingProxy(_Proxy):
    """Forwards every request to a server, and records the exchange without secrets in a directory.

    Keys, tokens, cookies, signatures in URLs and e-mail addresses are replaced before anything is written. Redirects
    are passed on, so that a key reaches the server's own origin only.

    Args:
        url: base URL of the server.
        directory: made where it is missing; it must not hold a recording.
        secrets: further texts to replace.

    Raises:
        ConfigurationError: vcrpy is missing, the URL is none of HTTP, or the directory holds a recording.

    Example:
        >>> with RecordingProxy("https://sim.ai", "recorded").serve() as server:  # doctest: +SKIP
        ...     SimStudioClient(base_url=server.base_url).workflows.execute("hello")
    """

    service = "recording"

    def __init__(self, url: str, directory: str | PathLike[str], *, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise configuration_error(f"{url!r} is no base URL: it begins with https:// or http://, and has no query")
        if parts.username is not None or parts.password is not None:
            raise configuration_error("the URL holds a password, which would be recorded: send it in a header")
        self.url = url.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._writer = Writer(directory, tuple(secrets))

    @property
    def count(self) -> int:
        """Number of recorded exchanges."""
        return self._writer.count

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(timeout=httpx.Timeout(None, connect=_SECONDS_TO_CONNECT), follow_redirects=False)

    async def _close(self) -> None:
        if "_client" in vars(self):
            await self._client.aclose()

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        import httpx

        body: bytes = (await receive()).get("body", b"")
        target, headers = _target(scope), _texts(scope["headers"])
        forwarded = [(name, value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION]
        # Made by hand, a request carries no cookie that an earlier response set.
        content = body if _is_signed(headers) else self._without_own_address(headers, body, self.url)
        request = httpx.Request(
            scope["method"], self.url + target, headers=[*forwarded, ("accept-encoding", "identity")], content=content
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            problem = f"{self._origin} cannot be reached: {str(error) or type(error).__name__}"
            _LOGGER.warning("not recorded: %s", problem)
            await json_reply({"error": problem, "code": "PROXY_FAILED"}, 502)(scope, receive, send)
            return
        try:
            received = await self._pass_on(response, scope, receive, send)
        finally:
            await response.aclose()
        if received is None:
            return
        recorded = [(name, self._recorded.header(name, value)) for name, value in _headers(response)]
        status = (response.status_code, response.reason_phrase)
        asked = self._without_own_address(headers, body, self._origin)
        received = self._without_own_address(recorded, received, self._origin)  # a server may repeat the request
        try:
            self._writer.add(scope["method"], self._origin + target, (headers, asked), status, (recorded, received))
        except (OSError, httpx.DecodingError) as error:
            _LOGGER.error("not recorded: %s", error)

    @property
    def _recorded(self) -> Readdressing:
        """Replaces the server's base URL by its origin, where the paths of a recording begin."""
        return Readdressing(self.url, self._origin)

    async def _pass_on(self, response: httpx.Response, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """Send a response to the client as it comes; its body for the recording, None if it did not end."""
        import httpx

        reading = asyncio.ensure_future(self._read(response, send))
        hung_up = asyncio.ensure_future(_wait_for_disconnect(receive))
        try:
            await asyncio.wait({reading, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                await asyncio.wait({reading}, timeout=_SECONDS_WITHOUT_CLIENT)
            if reading.done():
                return reading.result()
            _LOGGER.warning("not recorded: the client went away before the end of the response")
        except httpx.HTTPError as error:
            _LOGGER.warning("not recorded: the response broke off: %s", str(error) or type(error).__name__)
            # So the client sees what happened: its connection ends before the body does.
            scope["state"][TRANSPORT].close()
            await hung_up
        finally:
            reading.cancel()
            hung_up.cancel()
        return None

    async def _read(self, response: httpx.Response, send: Send) -> bytes:
        headers = _headers(response)
        sent = Readdressing(self.url, self._base_url)
        recorded = self._recorded
        rewritten = is_json(headers)
        await send(head(response.status_code, _headers_to_pass(headers, sent)))
        kept = []
        async for chunk in response.aiter_raw():
            kept.append(recorded.feed(chunk) if rewritten else chunk)
            piece = sent.feed(chunk) if rewritten else chunk
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": sent.flush()})
        return b"".join([*kept, recorded.flush()])


class Replay(_Proxy):
    """Answers requests with what a `RecordingProxy` recorded, without a network.

    Requests match by method, path, query and body; a request that was recorded several times gets its responses in
    their order, and then the last one again. What was not recorded is answered with 501, which names the nearest.

    Args:
        directory: where it was recorded.

    Raises:
        ConfigurationError: vcrpy is missing, or the directory holds no recording.

    Example:
        >>> with Replay("recorded").serve() as server:  # doctest: +SKIP
        ...     SimStudioClient("any key", server.base_url).workflows.execute("hello")
    """

    service = "replay"

    def __init__(self, directory: str | PathLike[str]) -> None:
        super().__init__()
        self._reader = Reader(directory)

    def __len__(self) -> int:
        return len(self._reader)

    def rewind(self) -> None:
        """Begin again with the first response to each request."""
        self._reader.rewind()

    async def _forget(self) -> None:
        self.rewind()

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        body: bytes = (await receive()).get("body", b"")
        target, headers = _target(scope), _texts(scope["headers"])
        asked = self._without_own_address(headers, body, self._reader.origin)
        found = self._reader.find(scope["method"], target, headers, asked)
        if isinstance(found, Answer):
            await self._play(found, scope, send)
        else:
            await json_reply(_missing(scope["method"], target, found), 501)(scope, receive, send)

    async def _play(self, answer: Answer, scope: Scope, send: Send) -> None:
        parts = urlsplit(answer.url)
        local = Readdressing(f"{parts.scheme}://{parts.netloc}", self._base_url)
        await send(head(answer.status, _headers_to_pass(answer.headers, local)))
        body = b"" if scope["method"] == "HEAD" or answer.status in (204, 304) else answer.body
        if is_json(list(answer.headers)):
            body = local.whole(body)
        is_stream = any(name.lower() == "content-type" and "event-stream" in value for name, value in answer.headers)
        for piece in body.split(b"\n\n")[:-1] if is_stream else ():
            await send({"type": "http.response.body", "body": piece + b"\n\n", "more_body": True})
        rest = body.rpartition(b"\n\n")[2] if is_stream else body
        await send({"type": "http.response.body", "body": rest})


def _is_signed(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a server would refuse another body."""
    return any(name.lower() in ("content-md5", "content-digest") for name, _ in headers)


def _missing(method: str, target: str, nearest: Difference | None) -> dict[str, Any]:
    """The body of the response to a request that was not recorded."""
    asked = f"{method} {target}"
    if nearest is None:
        return {"error": f"Nothing is recorded; asked: {asked}", "code": "NOT_RECORDED", "asked": asked}
    different = "; ".join(f"{name}: {text}" for name, text in nearest.what.items())
    return {
        "error": f"Not recorded: {asked}. The nearest that is recorded is {nearest.request} ({different})",
        "code": "NOT_RECORDED",
        "asked": asked,
        "nearest": {"request": nearest.request, "differences": nearest.what},
    }


def _target(scope: Scope) -> str:
    """Path and query as they came."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"].decode("ascii")
    return raw.partition(b"?")[0].decode("ascii") + (f"?{query}" if query else "")


def _headers_to_pass(headers: Iterable[tuple[str, str]], local: Readdressing) -> list[tuple[str, str]]:
    """The response headers for the client: none that lets web pages of other origins read the response."""
    return [
        (name, local.header(name, value)) for name, value in headers if not name.lower().startswith("access-control-")
    ]


def _headers(response: httpx.Response) -> list[tuple[str, str]]:
    return _texts(response.headers.raw)


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
