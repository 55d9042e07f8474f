"""The header Host: a web page whose name was pointed at this machine (DNS rebinding) gets nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from simstudio.sandbox import Sandbox
from simstudio.sandbox.hosts import Hosts
from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox

SANDBOXES: list[Callable[[], Any]] = [Sandbox, OomolSandbox, SpeedPixSandbox, VectorVeinSandbox]


def asked(port: int, host: str | None) -> tuple[int, bytes]:
    """Ask a server of this machine for something with a header Host (None: without one); status and body."""
    version, named = ("1.0", "") if host is None else ("1.1", f"Host: {host}\r\n")
    request = f"GET / HTTP/{version}\r\n{named}User-Agent: Mozilla/5.0\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request.encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_foreign_name_gets_nothing(sandbox: Callable[[], Any]) -> None:
    with sandbox().serve() as server:
        port = int(server.origin.rsplit(":", 1)[1])
        status, body = asked(port, f"rebound.example:{port}")

        assert status == 421
        assert f"'rebound.example:{port}'" in json.loads(body)["error"]
        assert server.requests == []
        for host in (f"127.0.0.1:{port}", "127.0.0.1", f"localhost:{port}", "LOCALHOST", None):
            assert asked(port, host)[0] == 404
        assert len(server.requests) == 5


CALLS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "sim": (Sandbox, lambda client: client.workflows.status("hello")),
    "oomol": (OomolSandbox, lambda client: client.tasks.list()),
    "speedpix": (SpeedPixSandbox, lambda client: client.run("echo", {"a": 1})),
    "vectorvein": (VectorVeinSandbox, lambda client: client.list_agents()),
}


def secrets_of(server: Any) -> list[str]:
    """The keys, tokens and secrets that lead to a server."""
    return [value for name, value in server.environ.items() if name.endswith(("_API_KEY", "_TOKEN", "_SECRET"))]


def open_to_others(sandbox: Any) -> Any:
    """A server that listens on all addresses; ``with`` closes it."""
    server = sandbox.serve("0.0.0.0")
    with pytest.warns(UserWarning, match="whoever reaches"):
        server.start()
    return closing(server)


@pytest.mark.parametrize("call", CALLS)
def test_no_proxy_of_the_environment_is_asked(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    make, use = CALLS[call]

    async def main() -> None:
        async with server.async_client() as client:
            await use(client)

    with make().serve() as server:
        with server.client() as client:
            use(client)
        asyncio.run(main())


HERE = socket.gethostname()
LOOPBACK = [
    "127.0.0.1",
    "127.0.0.1:8000",
    "localhost",
    "localhost:1",
    "Localhost.",
    "a.localhost",
    "[::1]:80",
]
FOREIGN = ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "a.xlocal"]
NONSENSE = ["", ":", ":80", "[", "[::1", "::1]", "a b", "\xff", "http://127.0.0.1", "user@127.0.0.1"]


class TestHosts:
    @pytest.mark.parametrize("host", LOOPBACK)
    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.0.2.7", "0.0.0.0", "::"])
    def test_loopback_names_are_always_its_own(self, address: str, host: str) -> None:
        assert Hosts(address, address).include(host)

    @pytest.mark.parametrize("host", [*FOREIGN, *NONSENSE])
    @pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])
    def test_names_that_anybody_can_have_are_not(self, bound: str, host: str) -> None:
        assert not Hosts(bound, bound).include(host)

    @pytest.mark.parametrize("host", ["192.0.2.7", "192.0.2.7:8000", "[2001:db8::7]:80", "box.lan", "sim"])
    def test_others_of_a_network_are_not_where_it_listens_on_this_machine_only(self, host: str) -> None:
        assert not Hosts("127.0.0.1", "127.0.0.1").include(host)

    @pytest.mark.parametrize(
        ("bound", "address", "host"),
        [
            ("192.0.2.7", "192.0.2.7", "192.0.2.7:8000"),
            ("Box.Example.com", "192.0.2.7", "box.example.com:8000"),
            ("box.example.com", "192.0.2.7", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7", "[2001:DB8:0::7]:80"),
        ],
    )
    def test_what_it_was_bound_to_is(self, bound: str, address: str, host: str) -> None:
        assert Hosts(bound, address).include(host)
        assert not Hosts(bound, address).include("192.0.2.8")

    @pytest.mark.parametrize("bound", ["0.0.0.0", "::", ""])
    @pytest.mark.parametrize("host", ["192.0.2.7:80", "[2001:db8::7]", "sim:80", "host.docker.internal", HERE])
    def test_on_all_addresses_so_is_what_no_web_page_can_be_called(self, bound: str, host: str) -> None:
        assert Hosts(bound, bound or "0.0.0.0").include(host)


class TestListeningToOthers:
    @pytest.mark.parametrize("sandbox", SANDBOXES)
    def test_is_warned_of(self, sandbox: Callable[[], Any]) -> None:
        with pytest.warns(UserWarning, match=r"listens on 0\.0\.0\.0:\d+: whoever reaches"), sandbox().serve("0.0.0.0"):
            pass

    @pytest.mark.parametrize("sandbox", SANDBOXES)
    def test_needs_a_key_that_nobody_knows(self, sandbox: Callable[[], Any]) -> None:
        with open_to_others(sandbox()) as first:
            keys = secrets_of(first)
        with open_to_others(sandbox()) as second:
            assert keys != secrets_of(second)
        with sandbox().serve() as local:
            assert not set(keys) & set(secrets_of(local))

    def test_keeps_a_key_of_one_s_own(self) -> None:
        with open_to_others(Sandbox("sk-sim-mine")) as server:
            assert server.sandbox.api_key == "sk-sim-mine"

    @pytest.mark.parametrize("call", CALLS)
    def test_is_called_with_the_new_key(self, call: str) -> None:
        make, use = CALLS[call]
        with open_to_others(make()) as server, server.client() as client:
            use(client)
            assert server.requests

    def test_names_an_ipv6_address_in_brackets(self) -> None:
        with pytest.warns(UserWarning, match=r"listens on \[::\]:\d+: whoever reaches"), Sandbox().serve("::"):
            pass

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_to_this_machine_is_not(self, host: str) -> None:
        with Sandbox().serve(host) as server:  # where a warning would be an error
            assert server.origin
