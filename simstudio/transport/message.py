"""Requests and responses of our own: small, slotted, independent of the HTTP library underneath."""

from __future__ import annotations

import json
import string
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar, overload
from urllib.parse import urlsplit

import attrs

from simstudio.transport.errors import InvalidInputError, InvalidResponseError

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.transport.deadline import Budget
    from simstudio.transport.errors import APIConnectionError

D = TypeVar("D")
Resend: TypeAlias = Literal["read", "never", "claimed"]
"""What may be sent again: ``read`` changes nothing; ``never`` may have run, so only what surely was not sent or was
refused before it ran; ``claimed`` carries an id under which the server runs it at most once."""

SHOWN_HEADERS = frozenset({
    "accept", "accept-encoding", "cache-control", "content-encoding", "content-length", "content-type", "date",
    "retry-after", "server", "transfer-encoding", "user-agent", "x-ratelimit-limit", "x-ratelimit-remaining",
    "x-ratelimit-reset", "x-request-id",
})  # fmt: skip
"""The headers whose values may be printed or logged. An allow-list: what is not on it (keys, cookies, signatures,
headers of a user's own) shows as ``***``."""

MAX_EVENT_SIZE: Final = 64 * 1024 * 1024
"""Bytes that one event of a streamed answer may have, unless the caller says otherwise."""

