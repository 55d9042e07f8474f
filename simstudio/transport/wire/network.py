"""Shared parts of the sync and async sockets: the bound on bytes before a body, and the order of connecting."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - a first getaddrinfo() imports it, and a fork in the middle of that is a deadlock
import errno
import socket

import httpcore

from simstudio.transport.wire.failures import CLOSED_HERE

MAX_HEAD_SIZE = 64 * 1024
"""Bytes that may precede the body of a response: its headers, and the informational responses before them."""
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


class ConnectionState:
    """The state that the pool sets for the sockets of one connection.

    Attributes:
        closed: Whether the connection was given up, perhaps while it was connecting: nothing more is sent then.
    """

    __slots__ = ("_head", "_sent", "closed")

    def __init__(self) -> None:
        self.closed = False
        self._head: int | None = None
        self._sent = False

    def begin(self) -> None:
        """A request follows: nothing of it was sent, and what is read from now on is the head of its response."""
        self._head = 0
        self._sent = False

    def end_head(self) -> None:
        """Count the bytes from now on as a body."""
        self._head = None

    def check_write(self) -> bool:
        """Whether this is the first write of the request.

        Raises:
            httpcore.NetworkError: The connection was given up.
        """
        first = not self._sent
        if self.closed:
            raise (httpcore.ConnectError if first else httpcore.WriteError)(CLOSED_HERE)
        self._sent = True
        return first

    def allow_read(self, size: int) -> int:
        """Number of bytes that may be read now, of those that the caller asks for.

        Raises:
            httpcore.RemoteProtocolError: All that may precede a body was read, and the body did not begin.
        """
        if self._head is None:
            return size
        if self._head >= MAX_HEAD_SIZE:
            raise httpcore.RemoteProtocolError(
                f"the server sent more than {MAX_HEAD_SIZE // 1024} KiB of headers and informational responses"
            )
        return min(size, MAX_HEAD_SIZE - self._head)

    def count_read(self, size: int) -> None:
        """Count bytes that were read."""
        if self._head is not None:
            self._head += size


def lacks_descriptors(error: BaseException) -> bool:
    """Whether a failure to connect stems from a lack of file descriptors."""
    cause = error.__cause__ if isinstance(error, httpcore.ConnectError) else None
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _NO_DESCRIPTORS:
            return True
        cause = cause.__cause__
    return False


def explain_lookup(error: OSError) -> OSError:
    """The failure of a name lookup, or that of opening a socket where none can be opened.

    Without file descriptors ``getaddrinfo`` may say "temporary failure" or "name not known".
    """
    try:
        socket.socket().close()
    except OSError as lack:
        return lack
    return error
