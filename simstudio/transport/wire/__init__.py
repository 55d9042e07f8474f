"""Wires: what carries one request to a server and brings one response.

A wire has ``send(request) -> Response`` (awaited on the async side) and a way to close. It maps the failures of its
HTTP library to :class:`~simstudio.errors.APIConnectionError` and nothing else: errors that are not transport failures
(a cassette's mismatch, a bug) come out as themselves. The body of an answer is read at once, except that of a 2xx
answer to a ``streamed`` request, which is left as ``response.body``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.transport.flow import Wire


def default_wire() -> Wire:
    """A new wire over httpx: also what others leave to the default."""
    from simstudio.transport.wire.httpcore import HTTPCoreWire

    return HTTPCoreWire()
