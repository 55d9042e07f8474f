"""Errors that mean the same with every service: unread JSON, values JSON cannot hold, gateways that gave up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simstudio import InvalidInputError, InvalidResponseError, ServerError
from simstudio.services.oomol import OomolConnectClient
from simstudio.services.speedpix import Client
from simstudio.services.vectorvein import VectorVeinClient

LONG = b'{"status": 10, "msg": "", "data": ' + b"9" * 5000 + b"}"
FIELD: dict[str, Any] = {"node_id": "n", "field_name": "f"}

Call = Callable[[httpx.Client, Any], Any]
WRITES: dict[str, Call] = {
    "oomol": lambda http, value: oomol(http).tasks.create({"blockId": "a::b", "inputValues": {"x": value}}),
    "oomol with files": lambda http, value: oomol(http).tasks.create_with_files("a::b", {"x": value}, [b"file"]),
    "speedpix": lambda http, value: speedpix(http).run("wf", {"x": value}),
    "vectorvein": lambda http, value: vectorvein(http).run_workflow("wf", [{**FIELD, "value": value}]),
}
READS: dict[str, Call] = {
    "oomol": lambda http, _: oomol(http).tasks.get("t"),
    "speedpix": lambda http, _: speedpix(http).predictions.get("t"),
    "vectorvein": lambda http, _: vectorvein(http).check_workflow_status("rid"),
}


def oomol(http: httpx.Client) -> OomolConnectClient:
    return OomolConnectClient("https://oomol.test", "token", http_client=http, max_retries=0)


def speedpix(http: httpx.Client) -> Client:
    return Client("key", "secret", "https://speedpix.test", http_client=http, max_retries=0)


def vectorvein(http: httpx.Client) -> VectorVeinClient:
    return VectorVeinClient("key", "https://vectorvein.test", http_client=http, max_retries=0)


def answering(status: int, content: bytes) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=content)))


@pytest.mark.parametrize("service", READS)
def test_json_that_python_does_not_read_is_called_that(service: str) -> None:
    with pytest.raises(InvalidResponseError, match=r"too long .*4300") as caught:
        READS[service](answering(200, LONG), None)
    assert "does not read" in str(caught.value)
    assert "base_url" not in str(caught.value)


@pytest.mark.parametrize("service", WRITES)
def test_a_value_that_json_cannot_hold_is_named_with_its_place_and_a_substitute(service: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\[1\] is of type complex, which is no JSON data: send "):
        WRITES[service](answering(200, b""), {"list": [1, 1j]})


@pytest.mark.parametrize("status", [502, 504, 524])
@pytest.mark.parametrize("service", READS)
def test_after_a_gateways_timeout_a_write_may_have_been_carried_out(service: str, status: int) -> None:
    with pytest.raises(ServerError, match=r"may have been carried out; look before sending it again\.$"):
        WRITES[service](answering(status, b"<html>late</html>"), 1)
    with pytest.raises(ServerError) as caught:
        READS[service](answering(status, b"<html>late</html>"), None)
    assert "carried out" not in str(caught.value)
