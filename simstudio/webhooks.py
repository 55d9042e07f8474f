"""Webhooks: verify the signature of a delivery from Sim, and read its event.

    from simstudio.webhooks import WebhookError, construct_event

    event = construct_event(raw_body, request.headers, secret)

Sim signs three families of deliveries, each in a header of its own:

* ``sim``: workflow notifications, of servers before July 2026. Header ``sim-signature``, time in milliseconds.
* ``webhook``: Webhook blocks. Header ``X-Webhook-Signature``, time in milliseconds.
* ``drain``: data drains, which deliver rows of logs as NDJSON. Header ``X-Sim-Signature``, or another that the drain
  was given (pass it as ``signature_header``), time in seconds.

A signature is ``t=<time>,v1=<hex>``, where the hex is the HMAC-SHA256 of ``<time>.<raw body>`` under the secret.
Nothing else is signed, so the type of the event is read from the body. The ids in other headers (``Idempotency-Key``,
``sim-delivery-id``, ``X-Delivery-ID``, ``X-Sim-Run-Id``) can be forged, and most are new in each attempt. Recognise
repeated deliveries by an id in the body:

* of a notification, ``event.data.execution_id``;
* of a data drain, the ``id`` of each row, because a row may be delivered again among other rows;
* of a Webhook block, which Sim sends only once, an id that its author puts into the payload.

The errors of :func:`construct_event`::

    WebhookError
    ├── MissingSignatureError     no signature header: the sender has no secret, or is not Sim
    ├── InvalidSignatureError     another secret, another body, or an unreadable signature
    ├── TimestampTooOldError      signed too long ago: replayed, or delayed
    ├── TimestampTooNewError      signed in the future: the clocks differ
    └── InvalidPayloadError       the payload is no raw body: neither bytes nor valid text

A receiver answers 400 to all of these. Every delivery with a valid signature and time becomes an event: a typed one if
it fits, else a :class:`GenericEvent` whose ``problem`` says what is wrong. Only within
:func:`simstudio.testing.strict_models`, which is for tests, a delivery that deviates from its type is an
:class:`~simstudio.InvalidResponseError`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar, get_args

from simstudio.core.conversion import find_unmet_requirements, structure
from simstudio.core.received_headers import ReceivedHeaders, canonical_name, find_values
from simstudio.errors import ConfigurationError, InvalidInputError, SimStudioError
from simstudio.models.webhooks import (
    EXECUTION_COMPLETED,
    DataDrainDelivery,
    DeliveredModel,
    ExecutionCost,
    GenericEvent,
    NotifiedUsage,
    TokenCounts,
    WorkflowExecutionCompleted,
    WorkflowExecutionData,
)
from simstudio.transport.message import unread_json_reason
from simstudio.transport.secret import Secret

__all__ = [
    "DataDrainDelivery",
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

Event: TypeAlias = WorkflowExecutionCompleted | DataDrainDelivery | GenericEvent
Family: TypeAlias = Literal["sim", "webhook", "drain"]

SIGNATURE_HEADERS: Mapping[Family, str] = {
    "sim": "sim-signature",
    "webhook": "X-Webhook-Signature",
    "drain": "X-Sim-Signature",
}
_MILLISECONDS: Mapping[Family, int] = {"sim": 1, "webhook": 1, "drain": 1000}
"""Milliseconds in the unit of a family's time."""
_SIGNATURE = re.compile(r"t=([0-9]{1,15})((?:,v1=[0-9a-f]{64})+)")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


E = TypeVar("E", bound=DeliveredModel)


