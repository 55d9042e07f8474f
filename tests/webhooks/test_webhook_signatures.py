from __future__ import annotations

import copy
import json
import math
import pickle
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from email.message import Message
from functools import partial
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from deliveries import (
    DRAIN_PROBE,
    FAILED_RUN,
    SECRET,
    TEST_BUTTON,
    UNSIGNED,
    WEBHOOK_BLOCK,
    WORKSPACE_EVENT,
    Delivery,
)
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict
from starlette.datastructures import Headers
from werkzeug.datastructures import EnvironHeaders

import simstudio.webhooks
from simstudio import ConfigurationError, InvalidInputError, SimStudioError
from simstudio.webhooks import (
    DataDrainDelivery,
    Family,
    GenericEvent,
    InvalidPayloadError,
    InvalidSignatureError,
    MissingSignatureError,
    TimestampTooNewError,
    TimestampTooOldError,
    WebhookError,
    WorkflowExecutionCompleted,
    construct_event,
    sign,
)

BODY = '{"order":7,"name":"Zoë"}'.encode()
T = 1_795_163_133_000
FAMILIES: tuple[Family, ...] = ("sim", "webhook", "drain")
HEADER = {"sim": "sim-signature", "webhook": "X-Webhook-Signature", "drain": "X-Sim-Signature"}

every_family = pytest.mark.parametrize("family", FAMILIES)
both_recorded = pytest.mark.parametrize("delivered", [TEST_BUTTON, FAILED_RUN], ids=["test button", "failed run"])


def at(milliseconds: int) -> Callable[[], float]:
    return lambda: milliseconds / 1000


def verified(body: bytes | str, headers: Any, secret: str = SECRET, **options: Any) -> Any:
    """What comes of a delivery that was signed at T, at T."""
    return construct_event(body, headers, secret, **{"now": at(T), **options})


def order_in(event: Any) -> Any:
    """The order number of BODY, whatever the family of its delivery."""
    return (event.rows[0] if isinstance(event, DataDrainDelivery) else event)["order"]


def signed(family: Family = "sim", body: bytes = BODY) -> dict[str, str]:
    return sign(body, SECRET, timestamp_ms=T, family=family)


# --- what verifies --------------------------------------------------------------------------------------------------


@both_recorded
def test_a_recorded_delivery_verifies(delivered: Delivery):
    event = construct_event(delivered.body, delivered.headers, SECRET, now=delivered.now)

    assert isinstance(event, WorkflowExecutionCompleted)
    assert event.to_dict() == json.loads(delivered.body)


@both_recorded
def test_signing_gives_the_signature_that_sim_gave(delivered: Delivery):
    made = sign(delivered.body, SECRET, timestamp_ms=int(delivered.headers["sim-timestamp"]))

    assert made["sim-signature"] == delivered.headers["sim-signature"]


@both_recorded
def test_signing_sets_the_headers_that_sim_sets(delivered: Delivery):
    of_the_connection = {"Connection", "Transfer-Encoding"}

    assert [*sign(delivered.body, SECRET)] == [name for name in delivered.headers if name not in of_the_connection]


@pytest.mark.parametrize("delivered", [WEBHOOK_BLOCK, WORKSPACE_EVENT], ids=["webhook block", "workspace event"])
def test_a_recorded_delivery_of_a_webhook_block_verifies(delivered: Delivery):
    assert delivered.secret is not None
    event = construct_event(delivered.body, delivered.headers, delivered.secret, now=delivered.now)

    assert event == GenericEvent(json.loads(delivered.body))


def test_a_recorded_delivery_of_a_data_drain_verifies_under_the_header_that_it_was_given():
    assert DRAIN_PROBE.secret is not None
    delivered = (DRAIN_PROBE.body, DRAIN_PROBE.headers, DRAIN_PROBE.secret)

    event = construct_event(*delivered, now=DRAIN_PROBE.now, signature_header="X-My-Sig")

    assert isinstance(event, DataDrainDelivery)
    assert event.is_probe
    with pytest.raises(MissingSignatureError, match="pass signature_header="):
        construct_event(*delivered, now=DRAIN_PROBE.now)


@every_family
def test_what_was_signed_verifies(family: Family):
    assert order_in(verified(BODY, signed(family))) == 7


@every_family
def test_what_was_signed_now_verifies_now(family: Family):
    assert order_in(construct_event(BODY, sign(BODY, SECRET, family=family), SECRET)) == 7


