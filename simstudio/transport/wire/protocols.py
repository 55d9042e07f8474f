"""Protocols of wires: what the drivers of flows (:mod:`simstudio.transport.flow`) send requests to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simstudio.transport.message import Request, Response


class Wire(Protocol):
    """Sends requests and returns responses, blocking."""

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class AsyncWire(Protocol):
    """Sends requests and returns responses, awaited."""

    async def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        ...

    async def aclose(self) -> None:
        """Close every connection of the running event loop."""
        ...
