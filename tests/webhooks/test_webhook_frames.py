"""No frame of a refused delivery holds the secret, a signature that came, or the signature that would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simstudio import SimStudioError
from simstudio.webhooks import construct_event, sign
from tests.frames import leaks

SECRET = "whsec-test-Zebra4711"
BODY = b'{"order": 7}'
T = 1_795_163_133_189
SIGNED = sign(BODY, SECRET, timestamp_ms=T)
SIGNATURE = SIGNED["sim-signature"].rpartition("v1=")[2]


def verify(payload: Any = BODY, headers: Any = SIGNED, secret: Any = SECRET, **options: Any) -> Any:
    return construct_event(payload, headers, secret, **{"now": lambda: T / 1000, **options})


REFUSED: dict[str, Callable[[], Any]] = {
    "another secret": lambda: verify(secret=f"{SECRET} of another"),
    "another body": lambda: verify(b'{"order": 8}', {**SIGNED, "sim-signature": f"t={T},v1={'0' * 64}"}),
    "an empty secret": lambda: verify(secret=" "),
    "a secret that is bytes": lambda: verify(secret=SECRET.encode()),
    "a secret that is no text": lambda: verify(secret=f"{SECRET}\ud800"),
    "a parsed body": lambda: verify({"order": 7}),
    "a body that is no text": lambda: verify("\ud800"),
    "headers that are none": lambda: verify(headers=[SIGNATURE]),
    "a signature that is no text": lambda: verify(headers={**SIGNED, "Sim-Signature": {"value": SIGNATURE}}),
    "no name of a header": lambda: verify(signature_header=""),
    "no signature": lambda: verify(headers={"authorization": SECRET}),
    "half a signature": lambda: verify(headers={"sim-signature": f"v1={SIGNATURE}"}),
    "two signatures": lambda: verify(headers={**SIGNED, "Sim-Signature": f"t=1,v1={SIGNATURE}"}),
    "too late": lambda: verify(now=lambda: T / 1000 + 301),
    "too early": lambda: verify(now=lambda: T / 1000 - 301),
    "a tolerance that is none": lambda: verify(tolerance=-1),
    "a clock that fails": lambda: verify(now=lambda: 1 / 0),
    "signing at no time": lambda: sign(BODY, SECRET, timestamp_ms=-1),
    "signing for no family": lambda: sign(BODY, SECRET, family="other"),  # type: ignore[arg-type]
    "signing no body": lambda: sign({"order": 7}, SECRET),  # type: ignore[arg-type]
    "signing with bytes": lambda: sign(BODY, SECRET.encode()),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_no_frame_holds_the_secret_or_a_signature(refused: Callable[[], Any]) -> None:
    with pytest.raises((SimStudioError, ZeroDivisionError)) as caught:
        refused()
    right = sign(b'{"order": 8}', SECRET, timestamp_ms=T)["sim-signature"].rpartition("v1=")[2]
    assert leaks(caught.value, SECRET, SIGNATURE, right) == []
