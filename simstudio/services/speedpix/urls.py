"""Addresses of files: which ones are used, how they are shown, and where a download may be led on.

An address that was signed in advance is a key to the file: whoever reads its query can use it. So queries show in no
repr, log or error, and such addresses travel over https only (on this machine also over http, for tests).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from simstudio.services.speedpix.errors import UnsafeURLError

if TYPE_CHECKING:
    from typing import TypeAlias

Zone: TypeAlias = Literal["loopback", "link-local", "private"]
"""A part of the network that only this machine or its neighbours reach."""

_SCHEME = re.compile("http", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"'<>]+", re.ASCII)
_FETCHABLE = re.compile(r"https?://[^\s/?#\\\"<>]+(?:[/?#][^\s\\\"<>]*)?", re.IGNORECASE)
_SENDABLE = re.compile(r"[^\s\x00-\x20\x7f\\\"<>]+")
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)", re.IGNORECASE)  # 127.1 and 0x7f000001 are addresses too


def without_query(url: str) -> str:
    """An address as it may be shown.

    Example:
        >>> without_query("https://oss.example.com/a.png?Signature=x")
        'https://oss.example.com/a.png?***'
    """
    return f"{url.partition('?')[0]}?***" if "?" in url else url


def hide_queries(text: str) -> str:
    """A text in which no address shows its query."""
    return _WORD.sub(_hidden, text) if "?" in text and _SCHEME.search(text) else text


def _hidden(word: re.Match[str]) -> str:
    text = word[0]
    scheme = _SCHEME.search(text)
    query = text.find("?", scheme.start()) if scheme is not None else -1
    return f"{text[: query + 1]}***" if query >= 0 else text


def is_file_url(text: str) -> bool:
    """Whether a text of an output is, as a whole, an address to fetch from."""
    if not _FETCHABLE.fullmatch(text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


def check_url(url: object, what: str, *, insecure: bool, zone: Zone | None) -> str:
    """An address that a file is sent to or handed out at, when it may be.

    Args:
        url: As the service gave it.
        what: What to call it in the error.
        insecure: Whether http is borne elsewhere than on this machine.
        zone: The zone of the service itself.

    Raises:
        UnsafeURLError: It is none, holds a user name, is unencrypted, or lies in a zone without the service.
    """
    parts = _split(url)
    if parts is None or not isinstance(url, str):
        raise UnsafeURLError(f"The {what} is no http(s) address that can be used: {_shown(url)}.")
    if zone_of(parts.hostname) not in (None, zone):
        raise UnsafeURLError(f"The {what} {without_query(url)} lies in the local network. Nothing was sent there.")
    if parts.scheme.lower() != "https" and not insecure and not is_loopback(parts.hostname):
        raise UnsafeURLError(
            f"The {what} {without_query(url)} is not encrypted, and whoever sees it can use it. "
            "Nothing was sent there; allow_insecure_urls=True allows it."
        )
    return url


def check_fetchable(url: str, zone: Zone | None) -> str:
    """An address to fetch from, when it is one.

    Args:
        zone: The zone in which the file may lie, beside the public network.

    Raises:
        UnsafeURLError: It is none, or lies in another zone.
    """
    parts = _split(url)
    if parts is None:
        raise UnsafeURLError(f"There is nothing to fetch at {_shown(url)}: it is no http(s) address.")
    if zone_of(parts.hostname) not in (None, zone):
        raise UnsafeURLError(
            f"Nothing is fetched from {without_query(url)}: it lies in the local network, and the service that named "
            "it does not. If you trust the address: FileOutput(output.url)."
        )
    return url


def next_hop(url: str, location: str | None, *, insecure: bool, zone: Zone | None) -> str:
    """Where a redirect of a download leads, when it may be followed.

    Never from https to http, and never into another zone than that of the service.

    Raises:
        UnsafeURLError: It may not.
    """
    target: str | None
    try:
        target = urljoin(url, location) if location else None
    except ValueError:
        target = None
    here, there = urlsplit(url), _split(target)
    if there is None or target is None:
        raise UnsafeURLError(f"{without_query(url)} redirects to {_shown(location)}, which is no address.")
    if there.scheme.lower() == "http" and here.scheme.lower() == "https" and not insecure:
        raise UnsafeURLError(f"{without_query(url)} redirects to {_shown(target)}, which is not encrypted.")
    if zone_of(there.hostname) not in (None, zone):
        raise UnsafeURLError(f"{without_query(url)} redirects into the local network, to {_shown(target)}.")
    return target.partition("#")[0]


def is_loopback(host: str | None) -> bool:
    """Whether a host is surely this machine."""
    name = (host or "").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def zone_of(host: str | None) -> Zone | None:
    """The zone of a host, as far as its name tells; None for the public network.

    Example:
        >>> zone_of("169.254.169.254")
        'link-local'
    """
    name = (host or "").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "loopback"
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        if not _NUMERIC.fullmatch(name):
            return None
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(name))
        except OSError:
            return "private"
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    return None if address.is_global else "private"


def zone_of_url(url: str) -> Zone | None:
    """The zone of an address; None for the public network, and for a text that is no address."""
    parts = _split(url)
    return zone_of(parts.hostname) if parts is not None else None


def _split(url: object) -> SplitResult | None:
    if not isinstance(url, str) or not _SENDABLE.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        return None
    return parts if usable and "@" not in parts.netloc and parts.netloc.isascii() else None


def _shown(url: object) -> str:
    return repr(without_query(url)[:200]) if isinstance(url, str) else type(url).__name__
