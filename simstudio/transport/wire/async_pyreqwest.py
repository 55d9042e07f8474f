"""The wire over pyreqwest of async clients, and its streams; see :mod:`simstudio.transport.wire.pyreqwest`."""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from simstudio.transport.errors import APIConnectionError
from simstudio.transport.fork import abandoned, renew_after_fork
from simstudio.transport.message import Request, Response
from simstudio.transport.session import LazyWire
from simstudio.transport.wire.body import WireBody
from simstudio.transport.wire.failures import CLOSED_HERE, broken, refused, timed_out
from simstudio.transport.wire.loops import PerLoop
from simstudio.transport.wire.reqwest import (
    FAILURES,
    AsyncClients,
    Awaiting,
    is_piecewise,
    respond,
    runs_here,
    translate,
)
from simstudio.transport.wire.tasks import detach, shielded

if TYPE_CHECKING:
    from simstudio.transport.flow import AsyncWire
    from simstudio.transport.wire.loopthread import LoopThread


class AsyncPyreqwestWire:
    """Connections of one async client: a set for each event loop that uses it, closed when that loop ends.

    Attributes:
        closed: Whether nothing more is sent.
    """

    def __init__(self) -> None:
        self._loops = PerLoop(_Open)
        self.closed = False
        self._instead = None if runs_here() else LazyWire(_default)
        renew_after_fork(self)

    async def send(self, request: Request, thread: LoopThread | None = None) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`. ``thread`` runs the body for blocking code."""
        if self._instead is not None:
            return await self._instead.lend(request).send(request)
        if self.closed:
            raise refused(request, CLOSED_HERE)
        started = time.monotonic()
        opened = await self._loops.get()
        prepared = opened.clients.prepare(request)
        if is_piecewise(request):
            response = await opened.stream(prepared, request, thread, self)
        else:
            try:
                async with Awaiting(begins=thread is None):
                    reply = await prepared.build().send()
                    response = respond(reply, request)
                    response.content = bytes(await reply.bytes())
            except FAILURES as error:
                raise translate(error, request, closed=self.closed) from error
        response.elapsed = time.monotonic() - started
        return response

    async def aclose(self) -> None:
        """Send nothing more, and close the connections of the running loop.

        Those of loops that are over are closed already, and those of others with their loops, whose calls that are
        under way end by themselves.
        """
        self.closed = True
        closing = self._loops if self._instead is None else self._instead.retire()
        if closing is not None:
            await closing.aclose()

    def after_fork(self) -> None:
        """In a forked child: leave everything to the parent, and send over the default wire."""
        if not runs_here():
            abandoned.append(self._loops)
            self._loops = PerLoop(_Open)
            self._instead = LazyWire(_default)


class _Open:
    """What belongs to one event loop."""

    def __init__(self) -> None:
        self.clients = AsyncClients()
        self._bodies: weakref.WeakSet[ReqwestBody] = weakref.WeakSet()

    async def stream(
        self, prepared: Any, request: Request, thread: LoopThread | None, wire: AsyncPyreqwestWire
    ) -> Response:
        """Send a request, and give its answer as it comes."""
        budget = request.budget
        try:
            opening = prepared.streamed_read_buffer_limit(0).build_streamed()
            async with (
                Awaiting(begins=thread is None),
                asyncio.timeout(None if budget is None else budget.allowance("read")),
            ):
                reply = await opening.__aenter__()
            response = respond(reply, request)
        except FAILURES as error:
            raise translate(error, request, closed=wire.closed) from error
        except TimeoutError as error:
            raise timed_out(request, "Read") from error
        body = ReqwestBody(opening, reply.body_reader, request, response, thread, wire)
        if request.streamed and response.ok:
            response.body = body
            self._bodies.add(body)
        else:
            await body.aread()
        return response

    async def aclose(self) -> None:
        """Close every connection, and end the calls that wait."""
        bodies = list(self._bodies)
        for body in bodies:
            body.break_off()
        await self.clients.aclose()
        for body in bodies:
            await body.aclose()

    def drop(self) -> None:
        """Close the connections: the library does it to what is forgotten, but for streams."""
        self.clients.forget()
        for body in list(self._bodies):
            body.drop()


class ReqwestBody(WireBody):
    """The rest of an answer of pyreqwest.

    Args:
        opening: The context manager that gave the answer.
        reader: Reads its body.
        request: What was sent.
        response: Ours.
        thread: Runs it for blocking code.
        wire: Kept while this is open, since a wire that is forgotten closes what it opened.
    """

    __slots__ = ("_broken_off", "_limit", "_loop", "_opening", "_process", "_reader", "_thread", "_wire")

    def __init__(
        self,
        opening: Any,
        reader: Any,
        request: Request,
        response: Response,
        thread: LoopThread | None,
        wire: object,
    ) -> None:
        super().__init__(request, response, bounded=True)
        self._opening = opening
        self._reader = reader
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._wire: object | None = wire
        self._process = os.getpid()
        self._limit: asyncio.Timeout | None = None
        self._broken_off = False

    def piece(self) -> bytes | None:
        """The next piece as it comes, None at the end; blocking."""
        piece: bytes | None = self._run(self.apiece())
        return piece

    async def apiece(self) -> bytes | None:
        """The next piece as it comes, None at the end; awaited."""
        budget = self._request.budget
        try:
            if self._broken_off:
                raise TimeoutError
            async with (
                Awaiting(begins=self._thread is None),
                asyncio.timeout(None if budget is None else budget.allowance("read")) as self._limit,
            ):
                piece = await self._reader.read_chunk()
        except FAILURES as error:
            raise translate(error, self._request, self._received, closed=self._broken_off) from error
        except TimeoutError as error:
            if self._broken_off:
                raise broken(self._request, CLOSED_HERE, self._received) from error
            raise timed_out(self._request, "Read") from error
        finally:
            self._limit = None
        if piece is None:
            return None
        self._received += len(piece)
        return bytes(piece)

    def break_off(self) -> None:
        """End the read that waits, and those to come."""
        self._broken_off = True
        if self._limit is not None:
            self._limit.reschedule(0.0)

    def drop(self) -> None:
        """Drop the connection, where the event loop is closed; nothing can be read any more."""
        self._broken_off = True
        opening, self._opening = self._opening, None
        if opening is not None:
            leaving = _leave(opening)
            with suppress(StopIteration):  # it waits for nothing
                leaving.send(None)
            leaving.close()

    def read(self) -> None:
        """Read the rest into the response's ``content``, and close."""
        self._run(self.aread())

    def drain(self) -> None:
        """Read an end that comes at once, so that the connection can be used again; then close."""
        with suppress(APIConnectionError):  # there is nothing left to be drained
            self._run(self.adrain())

    def close(self) -> None:
        """Give the connection back (after the end) or drop it (before)."""
        if os.getpid() == self._process:
            with suppress(APIConnectionError):  # the loop is over, and with it the connection
                self._run(self.aclose())

    async def aclose(self) -> None:
        """Give the connection back (after the end) or drop it (before), shielded from cancellation."""
        self._response.body = None
        await shielded(self._leave())

    async def _leave(self) -> None:
        opening, self._opening, self._wire = self._opening, None, None
        if opening is not None:
            await _leave(opening)

    def __del__(self) -> None:
        if self._opening is not None and os.getpid() == self._process:  # forgotten midway
            opening = self._opening
            with suppress(RuntimeError):  # the loop is over, and with it the connection
                self._loop.call_soon_threadsafe(lambda: detach(_leave(opening)))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        if self._thread is None:
            work.close()
            raise RuntimeError("a body of the async client is awaited")
        from simstudio.transport.wire.loopthread import LoopEndedError

        try:
            return self._thread.run(work)
        except LoopEndedError as error:
            raise broken(self._request, CLOSED_HERE, self._received) from error


async def _leave(opening: Any) -> None:
    with suppress(*FAILURES):
        async with Awaiting():
            await opening.__aexit__(None, None, None)


def _default() -> AsyncWire:
    from simstudio.transport.wire.async_httpx import AsyncHTTPXWire

    return AsyncHTTPXWire()
