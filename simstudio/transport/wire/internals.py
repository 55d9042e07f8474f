"""Private attributes of other packages that this package uses, each with the test of the harm without it."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from itertools import chain
from typing import Any

import h11
import httpcore
import httpx

_PRINTABLE = bytes(range(0x20, 0x7F))


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


def begin_request(request: httpcore.Request) -> h11.Request:
    """The head of a request for h11, which then does not check its headers one by one.

    They were checked where they were set; whatever was not is found here by a look at all of them at once
    (``tests/wire/test_wire_bytes.py``). h11's two regular expressions for each header took a fortieth of the CPU of an
    item of ``workflows.map``, on its way to 1.25 of the ideal (``tests/benchmarks/throughput.py``).
    """
    # No local variables: their ``repr`` shows the key.
    if not b"".join(chain.from_iterable(request.headers)).translate(None, _PRINTABLE):
        try:
            return h11.Request(method=request.method, target=request.url.target, headers=request.headers, _parsed=True)
        except TypeError:  # of an h11 to come without this argument
            pass
    return h11.Request(method=request.method, target=request.url.target, headers=request.headers)
