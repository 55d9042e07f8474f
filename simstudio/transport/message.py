"""Requests, responses and headers, independent of the HTTP library that sends them."""

from __future__ import annotations

import json
import string
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeVar, overload
from urllib.parse import urlsplit

import attr  # the library of attrs, without the six modules that only rename it

from simstudio.transport.deadline import Budget
from simstudio.transport.errors import APIConnectionError, InvalidInputError, InvalidResponseError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from typing import TypeAlias

D = TypeVar("D")
Resend: TypeAlias = Literal["read", "never", "claimed"]
"""Rule for sending a request again after a failure. ``read``: always, because it changes nothing. ``never``: only if it
was certainly not sent, or was refused before anything ran. ``claimed``: always, because it carries a *claim*, an id
under which the server runs it at most once."""

SHOWN_HEADERS = frozenset({
    "accept", "accept-encoding", "cache-control", "content-encoding", "content-length", "content-type", "date",
    "retry-after", "server", "transfer-encoding", "user-agent", "x-ratelimit-limit", "x-ratelimit-remaining",
    "x-ratelimit-reset", "x-request-id",
})  # fmt: skip
"""Headers whose values may be printed or logged. Values of all others (keys, cookies, signatures, a user's own headers)
are shown as ``***``."""

MAX_EVENT_SIZE: Final = 64 * 1024 * 1024
"""Default for the largest event of a stream, in bytes."""

