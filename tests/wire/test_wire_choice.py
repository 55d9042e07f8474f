"""``wire=`` and ``SIM_WIRE``: which wire a client has, and what is refused."""

from __future__ import annotations

import importlib.util
import pickle
from typing import Any

import httpx
import pytest
from faultserver import FaultServer

from simstudio import AsyncSimStudioClient, ConfigurationError, SimStudioClient

KINDS = [SimStudioClient, AsyncSimStudioClient]
kinds = pytest.mark.parametrize("kind", KINDS)
URL = "http://127.0.0.1:9"


def wire_of(client: Any) -> str:
    """The module of a client's wire; httpx's blocking one is that of httpcore."""
    name: str = type(client._wire.get()).__module__.rpartition(".")[2]
    return {"httpcore": "httpx"}.get(name, name.removeprefix("async_"))


def meant(kind: Any, wire: str) -> str:
    """What a client has where a wire is asked for: sockets are for calls that block."""
    return "httpx" if wire == "sockets" and kind is AsyncSimStudioClient else wire


@kinds
def test_the_environment_chooses(kind: Any, wire: str) -> None:
    assert wire_of(kind("key", URL)) == meant(kind, wire)


@kinds
def test_the_argument_wins_over_the_environment(kind: Any, wire: str) -> None:
    assert wire_of(kind("key", URL, wire="httpx")) == "httpx"
    assert wire_of(kind("key", URL, wire=wire)) == meant(kind, wire)


@kinds
@pytest.mark.parametrize("value", [None, ""])
def test_httpx_is_the_default(kind: Any, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIM_WIRE") if value is None else monkeypatch.setenv("SIM_WIRE", value)
    assert wire_of(kind("key", URL)) == "httpx"


@kinds
def test_clones_and_raw_twins_keep_it(kind: Any, wire: str) -> None:
    client = kind("key", URL, wire=wire)
    assert client.with_options(timeout=1)._wire is client._wire
    assert client.with_raw_response._wire is client._wire


@kinds
def test_a_pickled_client_keeps_it_whatever_the_environment_says_then(
    kind: Any, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = kind("key", URL)
    monkeypatch.delenv("SIM_WIRE")
    assert wire_of(pickle.loads(pickle.dumps(client))) == meant(kind, wire)
    assert wire_of(pickle.loads(pickle.dumps(client.with_options(timeout=1)))) == meant(kind, wire)


@kinds
@pytest.mark.parametrize("name", ["carrier pigeon", "HTTPX", "aiohttp"])
def test_one_that_does_not_exist_is_a_configuration_error_that_names_those_that_do(kind: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r'"httpx", "sockets", "pyreqwest".+' + name):
        kind("key", URL, wire=name)


@kinds
def test_one_of_the_environment_that_does_not_exist_is_refused_too(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_WIRE", "pigeon")
    with pytest.raises(ConfigurationError, match="SIM_WIRE"):
        kind("key", URL)


@kinds
def test_one_that_is_not_installed_is_a_configuration_error_that_names_its_extra(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"simstudio-sdk\[fast\]"):
        kind("key", URL, wire="pyreqwest")


def test_a_wire_and_an_http_client_exclude_each_other(wire: str) -> None:
    with httpx.Client() as http_client, pytest.raises(ConfigurationError, match=r"wire= and http_client="):
        SimStudioClient("key", URL, wire=wire, http_client=http_client)


async def test_a_wire_and_an_http_client_exclude_each_other_async(wire: str) -> None:
    async with httpx.AsyncClient() as http_client:
        with pytest.raises(ConfigurationError, match=r"wire= and http_client="):
            AsyncSimStudioClient("key", URL, wire=wire, http_client=http_client)


def test_an_http_client_wins_over_the_environment() -> None:
    def from_memory(request: Any) -> Any:
        return httpx.Response(200, json={"success": True, "output": "memory"})

    with (
        httpx.Client(transport=httpx.MockTransport(from_memory)) as http_client,
        SimStudioClient("key", URL, http_client=http_client) as client,
    ):
        assert client.workflows.execute("wf").output == "memory"


def test_no_wire_keeps_cookies(wire: str) -> None:
    from wireanswers import answer, answering

    with (
        FaultServer(answering(answer({}, Set_Cookie="session=1; Path=/"))) as server,
        SimStudioClient("key", server.url, wire=wire) as client,
    ):
        for _ in range(2):
            client.request("GET", "/api/x")
    assert [request.all("cookie") for request in server.requests] == [[], []]


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_no_wire_follows_redirects(wire: str, status: int) -> None:
    from wireanswers import answer, answering

    with (
        FaultServer(answering(answer({}, status, Location="/elsewhere"))) as server,
        SimStudioClient("key", server.url, wire=wire) as client,
        pytest.raises(Exception, match="Redirects are not followed"),
    ):
        client.request("GET", "/api/x")
    assert [request.target for request in server.requests] == ["/api/x"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_request_is_http_1_1(wire: str, scheme: str, trusted: None, server_context: Any) -> None:
    """The server of these tests reads nothing else, and offers nothing else."""
    with (
        FaultServer(context=server_context if scheme == "https" else None) as server,
        SimStudioClient("key", server.url, wire=wire) as client,
    ):
        assert client.workflows.execute("wf").success
