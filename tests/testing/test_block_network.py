"""A replaying test cannot reach another machine."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest

from simstudio.testing import NetworkBlockedError, block_network

# Reserved for documentation (RFC 5737): nothing is there, even where the guard fails.
ELSEWHERE = "192.0.2.1"


@pytest.mark.parametrize("url", [f"http://{ELSEWHERE}/", "http://sim.test/", "https://[2001:db8::1]/"])
def test_a_blocking_client_fails_at_once_and_with_the_guards_own_error(url):
    with block_network(), pytest.raises(NetworkBlockedError, match="the network is blocked for other machines"):
        httpx.get(url)


@pytest.mark.parametrize("url", [f"http://{ELSEWHERE}/", "http://sim.test/"])
async def test_an_async_client_too(url):
    with block_network():
        async with httpx.AsyncClient() as client:
            with pytest.raises(NetworkBlockedError):
                await client.get(url)


def test_the_error_names_where_to():
    with block_network(), pytest.raises(NetworkBlockedError, match=r"a connection to sim\.test was tried"):
        httpx.get("http://sim.test/")


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_plain_sockets_too(method):
    with block_network(), socket.socket() as plain, pytest.raises(NetworkBlockedError):
        getattr(plain, method)((ELSEWHERE, 80))


def test_datagrams_too():
    with block_network(), socket.socket(type=socket.SOCK_DGRAM) as plain:
        with pytest.raises(NetworkBlockedError):
            plain.sendto(b"x", (ELSEWHERE, 53))
        with pytest.raises(NetworkBlockedError):
            plain.sendto(b"x", 0, (ELSEWHERE, 53))
        with pytest.raises(NetworkBlockedError):
            plain.sendmsg([b"x"], [], 0, (ELSEWHERE, 53))


async def test_asyncio_connections_too():
    with block_network():
        with pytest.raises(NetworkBlockedError):
            await asyncio.open_connection(ELSEWHERE, 80)
        with socket.socket() as plain:
            plain.setblocking(False)
            with pytest.raises(NetworkBlockedError):
                await asyncio.get_running_loop().sock_connect(plain, (ELSEWHERE, 80))


def test_other_threads_too():
    failures = []

    def work():
        try:
            socket.create_connection((ELSEWHERE, 80))
        except NetworkBlockedError as error:
            failures.append(error)

    with block_network():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert failures


def test_this_machine_may_be_reached(server):
    port = server.url.rpartition(":")[2]
    with block_network():
        assert httpx.get(server.url).status_code == 200
        assert httpx.get(f"http://localhost:{port}").status_code == 200


async def test_this_machine_may_be_reached_asynchronously(server):
    with block_network():
        async with httpx.AsyncClient() as client:
            assert (await client.get(server.url)).status_code == 200


def test_unless_that_is_blocked_as_well(server):
    with block_network(loopback=False), pytest.raises(NetworkBlockedError, match="any machine, this one included"):
        httpx.get(server.url)


async def test_unless_that_is_blocked_as_well_asynchronously(server):
    with block_network(loopback=False):
        async with httpx.AsyncClient() as client:
            with pytest.raises(NetworkBlockedError):
                await client.get(server.url)


def test_a_guard_within_a_guard_leaves_the_outer_one():
    with block_network():
        with block_network(loopback=False):
            pass
        with socket.socket() as plain, pytest.raises(NetworkBlockedError):
            plain.connect((ELSEWHERE, 80))


def test_everything_is_put_back(server):
    before = (socket.socket.connect, socket.getaddrinfo, asyncio.selector_events.BaseSelectorEventLoop.sock_connect)
    with pytest.raises(ZeroDivisionError), block_network(loopback=False):
        raise ZeroDivisionError

    after = (socket.socket.connect, socket.getaddrinfo, asyncio.selector_events.BaseSelectorEventLoop.sock_connect)
    assert after == before
    assert "connect" not in vars(socket.socket)
    assert httpx.get(server.url).status_code == 200
