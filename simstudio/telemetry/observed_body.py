"""The unread body of a stream, which ends the span of its call when it has been read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simstudio.telemetry.results import LONGEST_TAIL

if TYPE_CHECKING:
    from simstudio.telemetry.call import Call
    from simstudio.transport.message import Body, Response


class ObservedBody:
    """The unread body of a stream; the span of its call ends when it has been read or closed."""

    def __init__(self, response: Response, body: Body, call: Call) -> None:
        self._response = response
        self._body = body
        self._call = call
        self._tail = b""
        self._begun = False

    def piece(self) -> bytes | None:
        """Return the next piece; None at the end, which ends the call."""
        with self._report_failure():
            return self._see(self._body.piece())

    async def apiece(self) -> bytes | None:
        """Return the next piece; None at the end, which ends the call."""
        with self._report_failure():
            return self._see(await self._body.apiece())

    def await_event(self) -> None:
        """Let the pieces until the next call share one idle time."""
        self._body.await_event()

    def read(self) -> None:
        """Read the rest into the content of the response; the call ends."""
        with self._report_failure():
            self._body.read()
        self._call.finish(self._response.content)

    async def aread(self) -> None:
        """Read the rest into the content of the response; the call ends."""
        with self._report_failure():
            await self._body.aread()
        self._call.finish(self._response.content)

    def drain(self) -> None:
        """Read to the end if it arrives at once, then close; the call ends."""
        self._body.drain()
        self._call.finish(self._tail)

    async def adrain(self) -> None:
        """Read to the end if it arrives at once, then close; the call ends."""
        await self._body.adrain()
        self._call.finish(self._tail)

    def close(self) -> None:
        """Close the body; the call ends."""
        self._body.close()
        self._call.finish(self._tail)

    async def aclose(self) -> None:
        """Close the body; the call ends."""
        await self._body.aclose()
        self._call.finish(self._tail)

    def _see(self, piece: bytes | None) -> bytes | None:
        if piece is None:
            self._call.finish(self._tail)
            return None
        if not self._begun:
            self._begun = True
            self._call.span.add_event("first_piece")
        if self._call.reads_result:
            self._tail = (self._tail + piece)[-LONGEST_TAIL:]
        return piece

    @contextmanager
    def _report_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._call.fail(error)
            raise
