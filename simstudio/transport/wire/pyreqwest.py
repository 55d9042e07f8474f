"""A wire over pyreqwest, which is Rust's reqwest: ``wire="pyreqwest"``, extra ``[fast]``.

Connections, timers and reading live outside Python, so that a call costs a fraction of the CPU. What differs from the
default wire, because the library has it so:

* a cancelled call frees its caller at once, but goes on unheard until it is answered or its time is up;
* a time-out of a whole call does not say whether the request was sent, so it counts as sent;
* streams have connections of their own;
* Ctrl-C ends a blocking call only when that is over (but a stream at once);
* header values beyond ASCII do not arrive, and a proxy must be an http(s) one;
* its threads do not survive a fork: in the child, the default wire sends instead;
* after an awaited call they hold Python objects for a moment longer: a program that ends right then waits up to 0.1 s,
  and up to 0.6 s while a daemon thread waits for an answer.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from simstudio.transport.fork import abandoned, renew_after_fork, unforked
from simstudio.transport.message import Request, Response
from simstudio.transport.session import LazyWire
from simstudio.transport.wire import default_wire
from simstudio.transport.wire.failures import CLOSED_HERE, broken, refused
from simstudio.transport.wire.reqwest import FAILURES, SyncClients, is_piecewise, respond, runs_here, translate

if TYPE_CHECKING:
    from simstudio.transport.wire.async_pyreqwest import AsyncPyreqwestWire
    from simstudio.transport.wire.loopthread import LoopThread


class PyreqwestWire:
    """Connections of one sync client, shared by its threads. Streams go over an event loop in a thread of their own."""

    def __init__(self) -> None:
        self._clients = SyncClients()
        self._streams: tuple[LoopThread, AsyncPyreqwestWire] | None = None
        self._lock = Lock()
        self._closed = False
        self._instead = None if runs_here() else LazyWire(default_wire)
        renew_after_fork(self)

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        if self._instead is not None:
            return self._instead.lend(request).send(request)
        if self._closed:
            raise refused(request, CLOSED_HERE)
        if is_piecewise(request):
            return self._send_piecewise(request)
        started = time.monotonic()
        prepared = self._clients.prepare(request)
        try:
            reply = prepared.build().send()
            response = respond(reply, request)
            response.content = bytes(reply.bytes())
        except FAILURES as error:
            raise translate(error, request, closed=self._closed) from error
        response.elapsed = time.monotonic() - started
        return response

    def close(self) -> None:
        """Close every connection, those in use too: that ends the calls of other threads."""
        self._closed = True
        if self._instead is not None:
            instead = self._instead.retire()
            if instead is not None:
                instead.close()
            return
        self._clients.close()
        streams, self._streams = self._streams, None
        if streams is not None:
            thread, wire = streams
            with suppress(RuntimeError):  # it ends with the program, too
                thread.run(wire.aclose())
            thread.close()

    def _send_piecewise(self, request: Request) -> Response:
        from simstudio.transport.wire.loopthread import LoopEndedError

        thread, wire = self._streaming(request)
        try:
            return thread.run(wire.send(request, thread))
        except LoopEndedError as error:
            raise (broken if error.begun else refused)(request, CLOSED_HERE) from error

    def _streaming(self, request: Request) -> tuple[LoopThread, AsyncPyreqwestWire]:
        with self._lock, unforked:
            streams = self._streams
            if streams is None:
                from simstudio.transport.wire.async_pyreqwest import AsyncPyreqwestWire
                from simstudio.transport.wire.loopthread import LoopThread

                try:
                    streams = self._streams = LoopThread(), AsyncPyreqwestWire()
                except (OSError, RuntimeError) as error:  # too many open files, or threads
                    raise refused(request, str(error)) from error
            if self._closed:  # perhaps before they were there to be closed; a thread that is forgotten ends
                self._streams = None
                raise refused(request, CLOSED_HERE)
            return streams

    def after_fork(self) -> None:
        """In a forked child: leave everything to the parent, and send over the default wire."""
        if not runs_here():
            abandoned.append((self._clients, self._streams))
            self._clients, self._streams, self._lock = SyncClients(), None, Lock()
            self._instead = LazyWire(default_wire)
