"""A connected socket that carries one request at a time, blocking the thread that calls.

Each single read and write gets what is left of the call's time (:mod:`simstudio.transport.deadline`).
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from simstudio.transport.deadline import SLICE
from simstudio.transport.wire.addresses import connect_first, resolve

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from simstudio.transport.deadline import Budget
    from simstudio.transport.wire.http1 import Answer


class Connection:
    """One socket.

    Args:
        raw: Connected.
    """

    __slots__ = ("__weakref__", "_ask", "_process", "_socket", "busy", "expires")

    def __init__(self, raw: socket.socket) -> None:
        self._socket = raw
        self._process = os.getpid()
        self._ask = _readable(raw)
        self.busy = True
        self.expires = 0.0

    @classmethod
    def open(cls, host: str, port: int, context: ssl.SSLContext | None, budget: Budget) -> Connection:
        """A connection to the first of a host's addresses that answers, within the time there is for connecting.

        Raises:
            OSError: There is none; a ``TimeoutError`` where the time was up.
        """

        def connect(address: str, its_port: int, seconds: float | None) -> socket.socket:
            return socket.create_connection((address, its_port), seconds)

        addresses = resolve(host, port)
        _ensure_left(budget)  # asking for a name's addresses has no limit of its own
        raw = connect_first(
            addresses,
            connect,
            seconds=budget.allowance("connect"),
            clock=budget.clock,
            failures=(OSError,),
        )
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                raw.settimeout(budget.allowance("connect"))
                raw = context.wrap_socket(raw, server_hostname=host)
            _ensure_left(budget)
            return cls(raw)
        except BaseException:
            raw.close()
            raise

    def send(self, head: bytes, content: bytes, budget: Budget) -> None:
        """Send a request.

        Raises:
            TimeoutError: It was not taken in time. Other failures show when the answer is read: one may have come all
                the same.
        """
        pieces: list[bytes | memoryview] = [head + content] if len(content) <= SLICE else [head, *_slices(content)]
        try:
            for piece in pieces:
                self._socket.settimeout(budget.allowance("write"))
                self._socket.sendall(piece)
        except TimeoutError:
            raise
        except OSError:
            pass

    def receive(self, answer: Answer, budget: Budget) -> None:
        """Read the whole of an answer.

        Raises:
            TimeoutError: It did not come in time.
            OSError: The connection broke.
            MalformedAnswerError: What came is no answer, or not all of one.
        """
        raw, expires, clock = self._socket, budget.expires, budget.clock
        while not answer.complete:
            raw.settimeout(budget.allowance("read"))
            data = raw.recv(SLICE)
            if data:
                answer.feed(data)
            else:
                answer.end()
            if expires is not None and clock() >= expires and not answer.complete:
                raise TimeoutError

    def usable(self) -> bool:
        """Whether it may carry another request: in time, and neither closed by the server nor spoken to."""
        return time.monotonic() < self.expires and not self._ask()

    def close(self) -> None:
        """Close it. Where another thread waits for it, that is woken, and closes it then."""
        if os.getpid() != self._process:  # in a fork it is still the parent's
            return
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        if not self.busy:
            self._socket.close()


def _ensure_left(budget: Budget) -> None:
    """Nothing is sent for a call that is over."""
    if budget.expired():
        raise TimeoutError


def _slices(content: bytes) -> Iterator[memoryview]:
    view = memoryview(content)
    return (view[start : start + SLICE] for start in range(0, len(view), SLICE))


def _readable(raw: socket.socket) -> Callable[[], object]:
    """Asks, without waiting, whether there is something to read (an end too)."""
    if sys.platform == "win32":
        return lambda: select.select([raw], [], [], 0)[0]
    poll = select.poll()
    poll.register(raw, select.POLLIN)
    return lambda: poll.poll(0)