class _Signature(NamedTuple):
    """The content of a signature header."""

    family: Family
    time: str
    values: Secret[list[str]]


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
    headers: ReceivedHeaders,
    secret: str,
    *,
    tolerance: float | None = 300.0,
    now: Callable[[], float] = time.time,
    signature_header: str | None = None,
) -> Event:
    """Verify a delivery and read its event.

    Args:
        payload: The raw body. A body that a framework parsed and serialised again has another signature.
        headers: Headers of the delivery as the framework keeps them: a mapping with names in any case, such as
            ``request.headers`` or Django's ``request.META``, or pairs, such as ASGI's ``scope["headers"]``. A value may
            be a list. The ids in headers are not signed: see the module for the ids by which repeated deliveries are
            recognised.
        secret: The secret that Sim signs with.
        tolerance: Seconds by which the signed time may differ from now, in both directions; None does not check it.
        now: Returns epoch seconds.
        signature_header: Name of the header in which a data drain sends its signature, if it has a name of its own
            instead of ``X-Sim-Signature``.

    Returns:
        A :class:`WorkflowExecutionCompleted`, a :class:`DataDrainDelivery`, or a :class:`GenericEvent` for every other
        body, with a ``problem`` if it is not JSON or lacks what its type requires.

    Raises:
        MissingSignatureError: There is no signature header.
        InvalidSignatureError: The secret differs, the body was altered, or the signature cannot be read.
        TimestampTooOldError: The delivery was signed longer ago than the tolerance.
        TimestampTooNewError: The delivery was signed further in the future than the tolerance.
        InvalidPayloadError: The payload is neither bytes nor valid text.
        ConfigurationError: The secret is empty, the tolerance is no number of seconds, the headers are in an unknown
            form, or ``signature_header`` is no header name.

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
    _check_header(signature_header)
    body = _body(payload)
    signature = _signature(received, _families(signature_header))
    expected = Secret(_hmac(key, signature.time, body))
    if not any(hmac.compare_digest(expected.reveal(), value) for value in signature.values.reveal()):
        if key.reveal().strip() != key.reveal():
            raise InvalidSignatureError(
                "The signature is not that of this body and this secret, which begins or ends with white space. "
                "Was it copied with its line end?"
            )
        raise InvalidSignatureError(
            "The signature is not that of this body and this secret. Either the secret is not the one that Sim signs "
            "with, or the body was altered on its way, or it is not the raw one: what was parsed and serialised again "
            "differs in spaces, escapes or order. Pass the body's bytes as they came."
        )
    if tolerance is not None:
        _check_time(int(signature.time) * _MILLISECONDS[signature.family], tolerance, now)
    return _event(body, signature.family)


def construct_event_without_verification(payload: bytes | str, *, family: Family = "sim") -> Event:
    """Read the event of a delivery without verifying it, for subscriptions without a secret and for tests.

    Anybody may have sent the delivery. The result is that of :func:`construct_event`.

    Args:
        payload: The raw body.
        family: ``drain`` for the rows of a data drain; the bodies of the other two families are read alike.

    Raises:
        InvalidInputError: The family is invalid.
        InvalidPayloadError: The payload is neither bytes nor valid text.

    Example:
        >>> construct_event_without_verification('{"order": 7}')
        GenericEvent(payload={'order': 7})
    """
    _check_family(family)
    return _event(_body(payload), family)


def sign(
    payload: bytes | str,
    secret: str,
    *,
    timestamp_ms: int | None = None,
    family: Family = "sim",
    signature_header: str | None = None,
) -> dict[str, str]:
    """Make the headers of a delivery, signed as Sim signs, for tests of a receiver.

    Args:
        payload: The body that will be sent.
        secret: The secret to sign with.
        timestamp_ms: Time of the signature in epoch milliseconds, of which a data drain signs the whole seconds; by
            default now.
        family: ``sim`` for a workflow notification, ``webhook`` for a Webhook block, ``drain`` for a data drain.
        signature_header: Name of the signature header of a data drain, if it is not ``X-Sim-Signature``.

    Returns:
        All headers that Sim sets, with new ids.

    Raises:
        InvalidInputError: The time or the family is invalid, or another family than ``drain`` has a
            ``signature_header``.
        InvalidPayloadError: The payload is neither bytes nor valid text.
        ConfigurationError: The secret is empty, or ``signature_header`` is no header name.

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
    _check_family(family)
    if signature_header is not None and family != "drain":
        raise InvalidInputError(f"signature_header is for the family 'drain', not for {family!r}.")
    _check_header(signature_header)
    timestamp = str(timestamp_ms // _MILLISECONDS[family])
    body = _body(payload)
    signed = {signature_header or SIGNATURE_HEADERS[family]: f"t={timestamp},v1={_hmac(_key(given), timestamp, body)}"}
    delivery = str(uuid4())
    if family == "drain":
        return {
            "Content-Type": "application/x-ndjson",
            "X-Sim-Timestamp": timestamp,
            "X-Sim-Signature-Version": "v1",
            "X-Sim-Drain-Id": str(uuid4()),
            "X-Sim-Run-Id": delivery,
            "X-Sim-Source": "workflow_logs",
            "X-Sim-Sequence": "0",
            "X-Sim-Row-Count": str(len(_lines(body))),
            "Idempotency-Key": f"{delivery}-0",
            **signed,
        }
    if family == "webhook":
        return {
            "Content-Type": "application/json",
            "X-Webhook-Timestamp": timestamp,
            "X-Delivery-ID": delivery,
            "Idempotency-Key": delivery,
            **signed,
        }
    return {
        "Content-Type": "application/json",
        "sim-event": EXECUTION_COMPLETED,
        "sim-timestamp": timestamp,
        "sim-delivery-id": f"delivery_{delivery}",
        "Idempotency-Key": f"delivery_{delivery}",
        **signed,
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


def _check_family(family: object) -> None:
    if family not in get_args(Family):
        raise InvalidInputError(f"family must be 'sim', 'webhook' or 'drain', not {family!r}.")


def _check_header(name: str | None) -> None:
    if name is not None and not (isinstance(name, str) and _HEADER_NAME.fullmatch(name)):
        raise ConfigurationError(f"signature_header must be the name of a header, not {name!r}.")


def _families(signature_header: str | None) -> Mapping[str, Family]:
    """The family of each signature header, by canonical name; a name that a data drain was given comes first."""
    found: dict[str, Family] = {} if signature_header is None else {canonical_name(signature_header): "drain"}
    for family, header in SIGNATURE_HEADERS.items():
        found.setdefault(canonical_name(header), family)
    return found


def _signature(headers: Secret[Any], families: Mapping[str, Family]) -> _Signature:
    """Return the content of the first signature header that the delivery has."""
    found = _find_signature(headers.reveal(), families)
    if isinstance(found, SimStudioError):
        raise found
    return found


def _find_signature(headers: Any, families: Mapping[str, Family]) -> _Signature | SimStudioError:
    """Find a signature, and return an error instead of raising it: its traceback would hold the signature."""
    found = find_values(headers, families)
    if isinstance(found, SimStudioError):
        return found
    for name, family in families.items():
        values = found.get(name)
        if values:
            read = _SIGNATURE.fullmatch(values.pop())
            if read is None or values:
                unit = "seconds" if family == "drain" else "milliseconds"
                problem = "came more than once" if values else f"does not read t=<{unit}>,v1=<64 lower-case hex>"
                return InvalidSignatureError(f"The header {name} {problem}.")
            return _Signature(family, read[1], Secret([entry.removeprefix("v1=") for entry in read[2].split(",")[1:]]))
    return MissingSignatureError(
        "The delivery has no signature (X-Sim-Signature, sim-signature or X-Webhook-Signature). Sim signs only where a "
        "secret is set: set one on the notification or the Webhook block, and see that no proxy drops the header. For "
        "a data drain whose signature header has another name, pass signature_header=."
    )


def _hmac(key: Secret[bytes], timestamp: str, body: bytes) -> str:
    return hmac.new(key.reveal(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _check_time(signed_ms: int, tolerance: float, now: Callable[[], float]) -> None:
    age = (round(now() * 1000) - signed_ms) / 1000  # whole milliseconds, so that the tolerance itself is exact
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


def _event(body: bytes, family: Family) -> Event:
    data: Any = []
    try:
        if family == "drain":
            for line in _lines(body):
                data.append(_json(line))
        else:
            data = _json(body)
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        name, place = ("NDJSON", f"in row {len(data) + 1}, ") if family == "drain" else ("JSON", "")
        reason = unread_json_reason(error, body)
        if reason is not None:
            return GenericEvent(body, f"The body is {name} that Python does not read: {place}{reason}.")
        return GenericEvent(body, f"The body is not {name}: {place}{error}.")
    if family == "drain":
        return _make_event({"rows": data}, DataDrainDelivery, data, "The body is that of a data drain")
    if isinstance(data, dict) and data.get("type") == EXECUTION_COMPLETED:
        return _make_event(data, WorkflowExecutionCompleted, data, f"The body says it is a {EXECUTION_COMPLETED}")
    return GenericEvent(data)


def _make_event(wire: dict[str, Any], kind: type[E], payload: Any, claim: str) -> E | GenericEvent:
    event = structure(wire, kind)
    unmet = find_unmet_requirements(event)
    return GenericEvent(payload, f"{claim}, but {'; '.join(unmet)}.") if unmet else event


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line.strip()]


def _json(text: bytes) -> Any:
    return json.loads(text.decode(), parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it has {name}")
