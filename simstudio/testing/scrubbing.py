"""What never belongs into a recorded exchange: keys, cookies, and headers that change with every run."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED = "REDACTED"
"""What a secret is replaced by."""

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key"})
"""Headers whose value is replaced; that they were sent is worth knowing."""

COOKIE_HEADERS = frozenset({"cookie", "set-cookie"})
"""Headers dropped altogether: a replayed cookie would only end up in a cookie jar."""

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
"""Request headers that say what was asked for; every other one says who asked, and from which machine."""

CONNECTION_HEADERS = frozenset(
    {"alt-svc", "connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"}
)
"""Headers about one connection: a replayed exchange has none."""

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
"""Response headers that no client looks at and that make two recordings of one exchange differ."""

NOISE_RESPONSE_HEADER_PREFIXES = ("x-middleware-", "x-nextjs-", "x-vercel-")

# `apps_sim_22a3c379` in the name of a page's script is no key, hence the look-behind.
_KEY = re.compile(r"sk-sim-[A-Za-z0-9_-]+|(?<![A-Za-z0-9_-])sim_[A-Za-z0-9_-]{6,}")
_KEY_IN_BYTES = re.compile(_KEY.pattern.encode())

# A shorter credential is a test's ("test", "x"): replacing it wherever it occurs would ruin bodies.
_SHORTEST_LEARNED_SECRET = 8


def is_noise(name: str) -> bool:
    """Whether the response header ``name`` is left out of recordings.

    Example:
        >>> is_noise("Date"), is_noise("X-Nextjs-Cache"), is_noise("X-RateLimit-Limit")
        (True, True, False)
    """
    name = name.lower()
    return name in NOISE_RESPONSE_HEADERS or name.startswith(NOISE_RESPONSE_HEADER_PREFIXES)


def redact_credentials(value: str) -> str:
    """Return ``value`` of a header of `SECRET_HEADERS` without its secret.

    Example:
        >>> redact_credentials("Bearer abc")
        'Bearer REDACTED'
    """
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {REDACTED}" if space and scheme.lower() in {"bearer", "basic"} else REDACTED


@define
class Scrubber:
    """Replaces secrets in texts and bytes by ``REDACTED``.

    What looks like a Sim key is always replaced; so is every one of ``secrets``, the value of ``SIM_API_KEY`` (unless
    ``environment`` is false), and every credential seen in a request (`learn`), as an answer may repeat it.

    Example:
        >>> Scrubber(["hunter2"]).text('{"password": "hunter2", "key": "sk-sim-abc"}')
        '{"password": "REDACTED", "key": "REDACTED"}'
    """

    secrets: Iterable[str] = ()
    environment: bool = True
    _known: dict[str, None] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for secret in self.secrets:
            self._add(secret)
        if self.environment:
            self.learn(os.environ.get("SIM_API_KEY", ""))

    def learn(self, credentials: str) -> None:
        """Treat the value of an authentication header as a secret from now on."""
        scheme, _, rest = credentials.partition(" ")
        secret = rest if scheme.lower() in {"bearer", "basic"} else credentials
        if len(secret) >= _SHORTEST_LEARNED_SECRET and secret != REDACTED:
            self._add(secret)

    def learn_cookies(self, cookies: str) -> None:
        """Treat the values in ``name=value; name=value`` as secrets from now on."""
        for cookie in cookies.split(";"):
            self.learn(cookie.partition("=")[2].strip())

    def text(self, value: str) -> str:
        """Return ``value`` without any secret."""
        for secret in tuple(self._known):
            value = value.replace(secret, REDACTED)
        return _KEY.sub(REDACTED, value)

    def data(self, value: bytes) -> bytes:
        """Return ``value`` without any secret."""
        for secret in tuple(self._known):
            value = value.replace(secret.encode(), REDACTED.encode())
        return _KEY_IN_BYTES.sub(REDACTED.encode(), value)

    def _add(self, secret: str) -> None:
        if not secret:
            return  # it would be found between any two characters
        # A secret with a quote, a slash or an umlaut in it looks different in JSON and in a URL.
        written = {
            secret,
            quote(secret, safe=""),
            quote(secret),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }
        self._known.update(dict.fromkeys(sorted(written)))
        # The longest first: one secret may contain another.
        self._known = dict.fromkeys(sorted(self._known, key=lambda text: (-len(text), text)))
