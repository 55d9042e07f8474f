"""Webhooks: verify the signature of a delivery from Sim, and read its event.

    from simstudio.webhooks import WebhookError, construct_event

    event = construct_event(raw_body, request.headers, secret)

Sim signs two kinds of deliveries in the same way:

* workflow notifications, with the headers ``sim-event``, ``sim-timestamp``, ``sim-delivery-id``, ``sim-signature``;
* the Webhook block, with ``X-Webhook-Timestamp``, ``X-Delivery-ID``, ``X-Webhook-Signature``.

A signature is ``t=<ms>,v1=<hex>``, where the hex is the HMAC-SHA256 of ``<ms>.<raw body>`` under the secret. Nothing
else is signed, so the time is read from the signature, and the type of the event from the body.

    WebhookError
    ├── MissingSignatureError     no signature header: the sender has no secret, or is not Sim
    ├── InvalidSignatureError     another secret, another body, or an unreadable signature
    ├── TimestampTooOldError      signed too long ago: replayed, or delayed
    ├── TimestampTooNewError      signed in the future: the clocks differ
    └── InvalidPayloadError       the payload is no raw body: neither bytes nor valid text

A receiver answers 400 to all of these. Every delivery with a valid signature and time becomes an event: a typed one if
it fits, else a :class:`GenericEvent` whose ``problem`` says what is wrong. A delivery may arrive more than once, each
time with a new id and time but the same ``event.data.execution_id``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NoReturn, Protocol, TypeAlias

from simstudio.core.conversion import find_unmet_requirements, structure
from simstudio.errors import ConfigurationError, InvalidInputError, SimStudioError
from simstudio.models.webhooks import (
    EXECUTION_COMPLETED,
    ExecutionCost,
    GenericEvent,
    NotifiedUsage,
    TokenCounts,
    WorkflowExecutionCompleted,
    WorkflowExecutionData,
)
from simstudio.transport.secret import Secret

__all__ = [
    "Event",
    "ExecutionCost",
    "Family",
    "GenericEvent",
    "InvalidPayloadError",
    "InvalidSignatureError",
    "MissingSignatureError",
    "NotifiedUsage",
    "TimestampTooNewError",
    "TimestampTooOldError",
    "TokenCounts",
    "WebhookError",
    "WorkflowExecutionCompleted",
    "WorkflowExecutionData",
    "construct_event",
    "construct_event_without_verification",
    "sign",
]

Event: TypeAlias = WorkflowExecutionCompleted | GenericEvent
Family: TypeAlias = Literal["sim", "webhook"]

_SIGNATURE_HEADERS = ("sim-signature", "x-webhook-signature")
_SIGNATURE = re.compile(r"t=([0-9]{1,15})((?:,v1=[0-9a-f]{64})+)")


class SupportsItems(Protocol):
    """Headers that are no ``Mapping`` but have ``items()``, such as Flask's."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return names and values."""
        ...


class WebhookError(SimStudioError):
    """A delivery that cannot be trusted: base of the errors of :func:`construct_event`."""


class MissingSignatureError(WebhookError):
    """The delivery has no signature header."""


class InvalidSignatureError(WebhookError):
    """The signature does not belong to this body and this secret, or cannot be read."""


class TimestampTooOldError(WebhookError):
    """The delivery was signed longer ago than the tolerance."""


class TimestampTooNewError(WebhookError):
    """The delivery was signed further in the future than the tolerance."""


class InvalidPayloadError(WebhookError):
    """The payload is neither bytes nor valid Unicode text."""


