"""The gateway of a SpeedPix sandbox, which checks signatures. It shares no code with the client."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from simstudio.sandbox.http import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


CLOCK_SKEW = 15 * 60.0
"""Seconds by which the clock of a client may differ."""

_SIGNED = ("x-ca-key", "x-ca-nonce", "x-ca-signature-method", "x-ca-timestamp")
_NEEDED = (*_SIGNED, "date", "x-ca-signature", "accept", "content-type")


class Gateway:
    """Refuses requests without a correct signature.

    Args:
        app_key: The only key that it accepts.
        app_secret: Secret of that key.
        clock: Returns epoch seconds.
    """

    def __init__(self, app_key: str, app_secret: str, clock: Callable[[], float]) -> None:
        self._key = app_key
        self._secret = app_secret
        self._clock = clock
        self._nonces: set[str] = set()
        self._refused = 0

    def check(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """Check a request. Return the refusal, or None if the signature is correct.

        Args:
            method: HTTP verb.
            target: Path and query as they were sent.
            headers: Headers by lower-case name.
            body: Body as it was sent.
        """
        problem = self._problem(method, target, headers, body)
        if problem is None:
            self._nonces.add(headers["x-ca-nonce"])
            return None
        self._refused += 1
        told = (
            ("x-ca-request-id", f"sandbox-{self._refused}"),
            ("x-ca-error-code", "A403IS"),
            ("x-ca-error-message", problem),
        )
        return Reply(403, b"", told)

    def _problem(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str | None:
        missing = [name for name in _NEEDED if not headers.get(name)]
        if missing:
            return f"Missing header {missing[0]}"
        if headers["x-ca-key"] != self._key:
            return "Invalid AppKey"
        digest = headers.get("content-md5", "")
        if body and digest != base64.b64encode(hashlib.md5(body).digest()).decode():  # noqa: S324
            return "Invalid Content-MD5"
        text = string_to_sign(method, target, headers)
        wanted = base64.b64encode(hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(wanted.encode(), headers["x-ca-signature"].encode()):
            return f"Invalid Signature, Server StringToSign:`{text.replace(chr(10), '#')}`"
        if not headers["x-ca-timestamp"].isdigit():
            return "Invalid Timestamp"
        if abs(int(headers["x-ca-timestamp"]) / 1000 - self._clock()) > CLOCK_SKEW:
            return "Timestamp Expired"
        if headers["x-ca-nonce"] in self._nonces:
            return "Nonce Used"
        return None


def string_to_sign(method: str, target: str, headers: Mapping[str, str]) -> str:
    """The ten lines of a request that are signed.

    Args:
        method: HTTP verb.
        target: Path and query as they were sent.
        headers: Headers by lower-case name.
    """
    first = [method.upper(), *(headers.get(name, "") for name in ("accept", "content-md5", "content-type", "date"))]
    return "\n".join([*first, *(f"{name}:{headers.get(name, '')}" for name in _SIGNED), target])