_TOKEN = frozenset("!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters)
_JSON_BEGINS = (b"{", b"[")  # a body that begins so is UTF-8, and json need not detect its encoding
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-vercel-id", "cf-ray")


class Headers(MutableMapping[str, str]):
    """HTTP headers: mutable, case-insensitive, ordered. Repeated headers are joined by commas.

    Setting a name or a value that cannot be sent (control characters, line breaks, characters beyond ASCII) raises
    :class:`~simstudio.errors.InvalidInputError`, whose message never shows the value.

    Example:
        >>> Headers({"Retry-After": "5"})["retry-after"]
        '5'
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] | None = None) -> None:
        self._items: dict[str, tuple[str, str]] = {}
        if items is None:
            return
        if isinstance(items, Mapping):
            given = Secret(items)
            del items  # it may hold a token
            self.update(given.reveal())
        else:
            for name, value in items:
                before = self.get(name) if isinstance(name, str) else None
                self[name] = f"{before}, {value}" if before is not None and isinstance(value, str) else value

    @classmethod
    def decode(cls, pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Decode the headers of a response as Latin-1, unchecked."""
        headers = cls()
        items = headers._items
        for raw_name, raw_value in pairs:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            key = name.lower()
            items[key] = (items[key][0], f"{items[key][1]}, {value}") if key in items else (name, value)
        return headers

    def copy(self) -> Headers:
        """Return an independent copy."""
        headers = Headers()
        headers._items = self._items.copy()
        return headers

    __copy__ = copy

    def put(self, name: str, value: str) -> None:
        """Set a header without checking that it can be sent."""
        self._items[name.lower()] = (name, value)

    def has_any(self, names: frozenset[str]) -> bool:
        """Return whether one of these names (in lower case) is present."""
        return not names.isdisjoint(self._items)

    def without_framing(self) -> Headers:
        """Return the headers without ``Content-Length`` and ``Transfer-Encoding``, which a wire sets.

        A user or a middleware may have set them. The same object is returned if neither is there.
        """
        if not self.has_any(_FRAMING):
            return self
        rest = self.copy()
        for name in _FRAMING:
            rest.pop(name, None)
        return rest

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Return the pairs of names, in their first spelling, and values."""
        return self._items.values()

    def mask(self, more: Collection[str] = ()) -> dict[str, str]:
        """Return the headers with ``***`` for each value that may not be printed or logged.

        Args:
            more: Names in lower case whose values may be shown, in addition to :data:`SHOWN_HEADERS`.
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
        """Return the value of a header, or the default."""
        item = self._items.get(name.lower())
        return default if item is None else item[1]

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        problem = _problem_of(name, value)
        if problem is not None:
            del value  # it may be a token
            raise InvalidInputError(problem)
        self._items[name.lower()] = (name, value.strip(" \t"))  # RFC 9110, 5.5: blanks around a value are no part of it

    def __delitem__(self, name: str) -> None:
        del self._items[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({self.mask()!r})"


def _problem_of(name: object, value: object) -> str | None:
    """Reason for which a header cannot be sent; None if it can."""
    if not (isinstance(name, str) and name and _TOKEN.issuperset(name)):
        return f"{name!r} is not a header name: use ASCII letters, digits and dashes."
    if not (isinstance(value, str) and value.isascii() and value.replace("\t", " ").isprintable()):
        return f"The value of the header {name!r} cannot be sent: use a str of printable ASCII, without line breaks."
    return None


class Content(Protocol):
    """A request body, such as a file, that is read while it is sent. Each attempt reads it from its start.

    Attributes:
        size: Size in bytes.
    """

    size: int

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Body(Protocol):
    """The unread rest of a streamed response; methods that begin with ``a`` are awaited."""

    def piece(self) -> bytes | None:
        """Return the next piece as it arrives; None at the end."""
        ...

    async def apiece(self) -> bytes | None:
        """Return the next piece as it arrives; None at the end."""
        ...

    def await_event(self) -> None:
        """Let the pieces until the next call share one idle time, so that comments do not extend it."""
        ...

    def read(self) -> None:
        """Read the rest into the ``content`` of the response, and close."""
        ...

    async def aread(self) -> None:
        """Read the rest into the ``content`` of the response, and close."""
        ...

    def drain(self) -> None:
        """Read to the end if it arrives at once, so that the connection can be used again; then close."""
        ...

    async def adrain(self) -> None:
        """Read to the end if it arrives at once, so that the connection can be used again; then close."""
        ...

    def close(self) -> None:
        """Return the connection to its pool after the end of the body, or close it before."""
        ...

    async def aclose(self) -> None:
        """Return the connection to its pool after the end of the body, else close it; shielded from cancellation."""
        ...


class Claim:
    """An id under which the server runs a request at most once.

    Args:
        header: Name of the header that carries the id.
        id: Id of the latest attempt.
        spent_by: Whether a response shows that the id is used up although nothing ran under it.
        mint: Makes another id; None if the caller chose the id, which is never replaced.
    """

    __slots__ = ("header", "id", "mint", "spent_by")

    def __init__(
        self, header: str, id: str, spent_by: Callable[[Response], bool], mint: Callable[[], str] | None = None
    ) -> None:
        self.header = header
        self.id = id
        self.spent_by = spent_by
        self.mint = mint

    def renew(self, request: Request) -> bool:
        """Give a request a new id after a response that used the id up; return False if the id must stay."""
        if self.mint is None:
            return False
        self.id = self.mint()
        request.headers.put(self.header, self.id)
        return True


@attr.define(eq=False, repr=False)
class Request:
    """An HTTP request, as middleware receives it.

    Attributes:
        method: HTTP verb in upper case.
        url: Complete address, with its query.
        content: Body; empty bytes for none. A :class:`Content` is read while it is sent.
        resend: Rule for sending the request again; see :data:`Resend`.
        refused: Whether the request may be sent again after a response whose status the policy names: of a ``never``
            request only if nothing ran, of a ``claimed`` one if the status is not part of what the run sent. By default
            never, or after each such status.
        streamed: Whether to leave the body of a 2xx response unread, as ``response.body``.
        budget: Time limit of the call; None for no limit.
        max_retries: Retries after the first attempt; None for those of the retry policy.
        attempt: Number of this attempt, from 1.
        observers: Functions that the retry middleware calls with the response of each attempt.
        claim: Id under which the server may run the request at most once, if a refusal may use it up. Copies of the
            request share it. Only ``claimed`` says that this server does.
        confidential: Whether no body of the exchange may be logged: the call has a secret argument.
    """

    method: str
    url: str
    headers: Headers = attr.field(factory=Headers)
    content: bytes | Content = b""
    resend: Resend = "never"
    refused: Callable[[Response], bool] | None = None
    streamed: bool = False
    budget: Budget | None = None
    max_retries: int | None = None
    attempt: int = 1
    observers: tuple[Callable[[Response], None], ...] = ()
    claim: Claim | None = None
    anonymous: bool = False
    confidential: bool = False
    template: str = ""

    def copy(self) -> Request:
        """Return a copy with its own headers."""
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
            self.anonymous,
            self.confidential,
            self.template,
        )

    @property
    def path(self) -> str:
        """The path of the address, without the query."""
        return urlsplit(self.url).path

    def json(self) -> Any:
        """Return the body as JSON data; None if it is empty or an upload."""
        return json.loads(self.content) if isinstance(self.content, bytes) and self.content else None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path} attempt={self.attempt}>"