def construct_event(
    payload: bytes | str,
    headers: Mapping[str, str] | SupportsItems,
    secret: str,
    *,
    tolerance: float | None = 300.0,
    now: Callable[[], float] = time.time,
) -> Event:
    """Verify a delivery and read its event.

    Args:
        payload: The raw body. A body that a framework parsed and serialised again has another signature.
        headers: Headers of the delivery; names in any case.
        secret: The secret that Sim signs with.
        tolerance: Seconds by which the signed time may differ from now, in both directions; None does not check it.
        now: Returns epoch seconds.

    Returns:
        A :class:`WorkflowExecutionCompleted`, or a :class:`GenericEvent` for every other body, with a ``problem`` if it
        is not JSON or lacks what its type requires.

    Raises:
        MissingSignatureError: There is no signature header.
        InvalidSignatureError: The secret differs, the body was altered, or the signature cannot be read.
        TimestampTooOldError: The delivery was signed longer ago than the tolerance.
        TimestampTooNewError: The delivery was signed further in the future than the tolerance.
        InvalidPayloadError: The payload is neither bytes nor valid text.
        ConfigurationError: The secret is empty, the tolerance is no number of seconds, or the headers are not text.

    Example:
        >>> body = '{"order": 7}'
        >>> construct_event(body, sign(body, "whsec-test", family="webhook"), "whsec-test")["order"]
        7
    """
    given, received = Secret(secret), Secret(headers)
    del secret, headers
    key = _key(given)
    if tolerance is not None and not (_is_number(tolerance) and tolerance >= 0):
        raise ConfigurationError(f"tolerance must be seconds, 0 or more, or None to check no time, not {tolerance!r}.")
    body = _body(payload)
    timestamp, signatures = _signature(received)
    expected = Secret(_hmac(key, timestamp, body))
    if not any(hmac.compare_digest(expected.reveal(), signature) for signature in signatures.reveal()):
        raise InvalidSignatureError(
            "The signature is not that of this body and this secret. Either the secret is not the one that Sim signs "
            "with, or the body was altered on its way, or it is not the raw one: what was parsed and serialised again "
            "differs in spaces, escapes or order. Pass the body's bytes as they came."
        )
    if tolerance is not None:
        _check_time(int(timestamp), tolerance, now)
    return _event(body)


def construct_event_without_verification(payload: bytes | str) -> Event:
    """Read the event of a delivery without verifying it, for subscriptions without a secret and for tests.

    Anybody may have sent the delivery. The result is that of :func:`construct_event`.

    Raises:
        InvalidPayloadError: The payload is neither bytes nor valid text.

    Example:
        >>> construct_event_without_verification('{"order": 7}')
        GenericEvent(payload={'order': 7})
    """
    return _event(_body(payload))


def sign(
    payload: bytes | str, secret: str, *, timestamp_ms: int | None = None, family: Family = "sim"
) -> dict[str, str]:
    """Make the headers of a delivery, signed as Sim signs, for tests of a receiver.

    Args:
        payload: The body that will be sent.
        secret: The secret to sign with.
        timestamp_ms: Time of the signature in epoch milliseconds; by default now.
        family: ``sim`` for a workflow notification, ``webhook`` for a Webhook block.

    Returns:
        All headers that Sim sets, with a new delivery id.

    Raises:
        InvalidInputError: The time or the family is invalid.
        InvalidPayloadError: The payload is neither bytes nor valid text.
        ConfigurationError: The secret is empty.

    Example:
        >>> sign("{}", "whsec-test", timestamp_ms=1000)["sim-signature"][:16]
        't=1000,v1=403218'
    """
    from uuid import uuid4

    given = Secret(secret)
    del secret
    if timestamp_ms is None:
        timestamp_ms = int(time.time() * 1000)
    if type(timestamp_ms) is not int or not 0 <= timestamp_ms < 10**15:
        raise InvalidInputError(f"timestamp_ms must be whole milliseconds since 1970, not {timestamp_ms!r}.")
    if family not in ("sim", "webhook"):
        raise InvalidInputError(f"family must be 'sim' or 'webhook', not {family!r}.")
    timestamp = str(timestamp_ms)
    signature = f"t={timestamp},v1={_hmac(_key(given), timestamp, _body(payload))}"
    delivery = str(uuid4())
    if family == "webhook":
        return {
            "Content-Type": "application/json",
            "X-Webhook-Timestamp": timestamp,
            "X-Delivery-ID": delivery,
            "Idempotency-Key": delivery,
            "X-Webhook-Signature": signature,
        }
    return {
        "Content-Type": "application/json",
        "sim-event": EXECUTION_COMPLETED,
        "sim-timestamp": timestamp,
        "sim-delivery-id": f"delivery_{delivery}",
        "Idempotency-Key": f"delivery_{delivery}",
        "sim-signature": signature,
    }


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _key(secret: Secret[str]) -> Secret[bytes]:
    if not isinstance(secret.reveal(), str):
        raise ConfigurationError(f"The webhook secret must be text, not {type(secret.reveal()).__name__}.")
    if not secret.reveal().strip():
        raise ConfigurationError("The webhook secret is empty: anybody could sign with it. Pass the one set in Sim.")
    # A UnicodeEncodeError of strict encoding would hold the secret.
    key = Secret(secret.reveal().encode("utf-8", "replace"))
    if key.reveal().decode() != secret.reveal():
        raise ConfigurationError("The webhook secret is not valid Unicode text.")
    return key


