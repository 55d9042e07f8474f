"""Private attributes of other packages that this package uses, each with the test of the harm without it."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

import httpx


class Transport(httpx.HTTPTransport):
    """httpx's transport over a pool of ours.

    Over httpx's own pool each byte of a dribbled header gets the whole timeout anew
    (``tests/wire/test_wire_deadline.py``), and n calls at once cost n²: 6,000 at a concurrency of 200 take 42 s instead
    of 1.6 s (``tests/benchmarks/throughput.py``). httpx's initializer, which makes that pool and reads certificates for
    it, is not called.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool


class AsyncTransport(httpx.AsyncHTTPTransport):
    """The same for an event loop; there httpx's pool costs even more."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool


def has_surplus(connection: Any) -> bool:
    """Whether the parser of an idle connection may hold bytes that belong to no response.

    They would be taken for the response to the next request, and each later request would get that of the one before
    (``tests/wire/test_wire_surplus.py``). A connection through a proxy holds another one.
    """
    while connection is not None:
        parser = getattr(connection, "parser", None) or getattr(connection, "_h11_state", None)
        if parser is not None:
            return bool(parser.trailing_data[0])
        connection = getattr(connection, "_connection", None)
    return True


def import_locks() -> None:
    """Import what the locks of httpcore's async connections, through proxies, stand on.

    anyio would import it inside the event loop of a first call: 30 modules, 50 ms
    (``tests/wire/test_wire_first_call.py``).
    """
    with suppress(ImportError):
        import_module("anyio._backends._asyncio")
