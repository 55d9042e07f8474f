"""Server-sent events, decoded incrementally from bytes.

Written for bytes because that is where framing is decided: splitting decoded text at "lines" would cut events at U+2028
inside JSON, which JavaScript servers send as it is. Any split of the bytes gives the same events: inside a UTF-8
character, between CR and LF, after a byte order mark.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import Final

import attrs

from simstudio.core.errors import StreamError
from simstudio.transport.message import MAX_EVENT_SIZE

_BOM: Final = b"\xef\xbb\xbf"


@attrs.frozen
class ServerSentEvent:
    """One event.

    Attributes:
        data: The data lines, joined by line feeds.
        event: The ``event:`` field, ``message`` where there is none.
        id: The last ``id:`` seen, empty where there was none.
        retry: Milliseconds from a ``retry:`` field of this event, or None.
    """

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None


class UndecodableEventError(StreamError):
    """The stream holds an event that is too large or not UTF-8.

    Attributes:
        events: Those that the same bytes completed before it.
    """

    events: tuple[ServerSentEvent, ...] = ()


class SSEDecoder:
    r"""Turns bytes, in whatever pieces they come, into events.

    Args:
        max_event_size: Bytes that one event may have; more is a :class:`~simstudio.errors.StreamError`.

    Example:
        >>> SSEDecoder().feed(b"data: hello\n\n")[0].data
        'hello'
    """

    __slots__ = ("_data", "_event", "_head", "_id", "_retry", "_size", "_skip_lf", "_tail", "max_event_size")

    def __init__(self, *, max_event_size: int = MAX_EVENT_SIZE) -> None:
        self.max_event_size = max_event_size
        self._head: bytes | None = b""  # what may yet become a byte order mark; None once that is settled
        self._tail: list[bytes] = []  # pieces of a line whose end has not come
        self._skip_lf = False  # the last line ended in CR: a LF that follows belongs to it
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self._id = ""
        self._retry: int | None = None

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes.

        Returns:
            The events that they complete, in order.

        Raises:
            StreamError: An event is larger than allowed, or is not UTF-8; ``events`` of it are those before.
        """
        if self._head is not None:
            data = self._after_mark(self._head + data)
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
                    line = self._whole(line)  # noqa: PLW2901 - the line as a whole
                self._line(line.rstrip(b"\r\n"), events)
            if unfinished:
                self._tail.append(unfinished)
                self._grow(len(unfinished))
        except UndecodableEventError as error:
            error.events = tuple(events)
            raise
        return events

    def flush(self) -> list[ServerSentEvent]:
        """The event that the stream ended in the midst of, should its data be there: its end is the stream's end."""
        events: list[ServerSentEvent] = []
        if self._tail:
            self._line(self._whole(b""), events)
        self._dispatch(events)
        return events

    def _whole(self, end: bytes) -> bytes:
        self._size -= sum(map(len, self._tail))
        line = b"".join([*self._tail, end])
        self._tail.clear()
        return line

    def _after_mark(self, data: bytes) -> bytes:
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._head = data
            return b""
        self._head = None
        return data.removeprefix(_BOM)

    def _line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if not line:
            self._dispatch(events)
            return
        self._check(self._size + len(line))  # as for a line in pieces, whose kind is not yet known
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
