"""A block of the network: connections to other machines fail at once, so that no test reaches a real server."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from unittest import mock

from attrs import frozen

from simstudio.core.functions import with_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class NetworkBlockedError(RuntimeError):
    """A connection to another machine was tried inside `block_network`.

    This is not an `OSError`, because HTTP clients convert those into errors of their own and retry.
    """


@contextmanager
@with_hints
def block_network(*, loopback: bool = True) -> Iterator[None]:
    """Block connections to other machines within a ``with`` block, in all threads and event loops.

    Connections and datagrams of Python's sockets and of asyncio are blocked, and look-ups of other machines' names.

    Args:
        loopback: Whether connections to this machine, such as to a sandbox, are allowed.

    Raises:
        NetworkBlockedError: A connection was tried inside the block.

    Example:
        >>> with block_network():  # doctest: +SKIP
        ...     httpx.get("https://sim.ai")
        Traceback (most recent call last):
        simstudio.testing.network.NetworkBlockedError: a connection to sim.ai was tried, but the network is blocked …
    """
    guard = _Guard(loopback)
    with ExitStack() as stack:
        for owner, name, replacement in guard.replacements():
            stack.enter_context(mock.patch.object(owner, name, replacement))
        yield


@frozen
class _Guard:
    loopback: bool

    def replacements(self) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
        """Yield what to patch: owner, name, and a replacement that checks the address and calls the original."""
        for name in ("connect", "connect_ex", "sendto", "sendmsg"):
            if hasattr(socket.socket, name):
                yield socket.socket, name, self._socket_method(getattr(socket.socket, name), name)
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            yield socket, name, self._lookup(getattr(socket, name))
        for loop in _event_loops():
            yield loop, "sock_connect", self._loop_method(loop.sock_connect)
        anyio = import_module("anyio")  # httpx requires it
        yield anyio, "connect_tcp", self._connect_tcp(anyio.connect_tcp)

    def check(self, address: object) -> None:
        """Raise if a connection to the address is not allowed."""
        host = address[0] if isinstance(address, tuple) and address else address
        if self.loopback and _is_local(host):
            return
        shown = host.decode(errors="replace") if isinstance(host, bytes) else host
        machine = "other machines" if self.loopback else "any machine, this one included"
        raise NetworkBlockedError(
            f"a connection to {shown} was tried, but the network is blocked for {machine} (by block_network)"
        )

    def _check_for(self, sock: socket.socket, address: object) -> None:
        # Sockets of other families, such as Unix ones, do not leave the machine.
        if sock.family in (socket.AF_INET, socket.AF_INET6) or not self.loopback:
            self.check(address)

    def _socket_method(self, original: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(original)
        def check_and_call(sock: socket.socket, *args: Any) -> Any:
            address = _address(name, args)
            try:
                if address is not None:
                    self._check_for(sock, address)
            except NetworkBlockedError:
                if name.startswith("connect"):  # callers close a new socket only after an OSError
                    sock.close()
                raise
            return original(sock, *args)

        return check_and_call

    def _lookup(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def check_and_call(host: Any, *args: Any, **kwargs: Any) -> Any:
            # A look-up of a name of this machine, or of a numeric address, sends nothing.
            if not _is_local(host) and not _is_number(host):
                self.check(host)
            return original(host, *args, **kwargs)

        return check_and_call

    def _loop_method(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def check_and_call(loop: Any, sock: socket.socket, address: Any) -> Any:
            # On Windows asyncio connects without calling the socket's method.
            self._check_for(sock, address)
            return await original(loop, sock, address)

        return check_and_call

    def _connect_tcp(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def check_and_call(remote_host: Any, *args: Any, **kwargs: Any) -> Any:
            # anyio tries addresses in a task group, which would wrap an error from a socket in an ExceptionGroup.
            self.check(remote_host)
            return await original(remote_host, *args, **kwargs)

        return check_and_call


def _address(method: str, args: tuple[Any, ...]) -> object:
    """Return the address among the arguments of a socket's method; None if the socket is connected already."""
    if method == "sendmsg":  # sendmsg(buffers, ancdata, flags, address)
        return args[3] if len(args) > 3 else None
    return args[-1] if args else None  # connect(address), sendto(data, [flags,] address)


def _event_loops() -> list[Any]:
    names = ("selector_events.BaseSelectorEventLoop", "proactor_events.BaseProactorEventLoop")
    found = []
    for name in names:
        module, _, loop = name.partition(".")
        found.append(getattr(import_module(f"{asyncio.__name__}.{module}"), loop))
    return found


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("latin-1")
    if host is None or host == "":
        return True
    if not isinstance(host, str):
        return False
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _number(name)
    if address is None:
        return name.startswith("/")  # the path of a Unix socket
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    # Connections to the unspecified address reach this machine.
    return address.is_loopback or address.is_unspecified


def _is_number(host: object) -> bool:
    text = host.decode("latin-1") if isinstance(host, bytes) else host
    return isinstance(text, str) and _number(text) is not None


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
