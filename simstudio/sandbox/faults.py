"""Faults on demand: latency, statuses, dropped connections, truncated answers, garbage."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

import attrs

from simstudio.core.functions import with_hints
from simstudio.sandbox.http import Reply, json_reply

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Drop = Literal["body", "request", "response", "head", "half"]
DROPS: tuple[Drop, ...] = get_args(Drop)

TRANSPORT = "simstudio.transport"
"""Key in the state of the ASGI scope under which `LocalServer` stores the connection."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")


@attrs.frozen
class Fault:
    """A fault of one or more requests. See `Faults.add` for the fields."""

    latency: float = 0.0
    status: int | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    body: object = None
    drop: Drop | None = None
    after_events: int | None = None
    after_bytes: int | None = None
    garbage: bytes | None = None
    reset: bool = False
    method: str | None = None
    path: str | None = None
    workflow: str | None = None

    @with_hints
    def matches(self, scope: Scope) -> bool:
        """Whether the fault applies to a request."""
        if self.method is not None and self.method.upper() != scope["method"]:
            return False
        if self.path is not None and not fnmatchcase(scope["path"], self.path):
            return False
        below = (f"/api/workflows/{self.workflow}/", f"/api/v2/workflows/{self.workflow}/")
        return self.workflow is None or scope["path"].startswith(below)

    @property
    def cuts(self) -> bool:
        """Whether the fault is within the body of the response."""
        return self.after_events is not None or self.after_bytes is not None

    @property
    def answer(self) -> Reply | None:
        """The response that replaces the real one."""
        if self.status is None:
            return None
        headers = tuple(self.headers.items())
        if isinstance(self.body, bytes):
            return Reply(self.status, self.body, headers)
        if isinstance(self.body, str):
            return Reply(self.status, self.body.encode(), headers or (("content-type", "text/plain"),))
        body = {"error": f"Fault {self.status}"} if self.body is None else self.body
        return json_reply(body, self.status, headers)