@attr.define(eq=False, repr=False)
class Response:
    """An HTTP response. Of its request it holds only method and address, so it can be kept and pickled.

    Attributes:
        status: HTTP status.
        content: Body; empty while ``body`` is unread.
        method: HTTP verb of the request.
        url: Address of the request.
        attempt: Number of the attempt, from 1.
        elapsed: Seconds from sending to the whole response, or to the headers of a stream.
        history: Earlier attempts of the same call, oldest first.
        body: Unread rest of a stream, else None.
    """

    status: int
    headers: Headers = attr.field(factory=Headers)
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
        """The path of the request, without the query."""
        return urlsplit(self.url).path

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.content.decode("utf-8", "replace")

    @property
    def request_id(self) -> str | None:
        """Request id that the server or its proxy sent; None if it sent none."""
        return next((self.headers[name] for name in _REQUEST_ID_HEADERS if name in self.headers), None)

    def json(self) -> Any:
        """Return the body as JSON data.

        Raises:
            InvalidResponseError: The body is not JSON (HTML of a proxy, truncated, or not UTF-8), or is JSON that
                Python does not read.
        """
        try:
            return json.loads(self.content.decode() if self.content[:1] in _JSON_BEGINS else self.content)
        except (ValueError, RecursionError) as error:
            raise json_error(self, error) from error

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


def json_error(response: Response, error: Exception) -> InvalidResponseError:
    """Return the error for a body that ``json.loads`` does not read."""
    reason = unread_json_reason(error, response.content)
    if reason is not None:
        problem = f"JSON that Python does not read: {reason}. The body is in error.response.content."
    else:
        kind = response.headers.get("content-type", "no content type")
        begin = response.text[:120].strip()
        problem = (
            f"a body that is not JSON ({kind}, {len(response.content)} bytes, beginning {begin!r}). "
            "Check that base_url points at the API and not at a web page or a proxy."
        )
    made = InvalidResponseError(
        f"{response.method} {response.path} answered {response.status} with {problem}",
        status=response.status,
        response=response,
        history=response.history,
    )
    made.lasting = reason is not None
    return made


def unread_json_reason(error: Exception, text: str | bytes) -> str | None:
    """Return why ``json.loads`` does not read a text that is JSON; None for an error about a text that is no JSON.

    Python limits the digits of an integer (``sys.set_int_max_str_digits``) and the depth of nesting. A text that nests
    too deeply and does not end with a closing bracket was cut off.
    """
    if isinstance(error, RecursionError):
        return "it nests too deeply" if text.rstrip()[-1:] in ("]", "}", b"]", b"}") else None
    if "integer string conversion" in str(error):
        return f"it has an integer that is too long ({error})"
    return None


class Attempt(NamedTuple):
    """An attempt after which the request was sent again.

    Attributes:
        number: Number of the attempt, from 1.
        response: The response; None if none arrived.
        error: The error if no response arrived, else None.
        delay: Seconds of the pause after it.
    """

    number: int
    response: Response | None
    error: APIConnectionError | None
    delay: float

    @property
    def status(self) -> int | None:
        """HTTP status of the response; None if none arrived."""
        return self.response.status if self.response is not None else None

    def __repr__(self) -> str:
        outcome = self.status if self.response is not None else repr(self.error)
        return f"<Attempt {self.number} {outcome} delay={self.delay:.3g}>"
