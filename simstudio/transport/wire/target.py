"""Where an address leads, for those who send to it as it is written."""

from __future__ import annotations

import functools
import string
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

_PORTS = {"http": 80, "https": 443}
_HOST = frozenset(string.ascii_lowercase + string.digits + "._-")
_IPV6 = frozenset("0123456789abcdef:.")
_PATH = frozenset(string.ascii_letters + string.digits + "._~!$&'()*+,;=:@/?-%")
_LONGEST = 65536
"""Characters of an address that httpx takes."""
_HEX = frozenset(string.hexdigits)


class Target(NamedTuple):
    """Where an address leads.

    Attributes:
        origin: Scheme, host and, where it is not the scheme's own, port.
        scheme: ``http`` or ``https``.
        host: Without the brackets of an IPv6 address.
        port: Its number.
        written_host: For the header ``Host``.
        path: Path and query.
    """

    origin: str
    scheme: str
    host: str
    port: int
    written_host: str
    path: str


@functools.lru_cache(maxsize=1024)
def target_of(url: str) -> Target | None:
    """Where an address leads, None where httpx would rewrite or refuse it (or may)."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    port = own = _PORTS.get(scheme, 0)
    if ":" in host and not host.endswith("]"):
        host, _, digits = host.rpartition(":")
        port = int(digits) if len(digits) < 6 and digits.isascii() and digits.isdigit() else 0
    if not 0 < port < 65536 or own == 0 or len(url) > _LONGEST or "/." in rest:
        return None
    if not _is_host(host) or not _is_path(path):
        return None
    written = host if port == own else f"{host}:{port}"
    return Target(f"{scheme}://{written}", scheme, host.strip("[]"), port, written, f"/{path}")


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            return host.endswith("]") and _IPV6.issuperset(host[1:-1]) and bool(IPv6Address(host[1:-1]))
        if host.rpartition(".")[2].isdigit():
            return bool(IPv4Address(host))
    except ValueError:
        return False
    return _HOST.issuperset(host) and host != ""


def _is_path(path: str) -> bool:
    return _PATH.issuperset(path) and all(len(rest) > 1 and _HEX.issuperset(rest[:2]) for rest in path.split("%")[1:])
