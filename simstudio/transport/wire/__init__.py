"""The wire: what carries one request to a server and brings one response.

A wire has ``send(request) -> Response`` (awaited on the async side) and a way to close. It maps the failures of its
HTTP library to :class:`~simstudio.transport.errors.APIConnectionError` and nothing else: errors that are not transport
failures (a cassette's mismatch, a bug) come out as themselves. The body of a response is read at once, within
``max_response_size``, except that of a 2xx response to a ``streamed`` request, which is left as ``response.body``.

``sync_wire`` and ``async_wire`` send through httpx's transports over a pool of our own; ``client`` sends with an HTTP
client of the user's.
"""

from __future__ import annotations

from typing import Final

from simstudio.transport.errors import ConfigurationError

MAX_RESPONSE_SIZE: Final = 64 * 1024 * 1024
"""Bytes of a decoded body that are held in memory, unless the caller says otherwise."""


class WireOptions:
    """Settings of the wire, which a service's client makes.

    Args:
        keep_alive: Seconds that an idle connection is kept. The default lies below the 5 s after which servers on Node
            close theirs, so that no request meets a connection that the server is closing.
        max_response_size: Bytes of a response's decoded body, None for no bound. Streams and downloads, which are not
            held in memory, have none.

    Attributes:
        proxies: Whether the proxies of the environment are used; read when a first connection to an origin is made.

    Raises:
        ConfigurationError: ``max_response_size`` is no positive number of bytes.
    """

    __slots__ = ("keep_alive", "max_response_size", "proxies")

    def __init__(self, keep_alive: float = 4.0, max_response_size: int | None = MAX_RESPONSE_SIZE) -> None:
        size = max_response_size
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size <= 0):
            raise ConfigurationError(f"max_response_size must be a number of bytes above 0, or None, not {size!r}.")
        self.proxies = True
        self.keep_alive = keep_alive
        self.max_response_size = size
