"""The app key and secret, and the signature they make: HMAC-SHA256 over what is sent, anew for every attempt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simstudio.services.speedpix.errors import SpeedPixConfigurationError
from simstudio.services.speedpix.urls import hide_queries
from simstudio.transport.auth import ANONYMOUS, Anonymous, Credentials
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.endpoint import Endpoint
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.stack import Handler

SIGNED = "x-ca-signature-method"
"""The header by which a request asks to be signed. Uploads and downloads have none, wherever they go."""

METHOD = "HmacSHA256"

_PRINTABLE = re.compile(r"[!-~]+")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEADERS = ("x-ca-timestamp", "x-ca-key", "x-ca-nonce", SIGNED)
_OURS = (*_HEADERS, "x-ca-signature-headers", "x-ca-signature", "content-md5", "date")
_LONGEST_KEPT = 3
"""Letters: a key so short is no secret, and taking it out would only garble what errors say."""


class SpeedPixCredentials(Credentials):
    """The app key and the app secret, which shows nowhere.

    Args:
        app_key: Names the application; ``ANONYMOUS`` where nothing is ever signed (downloads).
        app_secret: Signs.

    Raises:
        SpeedPixConfigurationError: One of them cannot be used (the message does not show it).
    """

    __slots__ = ("_secret",)

    def __init__(self, app_key: str | Anonymous | Secret[Any] = ANONYMOUS, app_secret: str | Secret[Any] = "") -> None:
        key: Secret[Any] = Secret(app_key)
        self._secret: Secret[Any] = Secret(app_secret)
        del app_key, app_secret
        if not isinstance(key.reveal(), Anonymous):
            _check("app_key", key)
            _check("app_secret", self._secret)
            if not _PRINTABLE.fullmatch(key.reveal()):
                raise SpeedPixConfigurationError("app_key holds a space, or a character beyond ASCII.")
        self._key, self.pattern = key, None

    @property
    def secret(self) -> str:
        """The app secret."""
        secret: str = self._secret.reveal()
        return secret

    def redact(self, text: str) -> str:
        """A text without key and secret, and without the queries of addresses (which are keys to files)."""
        for word in (self.secret, self.key):
            if isinstance(word, str) and len(word) > _LONGEST_KEPT:
                text = text.replace(word, "***")
        return hide_queries(text)

    def redact_bytes(self, content: bytes) -> bytes:
        """A body without them."""
        for word in (self.secret, self.key):
            if isinstance(word, str) and len(word) > _LONGEST_KEPT:
                content = content.replace(word.encode(), b"***")
        return hide_queries(content.decode("latin-1")).encode("latin-1")


def _check(name: str, value: Secret[Any]) -> None:
    problem = _problem_of(value.reveal())
    if problem is not None:
        raise SpeedPixConfigurationError(f"{name} {problem}")


def _problem_of(value: object) -> str | None:
    if not isinstance(value, str):
        return f"must be a str, not {type(value).__name__}."
    if not value.strip():
        return "is empty."
    if value != value.strip() or not value.isprintable():
        return "begins or ends with a space or line break. Was it copied with it?"
    return None


def fresh_nonce() -> str:
    """A nonce that was never used before."""
    return str(uuid.uuid4())


class Signature:
    """Middleware: sign each attempt, as the last thing before it is sent.

    It stands below retry, so that no two attempts share a nonce, and below a user's own middleware, so that it signs
    what that has made of the request. Only requests to the configured origin that ask for it are signed.

    Args:
        credentials: Key and secret.
        endpoint: The configured base address.
        clock: Epoch seconds. The gateway bears about 15 minutes of difference.
        nonce: A new text at each call.
    """

    def __init__(
        self,
        credentials: SpeedPixCredentials,
        endpoint: Endpoint,
        *,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = fresh_nonce,
    ) -> None:
        self.credentials = credentials
        self.endpoint = endpoint
        self.clock = clock
        self.nonce = nonce

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Sign one attempt."""
        if SIGNED in request.headers:
            for name in _OURS:
                request.headers.pop(name, None)
            if self.endpoint.owns(request.url) and isinstance(self.credentials.key, str):
                self._sign(request)
        return (yield from call_next(request))

    def _sign(self, request: Request) -> None:
        headers, now = request.headers, self.clock()
        headers.put("date", format_date(now))
        headers.put("x-ca-key", str(self.credentials.key))
        headers.put("x-ca-timestamp", str(int(now * 1000)))
        headers.put("x-ca-nonce", self.nonce())
        headers.put(SIGNED, METHOD)
        headers.put("x-ca-signature-headers", ",".join(_HEADERS))
        if len(request.content):
            headers.put("content-md5", content_md5(request))
        headers.put("x-ca-signature", signature(self.credentials.secret, string_to_sign(request)))


def string_to_sign(request: Request) -> str:
    """The ten lines that are signed: exactly what the request says, so sign last."""
    headers = request.headers
    parts = urlsplit(request.url)
    return "\n".join([
        request.method.upper(),
        headers.get("accept", ""),
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        headers.get("date", ""),
        *(f"{name}:{headers[name]}" for name in sorted(_HEADERS)),
        f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/",
    ])  # fmt: skip


def signature(secret: str, text: str) -> str:
    """The signature of a text.

    Example:
        >>> signature("app-secret", "POST")[:8]
        'wRjgEvf0'
    """
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode("ascii")


def content_md5(request: Request) -> str:
    """The digest of the body that is sent."""
    content = request.content
    digest = hashlib.md5(usedforsecurity=False)
    for piece in (content,) if isinstance(content, bytes) else content:
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode("ascii")


def format_date(now: float) -> str:
    """A time as the gateway wants it, whatever the locale.

    Example:
        >>> format_date(1700000000.0)
        'Tue, 14 Nov 2023 22:13:20 GMT+00:00'
    """
    at = time.gmtime(now)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT+00:00"