@every_family
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
def test_the_names_of_headers_are_read_in_any_case(family: Family, spelled: Callable[[str], str]):
    headers = {spelled(name): value for name, value in signed(family).items()}

    assert order_in(verified(BODY, headers)) == 7


def test_a_body_may_be_text():
    assert verified(BODY.decode(), signed())["name"] == "Zoë"


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_body_may_be_any_bytes(kind: Callable[[bytes], Any]):
    assert verified(kind(BODY), signed())["order"] == 7


def test_headers_need_only_have_items():
    class Headers:
        def items(self) -> Iterator[tuple[str, str]]:
            yield from signed().items()

    assert verified(BODY, Headers())["order"] == 7


@every_family
def test_only_the_signature_header_is_needed(family: Family):
    assert order_in(verified(BODY, {HEADER[family]: signed(family)[HEADER[family]]})) == 7


def test_headers_that_are_not_signed_decide_nothing():
    forged = {**signed(), "sim-timestamp": "1", "sim-event": "other"}

    assert verified(TEST_BUTTON.body, {**forged, **signed(body=TEST_BUTTON.body), "sim-event": "other"}).is_test
    assert verified(BODY, forged)["order"] == 7


@every_family
def test_any_of_several_signatures_may_match(family: Family):
    header = HEADER[family]
    time_, right = signed(family)[header].split(",")
    wrong = f"v1={'0' * 64}"

    for entries in ([right, wrong], [wrong, right], [wrong, right, wrong]):
        assert order_in(verified(BODY, {header: ",".join([time_, *entries])})) == 7


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.dictionaries(TEXT, TEXT), TEXT.filter(str.strip), st.integers(0, 10**15 - 1), st.sampled_from(FAMILIES))
def test_whatever_was_signed_verifies(payload: dict[str, str], secret: str, timestamp_ms: int, family: Family):
    body = json.dumps(payload, ensure_ascii=False)
    headers = sign(body, secret, timestamp_ms=timestamp_ms, family=family)

    event = construct_event(body.encode(), headers, secret, tolerance=None)

    assert event == (DataDrainDelivery([payload]) if family == "drain" else GenericEvent(payload))


# --- families ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", FAMILIES)
@every_family
def test_the_unit_of_the_time_follows_the_header_and_not_its_size(family: Family, signer: Family):
    headers = {HEADER[family]: signed(signer)[HEADER[signer]]}

    if (family == "drain") == (signer == "drain"):
        assert order_in(verified(BODY, headers)) == 7
    else:
        with pytest.raises(TimestampTooNewError if family == "drain" else TimestampTooOldError):
            verified(BODY, headers)


def test_a_name_that_a_drain_was_given_is_that_of_a_drain_whatever_it_is():
    for name in HEADER.values():
        headers = sign(BODY, SECRET, timestamp_ms=T, family="drain", signature_header=name)

        assert isinstance(verified(BODY, headers, signature_header=name.upper()), DataDrainDelivery)


@every_family
def test_a_receiver_of_a_drain_takes_the_other_families_as_well(family: Family):
    assert order_in(verified(BODY, signed(family), signature_header="X-My-Sig")) == 7


@every_family
@pytest.mark.parametrize("name", ["X-Not-{}", "{}-Old", "x{}", "HTTP-{}", "http_{}", "X_{}"])
def test_a_name_counts_as_a_whole_only(family: Family, name: str):
    headers = {name.format(HEADER[family]): signed(family)[HEADER[family]]}

    with pytest.raises(MissingSignatureError):
        verified(BODY, headers)


# --- headers as frameworks keep them --------------------------------------------------------------------------------


