"""The header Host: the names for which a local server accepts requests.

A web page whose name was pointed at this machine (DNS rebinding) reaches a local server from the browser, and sends
the name of the page in the header Host. Requests for a name that can be registered are refused.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from simstudio.sandbox.http import json_reply

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]*)?", re.ASCII)
_UNREGISTRABLE = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test")
"""Suffixes of names that no web page can have."""


class Hosts:
    """The names for which a server accepts requests: those of loopback addresses, and the name that it is bound to.

    A server that listens on all addresses accepts any address, and names that no web page can have: this
    machine's own, names without a dot (as containers have), and those of local networks.

    Args:
        bound: The name or address on which the server listens.
        address: The address it listens on.
    """

    def __init__(self, bound: str, address: str) -> None:
        self._names = {"localhost", bound.lower().rstrip(".")}
        self._address = ip_address(address)
        if self._address.is_unspecified:
            self._names.add(socket.gethostname().lower())

    @property
    def are_local(self) -> bool:
        """Whether only this machine reaches the server."""
        return self._address.is_loopback

    def include(self, host: str) -> bool:
        """Whether a header Host, with or without a port, is one of these names."""
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        address = _address(found[1] or found[2])
        if address is not None:
            return address.is_loopback or self._address.is_unspecified or address == self._address
        name = (found[2] or "").rstrip(".")
        if name in self._names or name.endswith(".localhost"):
            return True
        return self._address.is_unspecified and name != "" and ("." not in name or name.endswith(_UNREGISTRABLE))


def refuse_other_hosts(hosts: Hosts, app: ASGIApp) -> ASGIApp:
    """An application that refuses requests for other hosts; a request without a Host comes from no browser."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"), None)
        if given is None or hosts.include(given):
            await app(scope, receive, send)
            return
        problem = f"This local server does not answer to the header Host {given!r}. Use localhost or 127.0.0.1."
        await json_reply({"error": problem}, 421)(scope, receive, send)

    return call


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
