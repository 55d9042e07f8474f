"""HTTP/1.1 as bytes: a request's head, and answers read by a parser of somebody else's.

The parser is httptools (llhttp, extra ``[fast]``) where it is installed, else h11, which comes with httpx. Nothing here
touches a socket.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from simstudio.transport.wire.framing import without_framing

if TYPE_CHECKING:
    from simstudio.transport.message import Request

_MOST_HEADERS = 100 * 1024
"""Bytes of an answer's head that h11 reads before it gives up; what httpcore grants too."""
_NO_ANSWER = "the server closed the connection without an answer"


class MalformedAnswerError(Exception):
    """What came is no HTTP/1.1 answer, or not the whole of one."""


def head_of(request: Request, target: str, host: str) -> bytes:
    """The head of a request: what is sent before its body.

    Args:
        request: Its framing headers are replaced.
        target: Path and query.
        host: For the header ``Host``, unless the request has one.
    """
    headers = without_framing(request.headers)
    lines = [f"{request.method} {target} HTTP/1.1"]
    if "host" not in headers:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers.pairs()]
    if request.content or request.method not in ("GET", "OPTIONS", "DELETE"):
        lines.append(f"Content-Length: {len(request.content)}")
    return "\r\n".join([*lines, "\r\n"]).encode("ascii")


class Answer(Protocol):
    """An answer under way.

    Attributes:
        status: Of the final answer, 0 until its head has come.
        headers: As they came.
        pieces: Of the body, without its transfer encoding.
        complete: Whether the whole of it has come.
        reusable: Once it is complete, whether the connection may carry another request.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    complete: bool
    reusable: bool

    def feed(self, data: bytes) -> None:
        """Take bytes as they came.

        Raises:
            MalformedAnswerError: They are no answer.
        """
        ...

    def end(self) -> None:
        """The server sends no more.

        Raises:
            MalformedAnswerError: Something is missing.
        """
        ...


class H11Answer:
    """An :class:`Answer` read by h11."""

    __slots__ = ("_connection", "complete", "headers", "pieces", "reusable", "status")

    def __init__(self, method: str) -> None:
        import h11

        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.complete = False
        self.reusable = False
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEADERS)
        self._connection.send(h11.Request(method=method, target="/", headers=[("Host", "_")]))
        self._connection.send(h11.EndOfMessage())

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        if data:
            self._take(data)

    def end(self) -> None:
        """The server sends no more."""
        if not self.status:
            raise MalformedAnswerError(_NO_ANSWER)
        self._take(b"")

    def _take(self, data: bytes) -> None:
        """Take bytes; none are the end."""
        import h11

        connection = self._connection
        try:
            connection.receive_data(data)
            while not self.complete:
                event = connection.next_event()
                if isinstance(event, h11.Data):
                    self.pieces.append(bytes(event.data))
                elif isinstance(event, h11.Response):
                    self.status = event.status_code
                    self.headers = event.headers.raw_items()
                elif isinstance(event, h11.EndOfMessage):
                    self.complete = True
                    self.reusable = connection.their_state is h11.DONE and connection.trailing_data == (b"", False)
                elif event is h11.NEED_DATA or event is h11.PAUSED:
                    return
        except h11.RemoteProtocolError as error:
            raise MalformedAnswerError(str(error)) from error


class LLHTTPAnswer:
    """An :class:`Answer` read by httptools, whose callbacks are the methods ``on_…``."""

    __slots__ = ("_parser", "complete", "headers", "pieces", "reusable", "status")

    def __init__(self, method: str) -> None:  # noqa: ARG002 - it matters to HEAD only, which is not sent this way
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.complete = False
        self.reusable = False
        self._parser: Any = _llhttp().HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        try:
            self._parser.feed_data(data)
        except (_llhttp().HttpParserError, _llhttp().HttpParserUpgrade) as error:
            self.reusable = False
            raised = error.__cause__ or error.__context__
            if raised is not None and not isinstance(raised, Exception):
                raise raised from None  # Ctrl-C in the middle of a callback
            if not self.complete:
                changed = isinstance(error, _llhttp().HttpParserUpgrade)
                raise MalformedAnswerError("the server changed the protocol" if changed else str(error)) from error
        if self.complete:
            self._parser = None  # which knows this object: no garbage collector shall have to part them

    def end(self) -> None:
        """The server sends no more."""
        if not self.status:
            raise MalformedAnswerError(_NO_ANSWER)
        framing = {name.lower(): value.lower() for name, value in self.headers}
        if b"content-length" in framing or framing.get(b"transfer-encoding", b"").endswith(b"chunked"):
            raise MalformedAnswerError("the server closed the connection before the whole answer had come")
        self.complete = True
        self._parser = None

    def on_message_begin(self) -> None:
        """An answer begins; after the whole of one, nobody asked for it."""
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        if not self.status:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head of an answer, or of an informational one before it."""
        status = self.status or self._parser.get_status_code()
        if status < 200:
            self.headers = []
        else:
            self.status = status

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if not self.complete:
            self.pieces.append(data)

    def on_message_complete(self) -> None:
        """All of an answer has come."""
        if self.status and not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()


@cache
def _llhttp() -> Any:
    """httptools, or None."""
    try:
        import httptools
    except ImportError:
        return None
    return httptools


def answer_type() -> type[H11Answer] | type[LLHTTPAnswer]:
    """The class for answers: the fastest that is installed."""
    return H11Answer if _llhttp() is None else LLHTTPAnswer