def _body(payload: bytes | str) -> bytes:
    if isinstance(payload, str):
        try:
            return payload.encode()
        except UnicodeEncodeError:
            raise InvalidPayloadError("The payload is not valid Unicode text. Pass the body's raw bytes.") from None
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    raise InvalidPayloadError(
        f"The payload must be the raw body, bytes or text, not {type(payload).__name__}: "
        "only the bytes that came can be verified, not what was parsed from them."
    )


def _signature(headers: Secret[Any]) -> tuple[str, Secret[list[str]]]:
    """Return the signed time, as text, and the signatures of the first header that has any."""
    found = _find_signature(headers.reveal())
    if isinstance(found, SimStudioError):
        raise found
    return found


def _find_signature(headers: Any) -> tuple[str, Secret[list[str]]] | SimStudioError:
    """As :func:`_signature`, but errors are returned, so that their tracebacks hold no locals with signatures."""
    if not hasattr(headers, "items"):
        return ConfigurationError(f"headers must be a mapping of str to str, not {type(headers).__name__}.")
    found: dict[str, set[str]] = {}
    for name, value in headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            return ConfigurationError(f"headers must be a mapping of str to str; {name!r} is not such a header.")
        if value and name.lower() in _SIGNATURE_HEADERS:
            found.setdefault(name.lower(), set()).add(value)
    for name in _SIGNATURE_HEADERS:
        values = found.get(name)
        if values:
            read = _SIGNATURE.fullmatch(values.pop())
            if read is None or values:
                problem = "came more than once" if values else "does not read t=<milliseconds>,v1=<64 lower-case hex>"
                return InvalidSignatureError(f"The header {name} {problem}.")
            return read[1], Secret([entry.removeprefix("v1=") for entry in read[2].split(",")[1:]])
    return MissingSignatureError(
        "The delivery has no signature (sim-signature or X-Webhook-Signature). Sim signs only where a secret is set: "
        "set one on the notification or the Webhook block, and see that no proxy drops the header."
    )


def _hmac(key: Secret[bytes], timestamp: str, body: bytes) -> str:
    return hmac.new(key.reveal(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _check_time(timestamp: int, tolerance: float, now: Callable[[], float]) -> None:
    age = (round(now() * 1000) - timestamp) / 1000  # whole milliseconds, so that the tolerance itself is exact
    if age > tolerance:
        raise TimestampTooOldError(
            f"The delivery was signed {age:.3f} s ago, and {tolerance:g} s are tolerated: it is a repetition of an "
            "earlier one, or was held up, or this machine's clock is fast."
        )
    if -age > tolerance:
        raise TimestampTooNewError(
            f"The delivery was signed {-age:.3f} s in the future, and {tolerance:g} s are tolerated: "
            "this machine's clock is slow, or the sender's fast."
        )


def _event(body: bytes) -> Event:
    try:
        data = json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        return GenericEvent(body, f"The body is not JSON: {error}.")
    if not isinstance(data, dict) or data.get("type") != EXECUTION_COMPLETED:
        return GenericEvent(data)
    event = structure(data, WorkflowExecutionCompleted)
    unmet = find_unmet_requirements(event)
    if unmet:
        return GenericEvent(data, f"The body says it is a {EXECUTION_COMPLETED}, but {'; '.join(unmet)}.")
    return event


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it has {name}")
