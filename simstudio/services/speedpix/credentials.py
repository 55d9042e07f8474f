"""The app key and secret, and the HMAC-SHA256 signature that they make of each attempt."""

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
"""Header that marks a request to be signed. Uploads and downloads do not have it."""

METHOD = "HmacSHA256"

_PRINTABLE = re.compile(r"[!-~]+")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEADERS = ("x-ca-timestamp", "x-ca-key", "x-ca-nonce", SIGNED)
_OURS = (*_HEADERS, "x-ca-signature-headers", "x-ca-signature", "content-md5", "date")
_LONGEST_KEPT = 3
"""Characters. Keys up to this length are not redacted, because they occur in many words."""


class SpeedPixCredentials(Credentials):
    """The app key and the app secret. No repr shows them.

    Args:
        app_key: App key; ``ANONYMOUS`` if nothing is signed (downloads).

    Raises:
        SpeedPixConfigurationError: The key or the secret cannot be used; the message does not show it.
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
        """Return a text without key, secret and the queries of URLs, which give access to files."""
        for word in (self.secret, self.key):
            if isinstance(word, str) and len(word) > _LONGEST_KEPT:
                text = text.replace(word, "***")
        return hide_queries(text)

    def redact_bytes(self, content: bytes) -> bytes:
        """Return a body without key, secret and the queries of URLs."""
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
    """Make a nonce."""
    return str(uuid.uuid4())


class Signature:
    """Middleware that signs each attempt just before it is sent.

    It is below the retries, so that no two attempts share a nonce, and below the user's middleware, which may change
    the request. Only requests to the configured origin that have the header :data:`SIGNED` are signed.

    Args:
        credentials: Key and secret.
        endpoint: The base address.
        clock: Returns epoch seconds. The gateway tolerates a difference of about 15 minutes.
        nonce: Returns a new text for each signature.
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
    """The ten lines of a request that are signed. They depend on all its headers, so signing comes last."""
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
    """Sign a text.

    Example:
        >>> signature("app-secret", "POST")[:8]
        'wRjgEvf0'
    """
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode("ascii")


def content_md5(request: Request) -> str:
    """The MD5 digest of the request body, as base64."""
    content = request.content
    digest = hashlib.md5(usedforsecurity=False)
    for piece in (content,) if isinstance(content, bytes) else content:
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode("ascii")


def format_date(now: float) -> str:
    """Format a time for the gateway, in English whatever the locale.

    Example:
        >>> format_date(1700000000.0)
        'Tue, 14 Nov 2023 22:13:20 GMT+00:00'
    """
    at = time.gmtime(now)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT+00:00"