def environ(headers: dict[str, str]) -> dict[str, Any]:
    """The environ of WSGI, as wsgiref makes it and as Django's ``request.META`` is."""
    made: dict[str, Any] = {}
    setup_testing_defaults(made)
    return made | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def asgi(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def message(headers: dict[str, str]) -> Message:
    """The headers of ``http.server``."""
    made = Message()
    for name, value in headers.items():
        made[name] = value
    return made


SHAPES: dict[str, Callable[[dict[str, str]], Any]] = {
    "pairs": lambda headers: list(headers.items()),
    "an iterator of pairs": lambda headers: iter(headers.items()),
    "WSGI": environ,
    "Werkzeug": lambda headers: EnvironHeaders(environ(headers)),
    "ASGI": asgi,
    "Starlette": lambda headers: Headers(raw=asgi(headers)),
    "aiohttp": CIMultiDict,
    "http.server": message,
    "lists of values": lambda headers: {name: [value] for name, value in headers.items()},
    "bytes": lambda headers: dict(asgi(headers)),
}


@pytest.mark.parametrize("shape", SHAPES)
@every_family
def test_headers_are_read_in_the_shapes_in_which_frameworks_keep_them(family: Family, shape: str):
    assert order_in(verified(BODY, SHAPES[shape](signed(family)))) == 7


@pytest.mark.parametrize("shape", SHAPES)
def test_a_signature_header_of_a_drains_own_is_found_in_all_shapes(shape: str):
    headers = sign(BODY, SECRET, timestamp_ms=T, family="drain", signature_header="X-My-Sig")

    assert order_in(verified(BODY, SHAPES[shape](headers), signature_header="X-My-Sig")) == 7


@pytest.mark.parametrize("shape", ["pairs", "Starlette", "aiohttp", "http.server", "lists of values"])
def test_a_second_value_of_the_signature_is_not_chosen_from(shape: str):
    twice = [("sim-signature", value) for value in (signed()["sim-signature"], f"t={T},v1={'0' * 64}")]
    made: dict[str, Any] = {
        "pairs": twice,
        "Starlette": Headers(raw=[(name.encode(), value.encode()) for name, value in twice]),
        "aiohttp": CIMultiDict(twice),
        "lists of values": {"sim-signature": [value for _, value in twice]},
    }
    if shape == "http.server":
        made[shape] = Message()
        for name, value in twice:
            made[shape].add_header(name, value)

    with pytest.raises(InvalidSignatureError, match="more than once"):
        verified(BODY, made[shape])


# --- what is refused ------------------------------------------------------------------------------------------------


@given(st.data())
def test_any_altered_byte_of_the_body_is_refused(data: st.DataObject):
    delivered = data.draw(st.sampled_from([TEST_BUTTON, FAILED_RUN]))
    place = data.draw(st.integers(0, len(delivered.body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != delivered.body[place]))
    altered = delivered.body[:place] + bytes([byte]) + delivered.body[place + 1 :]

    with pytest.raises(InvalidSignatureError, match="altered"):
        construct_event(altered, delivered.headers, SECRET, now=delivered.now)


@given(st.data())
def test_any_altered_character_of_the_signature_is_refused(data: st.DataObject):
    header = data.draw(st.sampled_from(sorted(HEADER.values())))
    signature = FAILED_RUN.headers["sim-signature"]
    place = data.draw(st.integers(0, len(signature) - 1))
    character = data.draw((st.characters(max_codepoint=255) | st.characters()).filter(lambda c: c != signature[place]))
    altered = signature[:place] + character + signature[place + 1 :]

    with pytest.raises(InvalidSignatureError):
        construct_event(FAILED_RUN.body, {header: altered}, SECRET, now=FAILED_RUN.now, tolerance=None)


@given(st.binary(min_size=1, max_size=5), st.booleans())
def test_a_longer_body_is_refused(more: bytes, in_front: bool):
    with pytest.raises(InvalidSignatureError):
        verified(more + BODY if in_front else BODY + more, signed())


@given(st.text(max_size=100))
@example("t=1,v1=" + "é" * 64)
def test_no_other_text_passes_for_a_signature(text: str):
    with pytest.raises((MissingSignatureError, InvalidSignatureError)):
        verified(BODY, {"sim-signature": text}, tolerance=None)


@every_family
def test_a_wrong_secret_is_refused(family: Family):
    with pytest.raises(InvalidSignatureError, match="secret is not the one that Sim signs with"):
        verified(BODY, signed(family), "whsec-other")


@pytest.mark.parametrize("end", ["\n", "\r", " "])
def test_a_secret_that_was_copied_with_its_line_end_is_told_so(end: str) -> None:
    with pytest.raises(InvalidSignatureError, match="Was it copied with its line end"):
        construct_event("{}", sign("{}", "whsec-test"), f"whsec-test{end}")
    assert construct_event("{}", sign("{}", f"whsec-test{end}"), f"whsec-test{end}").to_dict() == {}


def test_a_body_that_was_serialised_again_is_refused():
    again = json.dumps(json.loads(FAILED_RUN.body)).encode()

    with pytest.raises(InvalidSignatureError, match=r"serialised again .* Pass the body's bytes as they came"):
        construct_event(again, FAILED_RUN.headers, SECRET, now=FAILED_RUN.now)


def test_a_body_that_was_parsed_is_refused():
    with pytest.raises(InvalidPayloadError, match="raw body, bytes or text, not dict"):
        verified(json.loads(BODY), signed())


def test_a_body_whose_text_no_bytes_have_is_refused():
    with pytest.raises(InvalidPayloadError, match="Unicode"):
        verified("\ud800", signed())


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"type": "workflow.execution.completed"}'])
def test_whatever_is_signed_rightly_and_in_time_is_delivered(body: bytes):
    event = verified(body, signed(body=body))

    assert isinstance(event, GenericEvent)
    assert event.problem


def test_a_recorded_delivery_of_a_subscription_without_a_secret_is_refused():
    with pytest.raises(MissingSignatureError, match=r"sim-signature or X-Webhook-Signature.*secret"):
        construct_event(UNSIGNED.body, UNSIGNED.headers, SECRET, now=UNSIGNED.now)


@every_family
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_a_delivery_without_the_signature_header_is_refused(family: Family, value: str | None):
    headers = {name: text for name, text in signed(family).items() if name != HEADER[family]}

    with pytest.raises(MissingSignatureError):
        verified(BODY, headers if value is None else {**headers, HEADER[family]: value})


HEX = signed()["sim-signature"].partition("v1=")[2]


@pytest.mark.parametrize(
    "signature",
    [
        HEX,
        f"v1={HEX}",
        f"t={T}",
        f"t={T},",
        f"t={T},v1=",
        f"t={T},v1={HEX},",
        f"t={T},v1={HEX[:-1]}",
        f"t={T},v1={HEX}0",
        f"t={T},v1={HEX.upper()}",
        f"t={T}, v1={HEX}",
        f" t={T},v1={HEX}",
        f"t={T},v1={HEX}\n",
        f"v1={HEX},t={T}",
        f"t={T},t={T},v1={HEX}",
        f"t={T},v1={HEX},v0={HEX}",
        f"t=+{T},v1={HEX}",
        f"t=-{T},v1={HEX}",
        f"t={T}.0,v1={HEX}",
        f"t=,v1={HEX}",
        f"t={'٣' * 13},v1={HEX}",
        f"t={'9' * 5000},v1={HEX}",
        f"t={T},v1={HEX},t={T},v1={HEX}",
    ],
)
@every_family
def test_a_signature_is_read_strictly(signature: str, family: Family):
    unit = "seconds" if family == "drain" else "milliseconds"
    with pytest.raises(InvalidSignatureError, match=rf"t=<{unit}>,v1=<64 lower-case hex>"):
        verified(BODY, {HEADER[family]: signature})


def test_leading_zeros_of_the_time_are_another_signature():
    with pytest.raises(InvalidSignatureError):
        verified(BODY, {"sim-signature": f"t=0{T},v1={HEX}"})


def test_two_different_signature_headers_are_refused():
    with pytest.raises(InvalidSignatureError, match="more than once"):
        verified(BODY, {"sim-signature": f"t={T},v1={HEX}", "Sim-Signature": f"t={T},v1={'0' * 64}"})


# --- time -----------------------------------------------------------------------------------------------------------


@every_family
@pytest.mark.parametrize("late", [300_001, 10**9])
def test_what_was_signed_too_long_ago_is_refused(family: Family, late: int):
    with pytest.raises(TimestampTooOldError, match=r"signed \d+\.\d{3} s ago, and 300 s are tolerated"):
        verified(BODY, signed(family), now=at(T + late))


@every_family
@pytest.mark.parametrize("early", [300_001, 10**9])
def test_what_was_signed_too_far_in_the_future_is_refused(family: Family, early: int):
    with pytest.raises(TimestampTooNewError, match=r"signed \d+\.\d{3} s in the future, and 300 s are tolerated"):
        verified(BODY, signed(family), now=at(T - early))


@pytest.mark.parametrize("difference", [-300_000, -1, 0, 1, 300_000])
def test_the_tolerance_counts_both_ways_to_the_millisecond(difference: int):
    assert verified(BODY, signed(), now=at(T + difference))["order"] == 7


@given(st.integers(10**12, 2 * 10**12), st.integers(0, 10**6))
@example(1073741530025, 300_000)  # seconds * 1000 is a little more here than the milliseconds
@example(1795163133189, 100)  # as is the difference of seconds here
def test_the_bound_of_the_tolerance_is_exact_at_all_times(signed_at: int, tolerated: int):
    headers = sign(BODY, SECRET, timestamp_ms=signed_at)

    for moment in (signed_at - tolerated, signed_at + tolerated):
        assert verified(BODY, headers, tolerance=tolerated / 1000, now=at(moment))["order"] == 7


@pytest.mark.parametrize(
    ("difference", "refusal"), [(10_001, TimestampTooOldError), (-10_001, TimestampTooNewError), (10_000, None)]
)
def test_the_tolerance_is_in_seconds(difference: int, refusal: type[WebhookError] | None):
    call = partial(verified, BODY, signed(), tolerance=10, now=at(T + difference))
    if refusal is None:
        assert call()["order"] == 7
    else:
        with pytest.raises(refusal):
            call()


@pytest.mark.parametrize("difference", [-(10**12), 10**12])
@pytest.mark.parametrize("tolerance", [None, math.inf])
def test_without_a_tolerance_no_time_is_refused(tolerance: float | None, difference: int):
    assert verified(BODY, signed(), tolerance=tolerance, now=at(T + difference))["order"] == 7


def test_without_a_tolerance_the_signature_still_counts():
    with pytest.raises(InvalidSignatureError):
        verified(BODY + b" ", signed(), tolerance=None)


def test_a_forged_delivery_is_not_told_that_it_is_late():
    with pytest.raises(InvalidSignatureError):
        verified(BODY, signed(), "whsec-other", now=at(T + 10**9))


def test_the_time_is_the_machines_when_no_other_is_given():
    an_hour_ago = int((time.time() - 3600) * 1000)

    with pytest.raises(TimestampTooOldError):
        construct_event(BODY, sign(BODY, SECRET, timestamp_ms=an_hour_ago), SECRET)


@pytest.mark.parametrize("tolerance", [-1, -0.001, math.nan, "300", True])
def test_a_tolerance_that_is_no_number_of_seconds_is_a_configuration_error(tolerance: Any):
    with pytest.raises(ConfigurationError, match="tolerance"):
        verified(BODY, signed(), tolerance=tolerance)


# --- secrets and errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", " ", "\n", None, b"whsec", "\ud800"])
def test_a_secret_that_cannot_be_one_is_a_configuration_error(secret: Any):
    with pytest.raises(ConfigurationError, match="secret"):
        verified(BODY, signed(), secret)
    with pytest.raises(ConfigurationError, match="secret"):
        sign(BODY, secret)


def test_a_secret_that_cannot_be_encoded_is_not_in_the_error():
    with pytest.raises(ConfigurationError) as raised:
        sign(BODY, "whsec-hidden\ud800")

    assert raised.value.__context__ is None
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("headers", [None, 5, "sim-signature: t=1", b"sim-signature", ["sim-signature"], [("a",)]])
def test_what_holds_no_headers_is_a_configuration_error(headers: Any):
    with pytest.raises(ConfigurationError, match="headers must be those of the request"):
        verified(BODY, headers)


@pytest.mark.parametrize("value", [5, None, [5], {"value": "t=1"}])
def test_a_signature_that_is_no_text_is_a_configuration_error(value: Any):
    with pytest.raises(ConfigurationError, match="The header sim-signature must be text, bytes or a list"):
        verified(BODY, {"sim-signature": value})


@pytest.mark.parametrize("name", ["", "X My Sig", "X-My-Sig:", "Ä", 5, b"X-My-Sig"])
def test_what_is_no_name_of_a_header_is_a_configuration_error(name: Any):
    with pytest.raises(ConfigurationError, match="signature_header"):
        verified(BODY, signed("drain"), signature_header=name)
    with pytest.raises(ConfigurationError, match="signature_header"):
        sign(BODY, SECRET, family="drain", signature_header=name)


REFUSALS: dict[type[WebhookError], Callable[[], Any]] = {
    MissingSignatureError: partial(verified, BODY, {}),
    InvalidSignatureError: partial(verified, BODY + b" ", signed()),
    TimestampTooOldError: partial(verified, BODY, signed(), now=at(T + 10**6)),
    TimestampTooNewError: partial(verified, BODY, signed(), now=at(T - 10**6)),
    InvalidPayloadError: partial(verified, json.loads(BODY), signed()),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_each_refusal_is_an_error_of_its_own(kind: type[WebhookError]):
    with pytest.raises(SimStudioError) as raised:
        REFUSALS[kind]()

    assert [other for other in (*REFUSALS, ConfigurationError) if isinstance(raised.value, other)] == [kind]
    assert isinstance(raised.value, WebhookError)
    assert kind.__name__ in simstudio.webhooks.__all__


@pytest.mark.parametrize("kind", REFUSALS)
def test_no_error_shows_the_secret_or_the_signature_that_was_expected(kind: type[WebhookError]):
    with pytest.raises(WebhookError) as raised:
        REFUSALS[kind]()

    error = raised.value
    shown = f"{error!r} {vars(error)} {pickle.dumps(error)!r} {''.join(traceback.format_exception(error))}"
    assert SECRET not in shown
    assert not re.search(r"[0-9a-f]{64}", shown)


@pytest.mark.parametrize("kind", REFUSALS)
def test_errors_survive_pickling_and_copying(kind: type[WebhookError]):
    with pytest.raises(WebhookError) as raised:
        REFUSALS[kind]()

    for twin in (pickle.loads(pickle.dumps(raised.value)), copy.copy(raised.value)):
        assert type(twin) is kind
        assert str(twin) == str(raised.value)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch):
    compared: list[tuple[str, str]] = []

    def compare_digest(one: str, other: str) -> bool:
        compared.append((one, other))
        return True

    monkeypatch.setattr("simstudio.webhooks.hmac.compare_digest", compare_digest)
    assert verified(BODY, {"sim-signature": f"t={T},v1={'0' * 64}"})["order"] == 7
    assert compared == [(HEX, "0" * 64)]


# --- signing --------------------------------------------------------------------------------------------------------


def test_signing_as_a_notification_sets_its_headers():
    headers = signed("sim")

    assert headers["sim-event"] == "workflow.execution.completed"
    assert headers["sim-timestamp"] == str(T)
    assert re.fullmatch(r"delivery_[0-9a-f-]{36}", headers["sim-delivery-id"])
    assert headers["Idempotency-Key"] == headers["sim-delivery-id"]


def test_signing_as_a_webhook_block_sets_that_blocks_headers():
    headers = signed("webhook")

    assert [*headers] == [
        "Content-Type",
        "X-Webhook-Timestamp",
        "X-Delivery-ID",
        "Idempotency-Key",
        "X-Webhook-Signature",
    ]
    assert headers["X-Webhook-Timestamp"] == str(T)
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["X-Delivery-ID"])
    assert headers["Idempotency-Key"] == headers["X-Delivery-ID"]