class Faults:
    """The faults for coming requests, of which the first that matches is used. It may be changed from any thread.

    Example:
        >>> fault = sandbox.faults.add(status=503, headers={"retry-after": "1"}, times=2)
        >>> fault = sandbox.faults.add(after_events=1, workflow="count")
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int | None]] = []
        self._lock = threading.Lock()
        self._sleepers: set[asyncio.Future[bool]] = set()

    @with_hints
    def add(
        self,
        *,
        latency: float = 0.0,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        drop: Drop | None = None,
        after_events: int | None = None,
        after_bytes: int | None = None,
        garbage: bytes | None = None,
        reset: bool = False,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
        workflow: str | None = None,
    ) -> Fault:
        """Add a fault for the next requests that match.

        Args:
            latency: seconds to wait first.
            status: answer this, with ``headers`` and ``body`` (bytes and text as they are, else JSON), and run nothing.
            headers: of that answer.
            body: of that answer.
            drop: close the connection: ``body``, while the body of the request arrives (nothing ran); ``request``, when
                it has arrived (nothing ran); ``response``, after it was handled (it ran, the answer is lost); ``head``,
                after the head of the answer; ``half``, in the middle of its body.
            after_events: close it after so many pieces of the body, which in a stream are events.
            after_bytes: close it after so many bytes of the body.
            garbage: bytes sent instead of an answer, before the connection is closed; with ``after_events`` or
                ``after_bytes``: put into the body there, which then goes on.
            reset: end with a TCP reset instead of an orderly close. Without another end it is ``drop="request"``.
            times: for how many requests; None for all that come.
            method: only requests with this method.
            path: only paths that match this shell pattern (``/api/jobs/*``).
            workflow: only requests to this workflow.

        Raises:
            ValueError: the arguments make no fault.
        """
        if reset and status is None and garbage is None and after_events is None and after_bytes is None:
            drop = drop or "request"
        fault = Fault(
            latency=latency,
            status=status,
            headers=MappingProxyType(dict(headers or {})),
            body=body,
            drop=drop,
            after_events=after_events,
            after_bytes=after_bytes,
            garbage=garbage,
            reset=reset,
            method=method,
            path=path,
            workflow=workflow,
        )
        if not (latency or status or drop or fault.cuts or garbage is not None):
            raise ValueError("a fault needs latency, status, drop, after_events, after_bytes, garbage or reset")
        _check_numbers(fault, times)
        _check_headers(fault.headers)
        with self._lock:
            self._waiting.append((fault, times))
        return fault

    def clear(self) -> None:
        """Remove all remaining faults."""
        with self._lock:
            self._waiting.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def remaining(self) -> list[tuple[Fault, int | None]]:
        """The faults in their order, each with the number of requests that it still applies to; None for all."""
        with self._lock:
            return list(self._waiting)

    async def sleep(self, seconds: float) -> bool:
        """Sleep; return False if the server was closed meanwhile."""
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[bool] = loop.create_future()
        alarm = loop.call_later(seconds, _wake, sleeper, True)  # noqa: FBT003 - the result of a future
        self._sleepers.add(sleeper)
        try:
            return await sleeper
        finally:
            alarm.cancel()
            self._sleepers.discard(sleeper)

    def end_sleep(self) -> None:
        """End all sleeps, because the server closes."""
        for sleeper in list(self._sleepers):
            _wake(sleeper, False)  # noqa: FBT003

    @with_hints
    def take(self, scope: Scope, *, in_body: bool = False) -> Fault | None:
        """Take the fault for a request, which counts as one of its times.

        Args:
            in_body: Whether the fault breaks off the body of the request.
        """
        with self._lock:
            for index, (fault, times) in enumerate(self._waiting):
                if (fault.drop == "body") is not in_body or not fault.matches(scope):
                    continue
                if times is not None:
                    self._waiting[index : index + 1] = [(fault, times - 1)] if times > 1 else []
                return fault
        return None


def _check_numbers(fault: Fault, times: int | None) -> None:
    """Raise ValueError for a number that no request can have."""
    if fault.status is not None and not 200 <= fault.status <= 599:
        raise ValueError("status is between 200 and 599")
    if not 0 <= fault.latency <= threading.TIMEOUT_MAX:
        raise ValueError("latency is a number of seconds, at least 0")
    if min(fault.after_events or 0, fault.after_bytes or 0) < 0:
        raise ValueError("after_events and after_bytes are at least 0")
    if times is not None and times < 1:
        raise ValueError("times is at least 1")


def _check_headers(headers: Mapping[str, str]) -> None:
    """Raise ValueError for a header that HTTP cannot send."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"{name!r}: {value!r} is no header")


class RequestBreaker:
    """ASGI middleware that breaks off requests while their bodies arrive, before later middleware gets them."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        fault = self._faults.take(scope, in_body=True) if scope["type"] == "http" and len(self._faults) else None
        if fault is None:
            await self._app(scope, receive, send)
        elif not fault.latency or await self._faults.sleep(fault.latency):
            await receive()
            await _Connection(scope, receive).drop(reset=fault.reset)


class FaultInjector:
    """ASGI middleware that applies faults to requests."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        fault = self._faults.take(scope) if scope["type"] == "http" and len(self._faults) else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.latency and not await self._faults.sleep(fault.latency):
            return
        connection = _Connection(scope, receive)
        if fault.drop == "request":
            await connection.drop(reset=fault.reset)
        elif fault.garbage is not None and not fault.cuts:
            await connection.say(fault.garbage)
        else:
            sender = _FaultySend(fault, connection, send)
            await (fault.answer or self._app)(scope, receive, sender)
            if sender.broken:
                await connection.wait_for_disconnect()


def _wake(sleeper: asyncio.Future[bool], rested: bool) -> None:  # noqa: FBT001
    if not sleeper.done():
        sleeper.set_result(rested)


class _FaultySend:
    """An ASGI ``send`` that breaks off, or inserts bytes, at the place that the fault names."""

    def __init__(self, fault: Fault, connection: _Connection, send: Send) -> None:
        self._fault = fault
        self._connection = connection
        self._send = send
        self._events = 0
        self._bytes = 0
        self._slipped_in = False
        self._collected = b""
        self.broken = False

    async def __call__(self, message: Message) -> None:
        fault = self._fault
        if self.broken:
            return
        if message["type"] == "http.response.start":
            if fault.drop == "response":
                self._break()
                return
            await self._send(message)
            if fault.drop == "head":
                # The head is only written with the first piece of the body, so send an empty one.
                await self._send({"type": "http.response.body", "body": b"", "more_body": True})
                self._break()
            return
        if fault.drop == "half":
            await self._halve(message)
        elif fault.cuts:
            await self._cut(message)
        else:
            await self._send(message)

    async def _halve(self, message: Message) -> None:
        """Collect the body, to find its middle."""
        self._collected += message.get("body", b"")
        if not message.get("more_body", False):
            half = self._collected[: len(self._collected) // 2]
            await self._send({"type": "http.response.body", "body": half, "more_body": True})
            self._break()

    async def _cut(self, message: Message) -> None:
        if self._slipped_in:
            await self._send(message)
            return
        body: bytes = message.get("body", b"")
        kept, reached = self._cut_chunk(body)
        if not reached and message.get("more_body", False):
            await self._send(message)
            return
        await self._send({"type": "http.response.body", "body": kept, "more_body": True})
        if self._fault.garbage is None:
            self._break()
            return
        self._slipped_in = True
        await self._send({"type": "http.response.body", "body": self._fault.garbage, "more_body": True})
        await self._send({**message, "body": body[len(kept) :]})

    def _cut_chunk(self, body: bytes) -> tuple[bytes, bool]:
        """The part of a chunk that is still sent, and whether it is the last."""
        fault = self._fault
        if fault.after_bytes is not None:
            room = fault.after_bytes - self._bytes
            self._bytes += len(body)
            return body[:room], len(body) >= room
        limit = fault.after_events or 0
        if self._events >= limit:
            return b"", True
        self._events += 1 if body else 0
        return body, self._events >= limit

    def _break(self) -> None:
        self.broken = True
        self._connection.close(reset=self._fault.reset)


class _Connection:
    """The socket below a request."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._transport = scope.get("state", {}).get(TRANSPORT)
        self._receive = receive

    async def drop(self, *, reset: bool) -> None:
        """Close the connection without another byte."""
        self.close(reset=reset)
        await self.wait_for_disconnect()

    async def say(self, data: bytes) -> None:
        """Send raw bytes and close the connection."""
        self._open().write(data)
        await self.drop(reset=False)

    def close(self, *, reset: bool) -> None:
        """Close the connection after what was written, or reset it. A connection that the client closed is no error."""
        transport = self._open()
        if transport.is_closing():
            return
        if not reset:
            transport.close()
            return
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            # With a linger time of 0, close() sends RST.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    async def wait_for_disconnect(self) -> None:
        """Wait until the server has noticed the end of the connection, so that it sends no response."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _open(self) -> asyncio.Transport:
        if not isinstance(self._transport, asyncio.Transport):
            raise TypeError("faults of connections need sandbox.serve(): other servers do not show their sockets")
        return self._transport
