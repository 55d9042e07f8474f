"""What the pools reach into httpcore's connections for, which serve one call each at a time here."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpcore

from simstudio.transport.wire.failures import CLOSED_HERE

_LOCKS = ("_request_lock", "_connect_lock", "_state_lock")


class _Unlocked:
    """Instead of a lock that nobody contends for."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def __aenter__(self) -> None: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


_UNLOCKED = _Unlocked()


def unlock(connection: Any) -> None:
    """Take the locks out of a connection and those inside it, as far as they exist yet.

    Each costs a turn of the event loop, and is a place where a cancellation strikes in the middle of cleaning up; in a
    thread, one that Ctrl-C left locked would be waited for by the next call for ever.
    """
    while connection is not None:
        for name in _LOCKS:
            if hasattr(connection, name):
                setattr(connection, name, _UNLOCKED)
        connection = getattr(connection, "_connection", None)


def as_unsent(connection: Any, error: BaseException) -> BaseException:
    """A failure of a call, as one of connecting where nothing of the request had left.

    So it is where the connection was closed between the taking and the sending, and where a proxy was in the way.
    """
    if isinstance(error, httpcore.ConnectionNotAvailable):
        return httpcore.ConnectError(CLOSED_HERE)
    through = getattr(connection, "_connected", None)  # of a tunnel
    if through is None:
        through = getattr(connection, "_connection", connection) is not None
    if through or not isinstance(error, (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)):
        return error
    if isinstance(error, httpcore.TimeoutException):
        return httpcore.ConnectTimeout(str(error))
    if isinstance(error, httpcore.ConnectError):
        return error
    return httpcore.ConnectError(f"the proxy: {str(error) or type(error).__name__}")


def is_reusable(connection: Any) -> bool:
    """Whether a connection whose answer has been read may carry another call.

    Not with bytes in its parser that nobody asked for: they would be taken for the next call's answer, and every call
    after it would get that of another.
    """
    if not connection.is_idle():
        return False
    while connection is not None:
        parser = getattr(connection, "_h11_state", None)
        if parser is not None:
            return bool(parser.trailing_data == (b"", False))
        connection = getattr(connection, "_connection", None)
    return True