def test_signing_as_a_data_drain_sets_that_drains_headers():
    headers = sign(BODY + b"\n" + BODY + b"\n", SECRET, timestamp_ms=T + 999, family="drain")

    assert headers["Content-Type"] == "application/x-ndjson"
    assert headers["X-Sim-Timestamp"] == str(T // 1000)
    assert headers["X-Sim-Signature"].startswith(f"t={T // 1000},v1=")
    assert headers["X-Sim-Row-Count"] == "2"
    assert headers["Idempotency-Key"] == f"{headers['X-Sim-Run-Id']}-{headers['X-Sim-Sequence']}"


def test_signing_as_a_data_drain_may_use_another_header():
    headers = sign(BODY, SECRET, family="drain", signature_header="X-My-Sig")

    assert "X-Sim-Signature" not in headers
    assert order_in(construct_event(BODY, headers, SECRET, signature_header="x-my-sig")) == 7


@every_family
def test_each_delivery_has_an_id_of_its_own(family: Family):
    assert signed(family)["Idempotency-Key"] != signed(family)["Idempotency-Key"]


@pytest.mark.parametrize(
    "options",
    [{"timestamp_ms": t} for t in (-1, 1.5, True, "1", 10**15)]
    + [{"family": "other"}, {"signature_header": "X-My-Sig"}],
)
def test_signing_with_no_such_time_or_family_is_refused(options: dict[str, Any]):
    with pytest.raises(InvalidInputError, match=next(iter(options))):
        sign(BODY, SECRET, **options)


def test_the_module_imports_nothing_heavy():
    heavy = ["httpx", "cattrs", "asyncio", "ssl", "socket", "simstudio.client", "simstudio.transport.wire"]
    code = f"import sys, simstudio.webhooks; print([name for name in {heavy} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed == "[]\n"
