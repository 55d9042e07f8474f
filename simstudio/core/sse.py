"""Server-sent events, decoded incrementally from bytes.

The decoder splits bytes and not decoded text, because ``str.splitlines`` would also split events at U+2028 inside JSON,
which JavaScript servers send unescaped. Every division of the bytes gives the same events, also within a UTF-8
character, between CR and LF, or after a byte order mark.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import Final

import attrs

from simstudio.core.errors import StreamError
from simstudio.transport.message import MAX_EVENT_SIZE

_BOM: Final = b"\xef\xbb\xbf"
MOST_BETWEEN_EVENTS: Final = 64 * 1024 * 1024
"""Bytes of comments and other fields that may come without an event."""


@attrs.frozen
class ServerSentEvent:
    """One event.

    Attributes:
        data: The ``data:`` lines, joined by line feeds.
        event: The ``event:`` field; ``message`` by default.
        id: The last ``id:`` field of the stream; empty by default.
        retry: Milliseconds in the ``retry:`` field of this event, or None.
    """

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None


class UndecodableEventError(StreamError):
    """The stream holds an event that is too large or not UTF-8, or no event for too long.

    Attributes:
        events: Events that the same bytes completed before it.
    """

    events: tuple[ServerSentEvent, ...] = ()


class SSEDecoder:
    r"""Decodes bytes, in pieces of any size, into events.

    Args:
        max_event_size: Largest event in bytes; a larger one raises :class:`~simstudio.errors.StreamError`.

    Example:
        >>> SSEDecoder().feed(b"data: hello\n\n")[0].data
        'hello'
    """

    __slots__ = (
        "_between",
        "_data",
        "_event",
        "_head",
        "_id",
        "_retry",
        "_size",
        "_skip_lf",
        "_tail",
        "max_event_size",
    )

    def __init__(self, *, max_event_size: int = MAX_EVENT_SIZE) -> None:
        self.max_event_size = max_event_size
        self._head: bytes | None = b""  # the beginning of a possible byte order mark; None after the first line began
        self._tail: list[bytes] = []  # pieces of a line whose end has not arrived
        self._skip_lf = False  # whether the last line ended in CR, so that a following LF belongs to it
        self._data: list[bytes] = []
        self._size = 0
        self._between = 0  # bytes since the last event
        self._event = ""
        self._id = ""
        self._retry: int | None = None

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Decode the next bytes, and return the events that they complete.

        Raises:
            StreamError: An event is larger than allowed or not UTF-8, or none comes; ``error.events`` are the events
                before it.
        """
        events = self._feed(data)
        self._between = 0 if events else self._between + len(data)
        most = max(MOST_BETWEEN_EVENTS, self.max_event_size)
        if self._between > most:
            raise UndecodableEventError(
                f"The stream holds over {most} bytes without a whole event. "
                "If they are genuine, allow for them with max_event_size=."
            )
        return events

    def _feed(self, data: bytes) -> list[ServerSentEvent]:
        if self._head is not None:
            data = self._skip_mark(self._head + data)
        if self._skip_lf and data:
            self._skip_lf = False
            if data.startswith(b"\n"):
                data = data[1:]
        if not data:
            return []
        lines = data.splitlines(keepends=True)
        last = lines[-1]
        if last.endswith(b"\r"):
            self._skip_lf = True
        unfinished = b"" if last.endswith((b"\n", b"\r")) else lines.pop()
        events: list[ServerSentEvent] = []
        try:
            for line in lines:
                if self._tail:
                    line = self._join_tail(line)  # noqa: PLW2901 - the complete line
                self._line(line.rstrip(b"\r\n"), events)
            if unfinished:
                self._tail.append(unfinished)
                self._grow(len(unfinished))
        except UndecodableEventError as error:
            error.events = tuple(events)
            raise
        return events

    def flush(self) -> list[ServerSentEvent]:
        """Return the event that the end of the stream completes, if any: its blank line may be missing."""
        events: list[ServerSentEvent] = []
        if self._tail:
            self._line(self._join_tail(b""), events)
        self._dispatch(events)
        return events

    def _join_tail(self, end: bytes) -> bytes:
        self._size -= sum(map(len, self._tail))
        line = b"".join([*self._tail, end])
        self._tail.clear()
        return line

    def _skip_mark(self, data: bytes) -> bytes:
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._head = data
            return b""
        self._head = None
        return data.removeprefix(_BOM)

    def _line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if not line:
            self._dispatch(events)
            return
        # The whole line counts, as it does for a line in pieces, whose field is not known before its end.
        self._check(self._size + len(line))
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            self._data.append(value)
            self._size += len(value) + 1
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += 1
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 16:
            self._retry = int(value)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        event, self._event, retry, self._retry = self._event, "", self._retry, None
        if not self._data:
            return
        raw = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._size = 0
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UndecodableEventError(
                f"The stream holds an event that is not UTF-8, beginning {raw[:60]!r}."
            ) from error
        events.append(ServerSentEvent(text, event or "message", self._id, retry))

    def _grow(self, count: int) -> None:
        self._size += count
        self._check(self._size)

    def _check(self, size: int) -> None:
        if size > self.max_event_size:
            raise UndecodableEventError(
                f"The stream holds an event of over {self.max_event_size} bytes. "
                "If it is genuine, allow for it with max_event_size=."
            )
