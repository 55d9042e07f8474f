"""Removal of secrets, and of headers that differ in every run, from recorded exchanges."""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

from attrs import define, field

from simstudio.transport.secret_fields import redact_fields
from simstudio.transport.secret_names import rule_of

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED = "REDACTED"
"""The replacement of secrets."""

SECRET_HEADERS = frozenset(
    {
        "api-key",
        "authorization",
        "proxy-authorization",
        "upload-token",
        "vectorvein-api-key",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-ca-key",
        "x-ca-signature",
        "x-goog-api-key",
    }
)
"""Headers whose values are replaced. The names stay, because it matters that they were sent."""

COOKIE_HEADERS = frozenset({"cookie", "set-cookie"})
"""Headers that are removed, because replayed cookies would end up in cookie jars."""

KEPT_REQUEST_HEADERS = frozenset(
    {
        "accept",
        "content-type",
        "idempotency-key",
        "range",
        "x-execution-id",
        "x-execution-mode",
        "x-run-id",
        "x-selected-outputs",
        "x-sim-via",
        "x-stream-response",
    }
)
"""Request headers that are kept. All others describe the client and its machine, not the request."""

CONNECTION_HEADERS = frozenset(
    {"alt-svc", "connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"}
)
"""Headers about a connection, which a replayed exchange does not have."""

NOISE_RESPONSE_HEADERS = CONNECTION_HEADERS | {
    "age",
    "cf-cache-status",
    "cf-ray",
    "content-security-policy",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "etag",
    "nel",
    "origin-agent-cluster",
    "permissions-policy",
    "referrer-policy",
    "refresh",
    "report-to",
    "server",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-powered-by",
    "x-xss-protection",
}
"""Response headers that clients do not read and that differ between two recordings of the same exchange."""

NOISE_RESPONSE_HEADER_PREFIXES = ("x-middleware-", "x-nextjs-", "x-vercel-")

# The look-behind excludes names of scripts in HTML pages, such as `apps_sim_22a3c379`.
_KEY = re.compile(r"sk-sim-[A-Za-z0-9_-]+|(?<![A-Za-z0-9_-])sim_[A-Za-z0-9_-]{6,}")

# Bounded: a long text without spaces, such as hexadecimal digits, would take a time that grows with its square.
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_EMAIL_INSTEAD = "redacted@example.com"

# Shorter credentials occur in tests ("test", "x"), and replacing them everywhere would destroy bodies.
_SHORTEST_LEARNED_SECRET = 8


def is_noise(name: str) -> bool:
    """Return whether a response header is left out of recordings.

    Example:
        >>> is_noise("Date"), is_noise("X-Nextjs-Cache"), is_noise("X-RateLimit-Limit")
        (True, True, False)
    """
    name = name.lower()
    return name in NOISE_RESPONSE_HEADERS or name.startswith(NOISE_RESPONSE_HEADER_PREFIXES)


def is_secret_header(name: str) -> bool:
    """Return whether the value of a header is a secret.

    Example:
        >>> is_secret_header("X-API-Key"), is_secret_header("X-Vault-Token"), is_secret_header("X-Run-Id")
        (True, True, False)
    """
    return name.lower() in SECRET_HEADERS or (name.lower() not in COOKIE_HEADERS and bool(rule_of(name)))


def redact_credentials(value: str) -> str:
    """Return the value of one of `SECRET_HEADERS` without its secret.

    Example:
        >>> redact_credentials("Bearer abc")
        'Bearer REDACTED'
    """
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {REDACTED}" if space and scheme.lower() in {"bearer", "basic"} else REDACTED


@define
class Scrubber:
    """Replaces secrets in texts and bytes by ``REDACTED``.

    Secrets are all texts that have the form of a Sim key, the texts in ``secrets``, the value of ``SIM_API_KEY``
    (unless ``environment`` is False), and credentials added by `learn`. If ``thorough``, also what stands below names
    such as ``apiKey``, ``tokens`` or ``password`` in JSON, in forms and in the query of a URL (numbers become 0, and
    what only counts tokens stays), signatures, ``key`` and ``code`` in URLs, keys of other services by their form, and
    e-mail addresses, which become ``redacted@example.com``.

    Example:
        >>> Scrubber(["hunter2"]).text('{"password": "hunter2", "key": "sk-sim-abc"}')
        '{"password": "REDACTED", "key": "REDACTED"}'
    """

    secrets: Iterable[str] = ()
    environment: bool = True
    thorough: bool = False
    _known: dict[str, None] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for secret in self.secrets:
            self._add(secret)
        if self.environment:
            self.learn(os.environ.get("SIM_API_KEY", ""))

    def learn(self, credentials: str) -> None:
        """Add the value of an authentication header to the secrets."""
        scheme, _, rest = credentials.partition(" ")
        secret = rest if scheme.lower() in {"bearer", "basic"} else credentials
        if scheme.lower() == "basic":
            with suppress(ValueError):
                self.learn(base64.b64decode(rest).decode().partition(":")[2])
        if len(secret) >= _SHORTEST_LEARNED_SECRET and secret != REDACTED:
            self._add(secret)

    def learn_cookies(self, cookies: str) -> None:
        """Add the values in ``name=value; name=value`` to the secrets."""
        for cookie in cookies.split(";"):
            self.learn(cookie.partition("=")[2].strip())

    def text(self, value: str) -> str:
        """Return a text with its secrets replaced."""
        if self.thorough:
            # What a server sent in one field comes back elsewhere, such as a token in the path of a URL.
            value = redact_fields(value, self._replace)
        for secret in tuple(self._known):
            value = value.replace(secret, REDACTED)
        value = _KEY.sub(REDACTED, value)
        has_address = self.thorough and ("@" in value or "%40" in value)
        return _EMAIL.sub(_EMAIL_INSTEAD, value) if has_address else value

    def data(self, value: bytes) -> bytes:
        """Return bytes with their secrets replaced."""
        # Every byte is a character of its own text, and comes back as it was.
        return self.text(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _replace(self, secret: str) -> str:
        if "\\" not in secret:
            self.learn(secret)
            self.learn(unquote(secret))
        return REDACTED

    def _add(self, secret: str) -> None:
        if not secret:
            return  # str.replace would find an empty text between any two characters
        # Quotes, slashes and characters beyond ASCII are escaped in JSON and in URLs.
        spellings = {
            secret,
            quote(secret, safe=""),
            quote(secret),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }
        self._known.update(dict.fromkeys(sorted(spellings)))
        # Longest first, because one secret may contain another.
        self._known = dict.fromkeys(sorted(self._known, key=lambda text: (-len(text), text)))