_TOKEN = frozenset("!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters)
_JSON_BEGINS = (b"{", b"[")  # then it is UTF-8, and json need not guess the encoding
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-vercel-id", "cf-ray")


class Headers(MutableMapping[str, str]):
    """HTTP headers: mutable, case-insensitive, in order. Repeated ones are joined by commas.

    Setting a name or value that cannot travel (line breaks, other control characters, anything beyond ASCII) is an
    :class:`~simstudio.errors.InvalidInputError`, which shows the name and never the value.

    Example:
        >>> Headers({"Retry-After": "5"})["retry-after"]
        '5'
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] | None = None) -> None:
        self._items: dict[str, tuple[str, str]] = {}
        if isinstance(items, Mapping):
            self.update(items)
        else:
            for name, value in items or ():
                before = self.get(name) if isinstance(name, str) else None
                self[name] = f"{before}, {value}" if before is not None and isinstance(value, str) else value

    @classmethod
    def received(cls, pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Headers as they came from the wire, undisputed; bytes are read as Latin-1."""
        return cls.received_text((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)

    @classmethod
    def received_text(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        """Headers as they came from a wire that has decoded them, undisputed."""
        headers = cls()
        items = headers._items
        for name, value in pairs:
            key = name.lower()
            items[key] = (items[key][0], f"{items[key][1]}, {value}") if key in items else (name, value)
        return headers

    def copy(self) -> Headers:
        """An independent copy."""
        headers = Headers()
        headers._items = self._items.copy()
        return headers

    __copy__ = copy

    def put(self, name: str, value: str) -> None:
        """Set what is known to be sendable, unchecked."""
        self._items[name.lower()] = (name, value)

    def any_of(self, names: frozenset[str]) -> bool:
        """Whether one of some names (in lower case) is there."""
        return not names.isdisjoint(self._items)

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Names as first written, and values."""
        return self._items.values()

    def shown(self, more: Collection[str] = ()) -> dict[str, str]:
        """The headers with ``***`` for each value that may not be printed or logged.

        Args:
            more: Names in lower case, beside :data:`SHOWN_HEADERS`, whose values may be.
        """
        return {
            name: value if key in SHOWN_HEADERS or key in more else "***" for key, (name, value) in self._items.items()
        }

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: D) -> str | D: ...
    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header, or the default."""
        item = self._items.get(name.lower())
        return default if item is None else item[1]

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        if not (isinstance(name, str) and name and _TOKEN.issuperset(name)):
            raise InvalidInputError(f"{name!r} is not a header name: use ASCII letters, digits and dashes.")
        if not (isinstance(value, str) and value.isascii() and value.replace("\t", " ").isprintable()):
            raise InvalidInputError(
                f"The value of the header {name!r} cannot be sent: use a str of printable ASCII, without line breaks."
            )
        self._items[name.lower()] = (name, value.strip(" \t"))  # blanks around it are none of it (RFC 9110, 5.5)

    def __delitem__(self, name: str) -> None:
        del self._items[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({self.shown()!r})"


class Content(Protocol):
    """A request body that is read while it is sent, from its start at each attempt: a file, say.

    Attributes:
        size: Bytes of the whole.
    """

    size: int

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Body(Protocol):
    """The unread rest of a streamed response, as the wire that opened it offers it."""

    def piece(self) -> bytes | None:
        """The next piece as it comes, None at the end; blocking."""
        ...

    async def apiece(self) -> bytes | None:
        """The next piece as it comes, None at the end; awaited."""
        ...

    def read(self) -> None:
        """Read the rest into the response's ``content``, and close."""
        ...

    async def aread(self) -> None:
        """Read the rest into the response's ``content``, and close."""
        ...

    def drain(self) -> None:
        """Read an end that comes at once, so that the connection can be used again; then close."""
        ...

    async def adrain(self) -> None:
        """Read an end that comes at once, so that the connection can be used again; then close."""
        ...

    def close(self) -> None:
        """Give the connection back (after the end) or drop it (before)."""
        ...

    async def aclose(self) -> None:
        """Give the connection back (after the end) or drop it (before), shielded from cancellation."""
        ...


@attrs.define(eq=False)
class Claim:
    """An id under which the server carries a request out at most once.

    Attributes:
        header: Name of the header that carries the id.
        id: The id of the latest attempt.
        spent_by: Whether a response says that the id is used up although nothing was carried out under it.
        mint: Makes another id; None where the caller chose the id, which is never replaced.
    """

    header: str
    id: str
    spent_by: Callable[[Response], bool]
    mint: Callable[[], str] | None = None

    def renew(self, request: Request) -> bool:
        """Put a new id into a request under which nothing was carried out; False where the id must stay."""
        if self.mint is None:
            return False
        self.id = self.mint()
        request.headers.put(self.header, self.id)
        return True


@attrs.define(eq=False, repr=False)
class Request:
    """One HTTP request, as a middleware sees it.

    Attributes:
        method: ``GET``, ``POST`` …
        url: The whole address.
        headers: Mutable; see :class:`Headers`.
        content: The body, empty when there is none. A :class:`Content` is read as it is
            sent.
        resend: What may be sent again, see :data:`Resend`.
        refused: Tells of a response whether it proves that nothing ran, so that even a ``never`` may be sent again.
        streamed: The body of a 2xx answer is left unread (``response.body``).
        budget: How long it may take.
        max_retries: How often it may be sent again; None leaves it to the retry policy.
        attempt: Which attempt this is, from 1.
        observers: Called with every attempt's response, by the retry middleware.
        claim: The id that a ``claimed`` request is carried out under, where a refusal may use it up. Copies share it.
    """

    method: str
    url: str
    headers: Headers = attrs.field(factory=Headers)
    content: bytes | Content = b""
    resend: Resend = "never"
    refused: Callable[[Response], bool] | None = None
    streamed: bool = False
    budget: Budget | None = None
    max_retries: int | None = None
    attempt: int = 1
    observers: tuple[Callable[[Response], None], ...] = ()
    claim: Claim | None = None

    def copy(self) -> Request:
        """A copy with headers of its own."""
        return Request(
            self.method,
            self.url,
            self.headers.copy(),
            self.content,
            self.resend,
            self.refused,
            self.streamed,
            self.budget,
            self.max_retries,
            self.attempt,
            self.observers,
            self.claim,
        )

    @property
    def path(self) -> str:
        """The path of the address, without its query."""
        return urlsplit(self.url).path

    def json(self) -> Any:
        """The body as JSON data, None when it is empty or an upload."""
        return json.loads(self.content) if isinstance(self.content, bytes) and self.content else None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path} attempt={self.attempt}>"


@attrs.define(eq=False, repr=False)
class Response:
    """One HTTP response. It holds nothing of its request but method and address, so it can be kept and pickled.

    Attributes:
        status: The HTTP status.
        headers: See :class:`Headers`.
        content: The body; empty while ``body`` is unread.
        method: Of the request.
        url: Of the request.
        attempt: Which attempt brought it, from 1.
        elapsed: Seconds from sending to the whole answer (a streamed one: to its head).
        history: The earlier attempts of the same call, oldest first.
        body: The unread rest of a streamed answer, else None.
    """

    status: int
    headers: Headers = attrs.field(factory=Headers)
    content: bytes = b""
    method: str = ""
    url: str = ""
    attempt: int = 1
    elapsed: float = 0.0
    history: tuple[Attempt, ...] = ()
    body: Body | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status <= 299

    @property
    def path(self) -> str:
        """The path that was asked, without its query."""
        return urlsplit(self.url).path

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.content.decode("utf-8", "replace")

    @property
    def request_id(self) -> str | None:
        """The id that the server or its proxy gave the request, when it sent one."""
        return next((self.headers[name] for name in _REQUEST_ID_HEADERS if name in self.headers), None)

    def json(self) -> Any:
        """The body as JSON data.

        Raises:
            InvalidResponseError: It is not JSON (HTML of a proxy, a truncated or a non-UTF-8 body).
        """
        try:
            return json.loads(self.content.decode() if self.content[:1] in _JSON_BEGINS else self.content)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")
            begin = self.text[:120].strip()
            raise InvalidResponseError(
                f"{self.method} {self.path} answered {self.status} with a body that is not JSON "
                f"({kind}, {len(self.content)} bytes, beginning {begin!r}). "
                "Check that base_url points at the API and not at a web page or a proxy.",
                status=self.status,
                response=self,
                history=self.history,
            ) from error

    def __getstate__(self) -> tuple[Any, ...]:
        return (
            self.status, self.headers, self.content, self.method, self.url, self.attempt, self.elapsed, self.history
        )  # fmt: skip

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        (
            self.status, self.headers, self.content, self.method, self.url, self.attempt, self.elapsed, self.history
        ) = state  # fmt: skip
        self.body = None

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.method} {self.path} attempt={self.attempt}>"


@attrs.frozen(eq=False, repr=False)
class Attempt:
    """An attempt that was followed by another.

    Attributes:
        number: From 1.
        response: What it brought, or None.
        error: Why it brought nothing, or None.
        delay: Seconds slept after it.
    """

    number: int
    response: Response | None
    error: APIConnectionError | None
    delay: float

    @property
    def status(self) -> int | None:
        """The HTTP status it brought, None when it brought nothing."""
        return self.response.status if self.response is not None else None

    def __repr__(self) -> str:
        brought = self.status if self.response is not None else repr(self.error)
        return f"<Attempt {self.number} {brought} delay={self.delay:.3g}>"
