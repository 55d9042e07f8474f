"""URLs of files: which are used, how they are shown, and which redirects of a download are followed.

Whoever knows the query of a signed URL has access to the file. So no repr, log or error shows queries, and such URLs
are used over https only (on this machine also over http, for tests).
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
"""A part of the network that only this machine, or machines near it, can reach."""

_SCHEME = re.compile("http", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"'<>]+", re.ASCII)
_FETCHABLE = re.compile(r"https?://[^\s/?#\\\"<>]+(?:[/?#][^\s\\\"<>]*)?", re.IGNORECASE)
_SENDABLE = re.compile(r"[^\s\x00-\x20\x7f\\\"<>]+")
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)", re.IGNORECASE)  # 127.1 and 0x7f000001 are addresses too


def without_query(url: str) -> str:
    """Return a URL without its query, as it may be shown.

    Example:
        >>> without_query("https://oss.example.com/a.png?Signature=x")
        'https://oss.example.com/a.png?***'
    """
    return f"{url.partition('?')[0]}?***" if "?" in url else url


def hide_queries(text: str) -> str:
    """Return a text without the queries of URLs."""
    return _WORD.sub(_hide, text) if "?" in text and _SCHEME.search(text) else text


def _hide(word: re.Match[str]) -> str:
    text = word[0]
    scheme = _SCHEME.search(text)
    query = text.find("?", scheme.start()) if scheme is not None else -1
    return f"{text[: query + 1]}***" if query >= 0 else text


def is_file_url(text: str) -> bool:
    """Whether a text in an output is a URL as a whole."""
    if not _FETCHABLE.fullmatch(text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


def check_url(url: object, what: str, *, insecure: bool, zone: Zone | None) -> str:
    """Check a URL to which a file is sent, or from which it is handed out.

    Args:
        url: URL that the service gave.
        what: Name of the URL for errors.
        insecure: Whether http is allowed for other machines.
        zone: Zone of the service.

    Raises:
        UnsafeURLError: The text is no URL, holds a user name, is unencrypted, or is in a zone without the service.
    """
    parts = _split(url)
    if parts is None or not isinstance(url, str):
        raise UnsafeURLError(f"The {what} is no http(s) address that can be used: {_show(url)}.")
    if zone_of(parts.hostname) not in (None, zone):
        raise UnsafeURLError(f"The {what} {without_query(url)} lies in the local network. Nothing was sent there.")
    if parts.scheme.lower() != "https" and not insecure and not is_loopback(parts.hostname):
        raise UnsafeURLError(
            f"The {what} {without_query(url)} is not encrypted, and whoever sees it can use it. "
            "Nothing was sent there; allow_insecure_urls=True allows it."
        )
    return url


def check_fetchable(url: str, zone: Zone | None) -> str:
    """Check a URL from which a file is fetched.

    Args:
        zone: Zone in which the file may be, beside the public network.

    Raises:
        UnsafeURLError: The text is no URL, or is in another zone.
    """
    parts = _split(url)
    if parts is None:
        raise UnsafeURLError(f"There is nothing to fetch at {_show(url)}: it is no http(s) address.")
    if zone_of(parts.hostname) not in (None, zone):
        raise UnsafeURLError(
            f"Nothing is fetched from {without_query(url)}: it lies in the local network, and the service that named "
            "it does not. If you trust the address: FileOutput(output.url)."
        )
    return url


def next_hop(url: str, location: str | None, *, insecure: bool, zone: Zone | None) -> str:
    """Return the URL to which a download is redirected.

    A redirect from https to http, or into another zone than that of the service, is not followed.

    Raises:
        UnsafeURLError: The redirect is not followed.
    """
    target: str | None
    try:
        target = urljoin(url, location) if location else None
    except ValueError:
        target = None
    here, there = urlsplit(url), _split(target)
    if there is None or target is None:
        raise UnsafeURLError(f"{without_query(url)} redirects to {_show(location)}, which is no address.")
    if there.scheme.lower() == "http" and here.scheme.lower() == "https" and not insecure:
        raise UnsafeURLError(f"{without_query(url)} redirects to {_show(target)}, which is not encrypted.")
    if zone_of(there.hostname) not in (None, zone):
        raise UnsafeURLError(f"{without_query(url)} redirects into the local network, to {_show(target)}.")
    return target.partition("#")[0]


def is_loopback(host: str | None) -> bool:
    """Whether a host is certainly this machine."""
    name = (host or "").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def zone_of(host: str | None) -> Zone | None:
    """The zone of a host, by its name; None for the public network.

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
    """The zone of a URL; None for the public network, and for a text that is no URL."""
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


def _show(url: object) -> str:
    return repr(without_query(url)[:200]) if isinstance(url, str) else type(url).__name__
